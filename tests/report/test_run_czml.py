"""A run as a scene for Cesium: against czml3's model of the format, the records and the plan."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import czml3
import numpy as np
import pandas as pd
import pytest

from orbitfl.contacts import read
from orbitfl.experiment.result import RunResult
from orbitfl.report import write

Packets = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def path(result: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("czml") / "run.czml"
    write(result, path)
    return path


@pytest.fixture(scope="module")
def scene(path: Path) -> Packets:
    packets = json.loads(path.read_text())
    assert len({packet["id"] for packet in packets}) == len(packets)
    return {packet["id"]: packet for packet in packets}


def seconds(result: RunResult, span: str) -> tuple[float, float]:
    start, end = (datetime.fromisoformat(each) - result.plan.epoch_utc for each in span.split("/"))
    return start / timedelta(seconds=1), end / timedelta(seconds=1)


def test_czml3_knows_every_word(path: Path, scene: Packets):
    known = json.loads(czml3.Document.load(path).model_dump_json(exclude_none=True))
    assert [packet["id"] for packet in known] == list(scene)
    assert [packet.get("availability") for packet in known if packet["id"].startswith("link")] != []


def test_the_plan_can_be_read_from_it(path: Path, result: RunResult):
    assert read(path) == result.plan


def test_colour_and_label_follow_the_scores(result: RunResult, scene: Packets):
    scores = result.satellites()
    seen: dict[float, list[int]] = {}
    for number, name in enumerate(result.plan.satellite_names):
        packet = scene[f"node-{number}"]
        told = packet["properties"]["miou"]
        starts = [seconds(result, each["interval"])[0] for each in told]
        assert starts == list(scores.index[:-1]), "the last evaluation is at the end, and no time is left to show it"
        assert [each["number"] for each in told] == pytest.approx(scores[name].to_list()[:-1], abs=1e-3)
        for score, colour, label in zip(told, packet["point"]["color"], packet["label"]["text"], strict=True):
            seen[score["number"]] = colour["rgba"]
            assert label["string"].startswith(f"{name}: mIoU {score['number']:.0f} %, charge ")
    brightness = [sum(seen[score][:3]) for score in sorted(seen)]
    assert brightness == sorted(brightness) and brightness[0] < brightness[-1]


def test_charge_is_the_table_s(result: RunResult, scene: Packets):
    samples = np.reshape(scene["node-0"]["properties"]["state_of_charge"]["number"], (-1, 2))
    assert samples[0].tolist() == [0.0, 0.5]
    assert (np.diff(samples[:, 0]) > 0).all()
    spells = result.energy.loc[result.energy["node"] == "sat-0"]
    assert samples[-1] == pytest.approx([spells["end_s"].iloc[-1], spells["charge_end"].iloc[-1]], abs=1e-4)


def test_an_arrow_for_each_direction_that_was_used(result: RunResult, scene: Packets):
    used = set(zip(result.transfers["from"], result.transfers["to"], strict=True))
    arrows = {name: packet for name, packet in scene.items() if name.startswith("updates-")}
    assert len(arrows) == len(used)
    for packet in arrows.values():
        spans = [seconds(result, each) for each in packet["availability"]]
        assert all(start < end <= result.scenario.duration_s for start, end in spans)
        assert all(end < start for (_, end), (start, _) in pairwise(spans))
        assert packet["polyline"]["material"].keys() == {"polylineArrow"}


def test_updates_in_one_breath_are_one_arrow(result: RunResult, tmp_path: Path):
    rows = [("sat-0", "sat-1", start_s, start_s + 1, 10, "done") for start_s in (0.0, 30.0, 500.0, 3599.5)]
    few = replace(result, transfers=pd.DataFrame(rows, columns=list(result.transfers)))
    write(few, tmp_path / "few.czml")
    (arrow,) = [each for each in json.loads((tmp_path / "few.czml").read_text()) if each["id"].startswith("updates")]
    spans = [seconds(result, each) for each in arrow["availability"]]
    assert spans == [(0.0, 90.0), (500.0, 560.0), (3599.5, 3600.5)]


def test_scenes_lie_where_they_are(result: RunResult, scene: Packets):
    shown = [packet for name, packet in scene.items() if name.startswith("scene-")]
    assert len(shown) == 8
    for packet in shown:
        west, south, east, north = packet["rectangle"]["coordinates"]["wsenDegrees"]
        assert packet["position"]["cartographicDegrees"][:2] == pytest.approx([(west + east) / 2, (south + north) / 2])


def test_without_scenes_the_rest_is_shown(result: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ORBITFL_CACHE", str(tmp_path / "file"))
    write(result, tmp_path / "bare.czml")
    ids = [packet["id"] for packet in json.loads((tmp_path / "bare.czml").read_text())]
    assert "node-0" in ids and "scene-0" not in ids
