"""Missions of seconds, as scenarios and as replays at launch."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orbitfl.experiment.classroom import load_learner, open_classroom
from orbitfl.experiment.mission import contact_plan, timeline
from orbitfl.experiment.replay import Replay
from orbitfl.experiment.replaying import replay_of
from orbitfl.experiment.survey import survey
from orbitfl.federation.weights import Layout
from orbitfl.progress import silent
from orbitfl.scenario import Scenario, load
from orbitfl.simulation.timeline import Happening
from orbitfl.training.crew import Crew

SMALL = (
    "duration_s=5400",
    "model.image_px=64",
    "data.scenes=8",
    "data.size_px=64",
    "data.tile_px=64",
    "evaluation.data={kind: synthetic, scenes: 1, size_px: 64, tile_px: 64, seed: 2}",
    "evaluation.every_s=2700",
    "training.session_steps=1",
    "environment.kind=battery",
    "links.ground.rate_bps=1.0e+7",
    "exchange.controls=[]",
)


@pytest.fixture
def asked(repository: Path) -> Callable[..., Scenario]:
    """The demo, small, with overrides."""

    def loaded(*overrides: str) -> Scenario:
        return load(repository / "constellations/first_light.yaml", (*SMALL, *overrides))

    return loaded


@pytest.fixture
def played() -> Callable[[Scenario], tuple[Replay, tuple[Happening, ...]]]:
    """A replay at launch, and what it is to carry out."""

    def at_launch(scenario: Scenario) -> tuple[Replay, tuple[Happening, ...]]:
        plan = contact_plan(scenario)
        known = survey(scenario, len(plan.satellite_names))
        classroom = open_classroom(scenario, load_learner(scenario), known, silent)
        layout = Layout(classroom.learner.shapes)
        replay = replay_of(scenario, classroom, Crew(classroom.learner, workers=1), plan.satellite_names)
        return replay, timeline(scenario, plan, layout).happenings

    return at_launch
