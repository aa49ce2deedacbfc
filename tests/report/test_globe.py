"""The globe of a mission: plotly's own model takes it, satellites fly at their height, links are those of the plan."""

from pathlib import Path

import numpy as np
import pytest

import orbitfl
from orbitfl.contacts import ContactPlan
from orbitfl.report import globe
from orbitfl.scenario import Mission


@pytest.fixture(scope="module")
def mission(repository: Path) -> Mission:
    return orbitfl.load_mission(repository / "constellations/first_light.yaml")


@pytest.fixture(scope="module")
def plan(mission: Mission) -> ContactPlan:
    return orbitfl.contact_plan(mission)


def test_every_moment_shows_the_open_windows_and_all_satellites(mission: Mission, plan: ContactPlan):
    figure = globe(mission, plan)
    assert len(figure.frames) == len(figure.to_plotly_json()["layout"]["sliders"][0]["steps"]) == 73
    for number, frame in enumerate(figure.frames):
        isl, ground, satellites = frame.data
        open_now = plan.at(min(number * 300.0, mission.duration_s - 1e-3))
        assert len(isl.x) == 3 * len(open_now.of_kind("isl"))
        assert len(ground.x) == 3 * len(open_now.of_kind("ground"))
        heights_km = np.linalg.norm([satellites.x, satellites.y, satellites.z], axis=0) - 6378
        assert heights_km == pytest.approx(np.full(8, 786), abs=15)
        assert tuple(frame.traces) == (3, 4, 5)


def test_a_mission_without_stations_or_links(mission: Mission, repository: Path):
    overrides = ["ground_stations=[]", "links={}", "exchange.strategy.kind=isolated", "exchange.controls=[]"]
    bare = orbitfl.load_mission(repository / "constellations/first_light.yaml", overrides)
    figure = globe(bare, orbitfl.contact_plan(bare))
    assert all(len(frame.data[0].x) == 0 for frame in figure.frames)
