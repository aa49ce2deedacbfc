"""Scenarios as notebooks show them."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from orbitfl.scenario import load, load_mission, resolved_yaml

SHIPPED = sorted((Path(__file__).parents[2] / "constellations").glob("*.yaml"))


class Cells(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_all_of_a_shipped_scenario_is_in_it(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ORBITFL_DATA", str(tmp_path))
    mission = load_mission(path)
    texts = Cells(mission._repr_html_()).texts
    assert texts[:2] == ["name", mission.name]
    assert texts[-1] == resolved_yaml(mission)


def test_what_is_chosen_is_told_and_what_is_not_is_left_out(repository: Path):
    texts = Cells(
        load(repository / "constellations/first_light.yaml", ["exchange.min_interval_s=60"])._repr_html_()
    ).texts
    told = dict(zip(texts[:-2:2], texts[1:-1:2], strict=False))
    assert told["constellation"] == "walker, total 8, planes 1, phasing 0, altitude_km 786, inclination_deg 98.62"
    assert told["ground_stations"] == "maspalomas, matera, svalbard"
    assert told["exchange"] == "min_interval_s 60, controls (isolated, centralised)"
    assert told["links"] == "isl (fixed_rate, rate_bps 1e+08), ground (fixed_rate, rate_bps 1e+06)"
    assert not {"imaging", "faults", "event", "priorities", "compute"} & told.keys()


def test_names_stay_names(repository: Path):
    shown = load_mission(repository / "constellations/first_light.yaml", ["name='<b>x'"])._repr_html_()
    assert "<b>" not in shown and "&lt;b&gt;x" in shown
