"""Scenes for Cesium: against the rules of its schema, czml3's model of them, and a circle in closed form."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orbitfl.contacts import ContactPlan
from orbitfl.contacts.formats import Geometry, read, write
from orbitfl.contacts.plan import columns_of
from orbitfl.errors import ScenarioError
from orbitfl.orbit.station import GroundStation

EPOCH_UTC = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
SPAN_S, STEP_S = 5400.0, 180.0
RADIUS_KM, TURN_RAD_S = 6928.0, 2 * np.pi / 5739.0
INTERVAL = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")
# https://github.com/AnalyticalGraphicsInc/czml-writer/wiki/Packet
KNOWN = {"id", "name", "availability", "properties", "position", "label", "path", "point", "polyline"}
PREAMBLE = {"id", "name", "version", "clock"}


def circle_km(t_s: np.ndarray) -> np.ndarray:
    """Three satellites on one polar circle, (3, n_t, 3)."""
    angle = TURN_RAD_S * t_s + np.array([0.0, 0.4, 2.0])[:, None]
    return RADIUS_KM * np.stack([np.cos(angle), 0 * angle, np.sin(angle)], axis=-1)


@pytest.fixture(scope="module")
def flight() -> ContactPlan:
    rows = [
        ("isl", 0, 1, 0.0, 1800.125, True, 2752.0, 2753.0, 1e8, 1.8e11),
        ("isl", 0, 1, 3000.0, SPAN_S, True, 2752.0, 2753.0, 1e8, 2.4e11),
        ("ground", 2, 3, 600.0, 1100.0, False, 700.0, 2500.0, 1e6, 5e8),
    ]
    return ContactPlan(EPOCH_UTC, SPAN_S, ("a#1", "b.2", "c", "svalbard"), columns_of(rows), {"by": "hand"})


@pytest.fixture(scope="module")
def geometry() -> Geometry:
    t_s = np.arange(0, SPAN_S + STEP_S, STEP_S)
    station = GroundStation(name="svalbard", latitude_deg=78.9067, longitude_deg=11.8883, altitude_m=474)
    return Geometry(satellites_km=circle_km(t_s), t_s=t_s, stations=(station,))


@pytest.fixture
def scene(flight: ContactPlan, geometry: Geometry, tmp_path: Path) -> list[dict[str, Any]]:
    write(flight, tmp_path / "plan.czml", geometry)
    return json.loads((tmp_path / "plan.czml").read_text())


def instants(interval: str) -> tuple[datetime, datetime]:
    match = INTERVAL.fullmatch(interval)
    assert match, interval
    start, end = (datetime.fromisoformat(time) for time in match.groups())
    assert start <= end
    return start, end


def values_of(content: Any, key: str) -> list[Any]:
    """All values under `key`, however deep."""
    if isinstance(content, list):
        return [value for each in content for value in values_of(each, key)]
    if isinstance(content, dict):
        mine = [content[key]] if key in content else []
        return mine + [value for each in content.values() for value in values_of(each, key)]
    return []


def test_the_scene_keeps_the_rules_of_czml(scene: list[dict[str, Any]]):
    document, *others = scene
    assert set(document) == PREAMBLE and (document["id"], document["version"]) == ("document", "1.0")
    assert all(set(packet) <= KNOWN for packet in others)
    ids = [packet["id"] for packet in scene]
    assert len(set(ids)) == len(ids) and not any("#" in each or "." in each for each in ids)
    start, end = instants(document["clock"]["interval"])
    # Labels are of whole milliseconds.
    assert abs(start - EPOCH_UTC) < timedelta(milliseconds=1) and end - start == timedelta(seconds=SPAN_S)
    assert document["clock"]["range"] in ("UNBOUNDED", "CLAMPED", "LOOP_STOP")
    assert document["clock"]["step"] in ("SYSTEM_CLOCK", "SYSTEM_CLOCK_MULTIPLIER", "TICK_DEPENDENT")
    for available in values_of(scene, "availability"):
        assert all(start <= instants(each)[0] <= instants(each)[1] <= end for each in available)
    for rgba in values_of(scene, "rgba"):
        assert len(rgba) == 4 and all(0 <= part <= 255 and isinstance(part, int) for part in rgba)


def test_links_join_two_places_that_are_there(scene: list[dict[str, Any]]):
    placed = {packet["id"] for packet in scene if "position" in packet}
    references = values_of(scene, "references")
    assert len(references) == 2
    for pair in references:
        assert len(pair) == 2 and all(re.fullmatch(r"[^#]+#position", each) for each in pair)
        assert {each.split("#")[0] for each in pair} <= placed
    assert len({tuple(rgba) for rgba in values_of(values_of(scene, "polyline"), "rgba")}) == 2


def test_links_show_only_while_a_contact_is_open(scene: list[dict[str, Any]], flight: ContactPlan):
    shown = {tuple(packet["name"].split(" – ")): packet["availability"] for packet in scene if "polyline" in packet}
    for t_s in np.arange(0.5, SPAN_S, 10.0):
        now = EPOCH_UTC + timedelta(seconds=t_s)
        seen = {
            pair
            for pair, available in shown.items()
            if any(start <= now < end for start, end in map(instants, available))
        }
        assert seen == {(contact.a, contact.b) for contact in flight.at(t_s)}


def test_satellites_move_on_their_circle(scene: list[dict[str, Any]]):
    """By Lagrange's formula through the six samples about a time, as Cesium does; first and last steps included."""
    found = [packet["position"] for packet in scene if "cartesian" in packet.get("position", {})]
    fine_s = np.arange(0, SPAN_S, 17.0)
    for position, expected_km in zip(found, circle_km(fine_s), strict=True):
        assert (position["referenceFrame"], position["interpolationAlgorithm"]) == ("INERTIAL", "LAGRANGE")
        assert datetime.fromisoformat(position["epoch"]) == EPOCH_UTC
        samples = np.array(position["cartesian"]).reshape(-1, 4)
        assert (np.diff(samples[:, 0]) > 0).all()
        joined_m = np.array([lagrange(samples, t_s, position["interpolationDegree"]) for t_s in fine_s])
        np.testing.assert_allclose(joined_m / 1000, expected_km, atol=0.02)


