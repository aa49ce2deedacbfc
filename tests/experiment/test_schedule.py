"""A mission's sessions take the step size of the moment at which they begin."""

from collections.abc import Sequence

import pytest

from orbitfl.simulation.timeline import Session
from orbitfl.training.crew import Crew, Job
from orbitfl.training.learner import Progress


class Noting(Crew):
    """A crew that keeps how much of the mission had passed in each of its jobs."""

    def train_all(self, jobs: Sequence[Job]) -> list[tuple[Progress, float]]:
        self.elapsed = [*getattr(self, "elapsed", ()), *(job.elapsed for job in jobs)]
        return super().train_all(jobs)


@pytest.mark.parametrize("strategy", ["isolated", "centralised"])
def test_sessions_know_how_much_of_the_mission_has_passed(asked, played, strategy: str):
    scenario = asked(f"exchange.strategy.kind={strategy}", "training.schedule.kind=cosine")
    replay, happenings = played(scenario)
    crew = replay.pupils.crew = Noting(replay.classroom.learner, workers=1)
    list(replay.carried_out(happenings))
    begun_s = [each.start_s for each in happenings if isinstance(each, Session)]
    assert sorted(crew.elapsed) == sorted(start_s / scenario.duration_s for start_s in begun_s)
    assert min(crew.elapsed) == 0 < 0.5 < max(crew.elapsed) < 1
