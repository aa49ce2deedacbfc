"""Many runs on one page: who differs in what, how sure the means are, and that nothing is lost for a broken run."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest

from orbitfl.errors import StorageError
from orbitfl.experiment.result import RunResult
from orbitfl.federation.strategies import Isolated
from orbitfl.report import comparison, write_comparison
from orbitfl.report.variants import Variant, variants
from orbitfl.results import write_table
from orbitfl.scenario import resolved_yaml


def run(result: RunResult, miou: float, interval_s: float = 900.0, seed: int = 1) -> RunResult:
    """A run whose satellites all end at `miou`."""
    records = result.records.copy()
    last = (records["kind"] == "miou") & (records["t_s"] == records["t_s"].max())
    records.loc[last, "value"] = miou
    exchange = replace(result.scenario.exchange, min_interval_s=interval_s, controls=())
    scenario = replace(result.scenario, seed=seed, name=f"run {seed}", exchange=exchange)
    return replace(result, scenario=scenario, records=records, controls={})


@pytest.fixture
def runs(result: RunResult) -> list[RunResult]:
    found = [(80.0, 3600.0), (60.0, 300.0), (64.0, 300.0), (82.0, 3600.0), (70.0, 900.0), (72.0, 900.0)]
    return [run(result, *each, seed=seed) for seed, each in enumerate(found)]


def test_seeds_are_one_variant_and_numbers_are_in_order(runs: list[RunResult]):
    found = variants(runs)
    assert [variant.label for variant in found] == ["min_interval_s 300", "min_interval_s 900", "min_interval_s 3600"]
    assert [comparison.measured(variant, "mean").mean for variant in found] == [62, 71, 81]


def test_keys_that_follow_from_a_kind_are_left_out(runs: list[RunResult]):
    exchange = replace(runs[1].scenario.exchange, strategy=Isolated())
    alone = replace(runs[1], scenario=replace(runs[1].scenario, exchange=exchange))
    found = variants([runs[1], alone])
    assert {variant.label for variant in found} == {"strategy gossip", "strategy isolated"}


def test_runs_of_one_scenario_are_one_variant(runs: list[RunResult]):
    (found,) = variants(runs[1:3])
    assert found.label == "all" and len(found.runs) == 2


def test_the_table_is_the_runs(runs: list[RunResult]):
    table = comparison.compared(variants(runs))
    row = table.loc["min_interval_s 300"]
    told = [row[name] for name in ("runs", "mean mIoU (%)", "± (95 %)", "worst satellite (%)")]
    assert told == ["2", "62.0", "25.4", "62.0"]
    assert row["sent (MB)"] == f"{runs[0].transfers['byte'].sum() / 1e6:,.1f}"
    assert comparison.compared(variants(runs[:1]))["± (95 %)"].tolist() == ["–"]


def test_the_swept_key_has_a_line_for_each_other_setting(runs: list[RunResult]):
    plot = comparison.swept(variants(runs))
    assert plot is not None and len(plot["data"]) == 1
    assert plot["data"][0]["x"] == [300, 900, 3600] and plot["data"][0]["y"] == [62, 71, 81]
    assert comparison.swept(variants(runs[1:3])) is None
    half = [Variant({**variant.keys, "exchange.strategy.kind": "isolated"}, variant.runs) for variant in variants(runs)]
    both = [Variant({**variant.keys, "exchange.strategy.kind": "gossip"}, variant.runs) for variant in variants(runs)]
    lines = comparison.swept([*half, *both])
    assert lines is not None and [line["name"] for line in lines["data"]] == ["strategy isolated", "strategy gossip"]


def test_of_many_variants_the_best_are_drawn(runs: list[RunResult]):
    many = [run(runs[0], 50.0 + place, 100.0 + place) for place in range(15)]
    drawn = comparison.curves(variants(many))["data"]
    assert [trace["name"] for trace in drawn] == [f"min_interval_s {114 - place}" for place in range(12)]


def stored(run: RunResult, original: Path, folder: Path) -> None:
    """As its own folder."""
    shutil.copytree(original, folder)
    write_table(folder, "records", run.records)
    (folder / "scenario.yaml").write_text(resolved_yaml(run.scenario))


def test_a_folder_of_runs_is_one_page_and_what_cannot_be_read_is_named(
    runs: list[RunResult], folder: Path, tmp_path: Path
):
    for number, each in enumerate(runs[:3]):
        stored(each, folder, tmp_path / f"sweep/some/run-{number}")
    (tmp_path / "sweep/some/run-0/records.parquet").write_bytes(b"half")
    pd.DataFrame({"t_s": [1.0]}).to_parquet(tmp_path / "sweep/notes.parquet")
    write_comparison(tmp_path / "sweep", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "2 runs of 1 variant." in text and "run-0/records.parquet cannot be read as a table" in text
    plots = json.loads(text.partition('id="plots">')[2].partition("</script>")[0])
    assert plots.keys() == {"curves", "bytes", "energy"}, "two runs of one variant have no key to be drawn over"
    for plot in plots.values():
        go.Figure(plot)
    assert len(text) < 5_000_000


@pytest.fixture(scope="module")
def sweep(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a sweep's, with one finished run."""
    path = tmp_path_factory.mktemp("comparison") / "sweep"
    shutil.copytree(folder, path / "runs/one")
    return path


def told_of(sweep: Path, failed: bytes) -> list[str]:
    """The paragraphs that a page has for the runs that it cannot show."""
    (sweep / "failed.json").write_bytes(failed)
    write_comparison(sweep, sweep / "page.html")
    text = (sweep / "page.html").read_text(encoding="utf-8")
    body = text.partition("<body")[2].partition("<table")[0]
    return [part.partition("</p>")[0] for part in body.split('<p class="none">')[2:]]


def test_runs_that_failed_are_told_and_hold_no_markup(sweep: Path):
    failed = {"interval=9": "No satellite has data.\nNone.", "<b>": "</p><script>alert(1)</script>", "half": "\ud800"}
    assert told_of(sweep, json.dumps(failed).encode()) == [
        "Failed: interval=9: No satellite has data. None.",
        "Failed: &lt;b&gt;: &lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
        "Failed: half: ?",
    ]
    assert told_of(sweep, b"{}") == []


def test_of_many_and_long_failures_the_page_tells_some(sweep: Path):
    told = told_of(sweep, json.dumps({f"run-{place}": "x" * 5000 for place in range(1000)}).encode())
    assert len(told) == 51 and told[-1] == "950 more failed; failed.json has all."
    assert max(map(len, told)) < 700


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b'{"a": 1}', b"\xff\xfe", b"[" * 100_000, b'{"a": "' + b"x" * 10_000_000 + b'"}'],
    ids=["empty", "half", "a list", "a number", "no text", "deep", "large"],
)
def test_a_list_of_failures_that_is_none_is_one_sentence_on_the_page(sweep: Path, content: bytes):
    (told,) = told_of(sweep, content)
    assert "failed.json cannot be read" in told and "--resume" in told


def test_no_runs_and_no_scene_of_many(folder: Path, tmp_path: Path):
    with pytest.raises(StorageError, match="holds no finished run, nor does any folder in it"):
        write_comparison(tmp_path, tmp_path / "page.html")
    with pytest.raises(StorageError, match=r"give a name that ends in \.html"):
        write_comparison(folder.parent, tmp_path / "page.czml")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/run.json").write_text("{}")
    with pytest.raises(StorageError, match="cannot be read as a table"):
        write_comparison(tmp_path, tmp_path / "page.html")