def lagrange(samples: np.ndarray, t_s: float, degree: int) -> np.ndarray:
    before = np.searchsorted(samples[:, 0], t_s, "right") - 1
    first = np.clip(before - degree // 2, 0, len(samples) - degree - 1)
    times, places = samples[first : first + degree + 1, 0], samples[first : first + degree + 1, 1:]
    weights = [np.prod([(t_s - other) / (time - other) for other in times if other != time]) for time in times]
    return np.array(weights) @ places


def test_stations_stand_where_they_are(scene: list[dict[str, Any]]):
    (place,) = values_of(scene, "cartographicDegrees")
    assert place == [11.8883, 78.9067, 474.0]


def test_czml3_reads_the_scene_as_it_is(scene: list[dict[str, Any]], flight: ContactPlan, tmp_path: Path):
    import czml3

    document = czml3.Document.load(tmp_path / "plan.czml")
    again = json.loads(document.model_dump_json(exclude_none=True))
    assert [packet["id"] for packet in again] == [packet["id"] for packet in scene]
    for key in ("cartesian", "cartographicDegrees", "references", "interpolationDegree", "rgba", "text"):
        assert values_of(again, key) == values_of(scene, key)
    for ours, theirs in zip(values_of(scene, "availability"), values_of(again, "availability"), strict=True):
        assert [instants(each) for each in ours] == [tuple(map(datetime.fromisoformat, e.split("/"))) for e in theirs]


def test_the_plan_is_in_it(flight: ContactPlan, geometry: Geometry, tmp_path: Path):
    write(flight, tmp_path / "plan.czml", geometry)
    assert read(tmp_path / "plan.czml") == flight
    assert read(tmp_path / "plan.czml").provenance == {"by": "hand"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"t_s": np.arange(3.0)}, r"satellites_km is of shape \(3, 31, 3\) and t_s of \(3,\)"),
        ({"satellites_km": np.full((3, 31, 3), np.nan)}, "must be finite numbers"),
        ({"t_s": np.zeros(31)}, "t_s must increase"),
    ],
)
def test_impossible_positions_are_refused(changes: dict, message: str, geometry: Geometry):
    given = {"satellites_km": geometry.satellites_km, "t_s": geometry.t_s, "stations": geometry.stations}
    with pytest.raises(ScenarioError, match=message):
        Geometry(**given | changes)


def test_positions_must_cover_the_plan(flight: ContactPlan, geometry: Geometry, tmp_path: Path):
    short = Geometry(satellites_km=geometry.satellites_km[:, :20], t_s=geometry.t_s[:20], stations=geometry.stations)
    with pytest.raises(ScenarioError, match=r"from 0 to 5400\.0 s, the span of the plan"):
        write(flight, tmp_path / "plan.czml", short)
    elsewhere = Geometry(satellites_km=geometry.satellites_km, t_s=geometry.t_s)
    with pytest.raises(
        ScenarioError, match="of the stations none are given, but the plan has 3 satellites and svalbard"
    ):
        write(flight, tmp_path / "plan.czml", elsewhere)
