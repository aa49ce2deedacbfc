"""The page of a run: whole, harmless, small, and saying what the tables say."""

import base64
import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from orbitfl.contacts import point
from orbitfl.data.options import SyntheticData
from orbitfl.errors import OrbitflError, StorageError
from orbitfl.experiment.result import RunResult
from orbitfl.orbit.tle import Tle
from orbitfl.report import earth, learning, onboard, page, traffic, write
from orbitfl.report.words import sentences
from orbitfl.results import RESPONSE as RESPONSE_COLUMNS
from orbitfl.scenario.exchange import Transfer
from orbitfl.scenario.schema import Event

VOID = {"meta", "img", "input", "br", "link"}
MOST_BYTE = 5_000_000


class Reading(HTMLParser):
    """Counts what stands in a page: tags that are not closed, elements by id, addresses, texts of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.inside: dict[str, str] = {}
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self._id: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]
        self._id = given.get("id")
        if self._id:
            self.inside[self._id] = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._id:
            self.inside[self._id] += data


@pytest.fixture(scope="module")
def text(result: RunResult, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pages") / "report.html"
    write(result, path)
    assert path.stat().st_size <= MOST_BYTE
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reading(text: str) -> Reading:
    return Reading(text)


@pytest.fixture(scope="module")
def plots(reading: Reading) -> dict[str, Any]:
    return json.loads(reading.inside["plots"])


def test_every_tag_is_closed_and_every_address_is_in_the_page(reading: Reading):
    assert reading.open == []
    for address in reading.addresses:
        assert (
            address.startswith(("data:image/png;base64,", "data:image/jpeg;base64,"))
            or address.removeprefix("#") in reading.inside
        )
    assert reading.tags.count("img") == 16, "four scenes with truth, before and after; none that a name has smuggled in"


def test_names_stay_names(text: str, reading: Reading):
    assert "</script><img" not in text
    assert "</script><img src=x onerror=alert(1)>" in json.loads(reading.inside["plots"])["tracks"]["data"][-1]["text"]


def test_plotly_is_the_package_s_own(reading: Reading):
    assert gzip.decompress(base64.b64decode(reading.inside["plotly"])).decode() == get_plotlyjs()


def test_plotly_knows_every_word_of_the_plots(plots: dict[str, Any], reading: Reading):
    assert {"scores", "gantt", "tracks", "space", "charge", "temperature", "sent", "consensus", "staleness"} == {*plots}
    for name, plot in plots.items():
        assert name in reading.inside
        assert len(go.Figure(plot).to_plotly_json()["data"]) == len(plot["data"])


def test_equal_runs_give_equal_pages(result: RunResult, text: str):
    assert page.html_of(result) == text


def test_curves_are_the_records(result: RunResult, plots: dict[str, Any]):
    records = result.records.loc[(result.records["kind"] == "miou") & result.records["node"].str.startswith("sat-")]
    band, mean = plots["scores"]["data"][:2]
    by_time = records.groupby("t_s")["value"]
    assert mean["y"] == pytest.approx(by_time.mean().to_list(), abs=1e-3)
    assert mean["x"] == pytest.approx([t_s / 3600 for t_s in by_time.groups], abs=1e-4)
    assert band["y"] == pytest.approx([*by_time.max(), *by_time.min().iloc[::-1]], abs=1e-3)
    assert [trace["name"] for trace in plots["scores"]["data"] if "name" in trace][:2] == ["gossip", "isolated"]


def test_a_row_per_pair_and_a_bar_per_window(result: RunResult, plots: dict[str, Any]):
    rows = plots["gantt"]["layout"]["yaxis"]["ticktext"]
    assert len(rows) == len({(contact.a, contact.b) for contact in result.plan})
    bars = [len(trace["x"]) // 3 for trace in plots["gantt"]["data"] if trace["mode"] == "lines"]
    assert sum(bars) == len(result.plan)
    marks = [len(trace["x"]) for trace in plots["gantt"]["data"] if trace["mode"] == "markers"]
    assert sum(marks) == len(result.transfers)


def test_charge_begins_as_the_scenario_says_and_ends_as_the_table(result: RunResult, plots: dict[str, Any]):
    last = result.energy.groupby("node")["charge_end"].last()
    for trace in plots["charge"]["data"][:-1]:
        assert trace["y"][0] == 50
        assert trace["y"][-1] == pytest.approx(100 * last[trace["name"]], abs=1e-3)


def parts(*rows: tuple[str, str, float, int, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["from", "to", "start_s", "byte", "outcome"])
    return table.assign(end_s=table["start_s"] + 1.0)


CUT_AND_RESUMED = parts(
    ("sat-0", "sat-1", 0.0, 4_000_000, "cut"),
    ("sat-1", "sat-0", 0.0, 4_000_000, "done"),
    ("sat-0", "sat-1", 10.0, 1_000_000, "cut"),
    ("sat-0", "sat-1", 20.0, 2_000_000, "done"),
    ("sat-0", "sat-1", 30.0, 7_000_000, "done"),
)


def test_what_became_of_transfers(result: RunResult):
    told = replace(result, transfers=CUT_AND_RESUMED, controls={})
    assert list(traffic.transfers_of(told).sort_index()["became"]) == ["cut", "done", "cut", "resumed", "done"]
    counted = traffic.counted(told).loc["gossip"]
    assert [
        counted[name] for name in ("parts cut", "MB in one window", "MB in last parts of resumed", "MB in cut parts")
    ] == [
        "2",
        "11.0",
        "2.0",
        "5.0",
    ]
    plot = traffic.sent(told)
    assert plot is not None
    assert {trace["name"]: trace["y"][-1] for trace in plot["data"]} == {"done": 11, "resumed and done": 2, "cut": 5}
    assert "18.0 MB crossed the links: 3 messages arrived whole, 2 parts" in " ".join(sentences(told))


@pytest.mark.parametrize("transfer", [Transfer(resume=False), Transfer(keep_s=15.0)], ids=["never", "too old"])
def test_what_is_written_anew_is_not_resumed(result: RunResult, transfer: Transfer):
    """The part of 20 s would end the transfer that was begun at 0 s."""
    exchange = replace(result.scenario.exchange, transfer=transfer)
    told = replace(result, scenario=replace(result.scenario, exchange=exchange), transfers=CUT_AND_RESUMED, controls={})
    assert list(traffic.transfers_of(told).sort_index()["became"]) == ["cut", "done", "cut", "done", "done"]
    assert "went on later" not in " ".join(sentences(told))


def test_another_station_may_go_on_with_what_one_left_off(result: RunResult):
    table = parts(
        ("sat-0", "matera", 0.0, 1000, "cut"),
        ("sat-1", "matera", 10.0, 1000, "done"),
        ("sat-0", "svalbard", 20.0, 1000, "done"),
    )
    assert list(traffic.transfers_of(replace(result, transfers=table))["became"]) == ["cut", "done", "resumed"]


def test_a_run_in_which_nothing_was_sent_or_merged(result: RunResult):
    alone = result.controls["isolated"]
    assert traffic.sent(alone) is None and learning.staleness(alone) is None
    assert "Nothing was sent." in sentences(alone)


def test_without_energy_there_is_no_charge_to_show(result: RunResult):
    bare = replace(result, energy=result.energy.iloc[:0])
    assert onboard.charge(bare) is None and onboard.temperature(bare) is None


def test_words_say_what_the_tables_say(result: RunResult):
    told = " ".join(sentences(result))
    summary = result.summary().loc["gossip"]
    assert "8 satellites and 1 ground station were flown for 1 hour from 2018-05-18 03:21 UTC" in told
    assert f"from {summary['base']:.1f} % to {summary['mean']:.1f} %" in told
    assert f"isolated {result.summary().loc['isolated', 'mean']:.1f} %" in told
    assert f"{result.energy['consumed_j'].sum() / 3600:,.1f} Wh" in told


EVENT = Event(
    time_utc=datetime(2018, 5, 18, 3, 31, tzinfo=UTC),
    area=point("Porto <Alegre>", -30.0, -51.2),
    data=SyntheticData(),
    target_iou_water=40.0,
)
RESPONSE = pd.DataFrame(
    [
        ("onboard", "sat-0", 900.0, 910.0, 1500.0, 300.0, 55.0, True),
        ("onboard", "sat-1", 1000.0, np.nan, np.nan, np.nan, np.nan, False),
        ("bent pipe", "sat-0", 900.0, np.nan, 2400.0, 1e6, np.nan, True),
    ],
    columns=list(RESPONSE_COLUMNS),
)


def test_an_event_is_told_with_how_soon_it_was_mapped(result: RunResult):
    told = replace(result, scenario=replace(result.scenario, event=EVENT), response=RESPONSE, controls={})
    wanted = "The event was Porto <Alegre> at 2018-05-18 03:31 UTC: 2 images of it were taken, 1 of which became"
    assert wanted in " ".join(sentences(told))
    shown = page.html_of(told)
    assert "Hours after the event until its maps were down" in shown and "Porto &lt;Alegre&gt;" in shown
    assert "Porto <Alegre>" not in shown.partition('<script type="application/json"')[0]


def test_refusals_are_told(result: RunResult):
    refused = pd.DataFrame([(1.0, "sat-0", "refused training: low charge", 1.0)], columns=list(result.records))
    told = replace(result, records=pd.concat([result.records, refused, refused]))
    assert "What did not go: refused training: low charge (2 ×)." in sentences(told)


def test_the_sky_has_satellites_above_the_ground_and_links_of_the_plan(result: RunResult, reading: Reading):
    sky = json.loads(reading.inside["mission"])
    heights_km = np.linalg.norm(np.reshape(sky["km"], (8, -1, 3)), axis=-1) - 6371
    assert heights_km.min() > 740 and heights_km.max() < 830
    assert len(sky["windows"]) == 4 * len(result.plan) and len(sky["updates"]) == 4 * len(result.transfers)
    assert len(sky["scores"]) == len(sky["scored_s"]) == len(result.satellites())
    assert sky["t_s"][-1] == result.scenario.duration_s


def test_below_agrees_with_skyfield():
    from skyfield.api import wgs84

    rng = np.random.default_rng(5)
    for latitude_deg, longitude_deg, height_m in rng.uniform((-90, -180, 3e5), (90, 180, 1.2e6), (200, 3)):
        above_km = wgs84.latlon(latitude_deg, longitude_deg, height_m).itrs_xyz.km
        assert earth.below(above_km) == (pytest.approx(longitude_deg), pytest.approx(latitude_deg, abs=0.031))


@pytest.mark.parametrize(
    ("longitude_deg", "latitude_deg", "is_land"),
    [
        (2.3, 48.9, True),
        (-160.0, 0.0, False),
        (0.0, -88.0, True),
        (178.0, 67.5, True),
        (-175.0, 67.0, True),
        (51.0, 42.0, False),
        (-55.0, -10.0, True),
        (-30.0, 40.0, False),
    ],
    ids=["Paris", "Pacific", "Antarctica", "Chukotka", "beyond 180 degrees", "Caspian", "Brazil", "Atlantic"],
)
def test_land_is_where_it_is(longitude_deg: float, latitude_deg: float, is_land: bool):
    assert earth._is_land(np.array([longitude_deg]), np.array([latitude_deg])).tolist() == [is_land]


def test_another_ending_or_place_is_refused(result: RunResult, tmp_path: Path):
    with pytest.raises(StorageError, match=r"has no ending of a report; give a name that ends in \.html or \.czml"):
        write(result, tmp_path / "report.pdf")
    (tmp_path / "file").touch()
    with pytest.raises(OrbitflError):
        write(result, tmp_path / "file" / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_its_elements_a_run_is_shown_but_for_the_sky(result: RunResult, tmp_path: Path):
    gone = replace(result.scenario, constellation=Tle(path=str(tmp_path / "gone.tle")))
    text = page.html_of(replace(result, scenario=gone))
    reading = Reading(text)
    assert json.loads(reading.inside["mission"]) is None
    assert {"tracks", "space"}.isdisjoint(json.loads(reading.inside["plots"]))
    assert "No sky: " in text and "gone.tle" in text


@pytest.mark.parametrize("content", ["{", "[1, 2]", ""])
def test_provenance_that_is_none(result: RunResult, tmp_path: Path, content: str):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(StorageError, match="run the scenario anew"):
        page.html_of(replace(result, folder=tmp_path))
