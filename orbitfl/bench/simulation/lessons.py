"""A small run with its learning: what takes its time, and what several workers make of it."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orbitfl.bench.timing import timed
from orbitfl.contacts import ContactPlan, found
from orbitfl.experiment.classroom import Classroom, load_learner, open_classroom
from orbitfl.experiment.mission import timeline
from orbitfl.experiment.replay import Replay
from orbitfl.experiment.replaying import replay_of
from orbitfl.experiment.survey import survey
from orbitfl.federation.weights import Layout
from orbitfl.scenario import Scenario
from orbitfl.simulation.timeline import Exchange, Session, Timeline
from orbitfl.training.crew import Crew, Job
from orbitfl.training.flat import Vector
from orbitfl.training.learner import DecoderLearner, Lessons, Progress
from orbitfl.training.scores import Confusion


class TimedCrew(Crew):
    """A crew that adds up the CPU seconds of its gradients and of its scores."""

    def __init__(self, learner: DecoderLearner, workers: int) -> None:
        super().__init__(learner, workers)
        self.gradients_s = self.scores_s = 0.0

    def train_all(self, jobs: Sequence[Job]) -> list[tuple[Progress, float]]:
        spent_s, trained = timed(lambda: super(TimedCrew, self).train_all(jobs))
        self.gradients_s += spent_s
        return trained

    def score_all(self, weights: Sequence[Vector], lessons: Lessons) -> list[Confusion]:
        spent_s, scored = timed(lambda: super(TimedCrew, self).score_all(weights, lessons))
        self.scores_s += spent_s
        return scored


@dataclass(frozen=True)
class _Prepared:
    """What all runs have in common."""

    scenario: Scenario
    plan: ContactPlan
    classroom: Classroom


def learnt(scenario: Scenario, workers: Sequence[int]) -> dict[str, Any]:
    """One run for each number of workers, after one that is not timed. Contact plan and embeddings are left out.

    overhead: the share of CPU, event queue included, that is neither gradients nor scores, with the first number.
    """
    plan = found(scenario.planning())
    known = survey(scenario, len(plan.satellite_names))
    prepared = _Prepared(
        scenario, plan, open_classroom(scenario, load_learner(scenario), known, lambda *progress: None)
    )
    layout = Layout(prepared.classroom.learner.shapes)
    timeline_s, mission = timed(lambda: timeline(scenario, plan, layout))
    _run(prepared, mission, workers[0])
    runs = [_run(prepared, mission, each) for each in workers]
    first = runs[0]
    rest_s = timeline_s + first["cpu_s"] - first["gradients_s"] - first["scores_s"]
    exchanges = sum(isinstance(each, Exchange) for each in mission.happenings)
    return {
        "satellites": len(plan.satellite_names),
        "duration_s": scenario.duration_s,
        "image_px": scenario.model.image_px,
        "numbers": layout.size,
        "sessions": sum(isinstance(each, Session) for each in mission.happenings),
        "exchanges": exchanges,
        "timeline_s": timeline_s,
        "runs": runs,
        "overhead": rest_s / (timeline_s + first["cpu_s"]),
        "equal_bytes": len({run["sha256"] for run in runs}) == 1,
    }


def _run(prepared: _Prepared, mission: Timeline, workers: int) -> dict[str, Any]:
    crew = TimedCrew(prepared.classroom.learner, workers)
    replay = replay_of(prepared.scenario, prepared.classroom, crew, prepared.plan.satellite_names)
    started_s = time.perf_counter()
    cpu_s, records = timed(lambda: [row for rows in replay.carried_out(mission.happenings) for row in rows])
    return {
        "workers": workers,
        "wall_s": time.perf_counter() - started_s,
        "cpu_s": cpu_s,
        "gradients_s": crew.gradients_s,
        "scores_s": crew.scores_s,
        "sha256": _fingerprint(replay, records),
    }


def _fingerprint(replay: Replay, records: Sequence[object]) -> str:
    """Of all models and everything recorded."""
    digest = hashlib.sha256(repr(records).encode())
    for node in replay.nodes:
        digest.update(node.member.model.tobytes())
    return digest.hexdigest()
