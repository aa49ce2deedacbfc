"""Wrong inputs about exchanges, faults and resuming, as a user types them: one sentence, code 2, nothing lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

ORBIT = "{{name: sat-{0}, semi_major_axis_km: 7100, inclination_deg: 60, mean_anomaly_deg: {0}}}"
PAIR = f"constellation={{kind: keplerian, orbits: [{ORBIT.format(0)}, {ORBIT.format(1)}]}}"
WRONG = [
    (("exchange.compressor={kind: zip}",), "exchange.compressor.kind is 'zip'", "'fp16', 'int8', 'top_k'"),
    (("exchange.compressor={kind: top_k, share: 2}",), "exchange.compressor: share is 2", "at most 1"),
    (("exchange.compressor={kind: top_k, ratio: 2}",), "exchange.compressor.ratio is not a key", "share"),
    (("exchange.compressor={kind: top_k}", "exchange.strategy.kind=push_sum"), "top_k", "choose fp32, fp16, int8"),
    (("exchange.compressor={kind: top_k}", "exchange.controls=[push_sum]"), "top_k", "choose fp32, fp16, int8"),
    (("exchange.controls=[gosip]",), "exchange.controls.0 is 'gosip'", "'gossip'"),
    (
        ("exchange.strategy.rule={kind: median}",),
        "exchange.strategy.rule.kind is 'median'",
        "'trimmed_mean', 'clipped'",
    ),
    (("exchange.strategy.rule={kind: clipped, factor: -1}",), "exchange.strategy.rule: factor is -1", "greater than 0"),
    (("exchange.strategy.rule={kind: trimmed_mean}",), "needs 3 models", "choose clipped"),
    (("exchange.strategy={kind: push_sum, rule: {kind: mean}}",), "exchange.strategy.rule is not a key", "least_mass"),
    (("exchange.transfer.chunk_byte=10",), "chunk_byte is 10", "from 1024"),
    (("exchange.transfer.loss=1",), "loss is 1", "less than 1"),
    (("exchange.transfer.keep_s=0",), "keep_s is 0", "more than 0 seconds"),
    (("exchange.transfer.relays=2",), "transfer.relays is 2", "neighbourhood"),
    (("exchange.transfer.resume=perhaps",), "exchange.transfer.resume is 'perhaps'", "boolean"),
    (("exchange.transfer.loss=.nan",), "exchange.transfer.loss is nan", "plain number"),
    (("exchange.screen={max_age_s: 0}",), "max_age_s is 0", "greater than 0"),
    (("exchange.min_interval_s=0",), "min_interval_s is 0", "greater than 0"),
    (("exchange.groups=[[sat-0, sat-1], [sat-1, sat-2]]",), "groups has sat-1 2 times", "into one list"),
    (("exchange.groups=[[sat-0], [sat-9]]",), "exchange.groups names sat-9", "sat-0, sat-1"),
    (("exchange.groups=[[sat-0, sat-1]]", "exchange.strategy.kind=two_level"), "exchange.groups leaves sat-2 out"),
    (("exchange.groups=[[sat-0, sat-1]]", "exchange.controls=[two_level]"), "exchange.groups leaves sat-2 out"),
    ((PAIR, "data.scenes=8", "exchange.controls=[two_level]"), "two_level needs planes", "exchange.groups"),
    (("faults.hostile={sat-2: evil}",), "faults.hostile.sat-2 is 'evil'", "'sign_flipped'"),
    (("faults.hostile={sat-99: nan}",), "faults names sat-99", "sat-0, sat-1"),
    (("faults.lost_contacts=1.5",), "lost_contacts is 1.5", "from 0 to 1"),
    (("faults.label_noise=-0.1",), "label_noise is -0.1", "from 0 to 1"),
    (("faults.stragglers={sat-1: 0.5}",), "stragglers.sat-1 is 0.5", "1 times as long or more"),
    (("faults.lost_satellites={sat-1: -3}",), "lost_satellites.sat-1 is -3", "0 mission seconds or more"),
    (("faults.lost_sats={sat-1: 3}",), "faults.lost_sats is not a key", "lost_satellites"),
    (("training.most_tiles=0",), "most_tiles is 0", "1 or more"),
]


@pytest.fixture
def first_light(repository: Path) -> Path:
    return repository / "constellations/first_light.yaml"


@pytest.fixture
def told(orbitfl: Callable, first_light: Path, tiny: tuple[str, ...], tmp_path: Path) -> Callable[..., str]:
    """What `orbitfl run` says in one sentence as it ends with code 2."""

    def sentence(*options: object, overrides: tuple[str, ...] = ()) -> str:
        asked = [word for each in (*tiny, *overrides) for word in ("--set", each)]
        ended = orbitfl("run", first_light, *options, *asked)
        assert ended.code == 2, ended.out
        last = ended.err.splitlines()[-1]
        assert last.startswith("orbitfl: ") and last.endswith((".", "?")) and "Traceback" not in ended.err
        return last

    return sentence


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: " ".join(wrong[0]))
def test_a_wrong_key_is_told_before_anything_runs(told: Callable[..., str], tmp_path: Path, wrong):
    overrides, *parts = wrong
    said = told("--out", tmp_path / "run", overrides=overrides)
    assert all(part in said for part in parts), said
    assert not list(tmp_path.iterdir()), "something was left"


def test_folders_that_hold_no_run_of_this_stay_as_they_are(
    told: Callable[..., str], orbitfl: Callable, first_light: Path, tiny: tuple[str, ...], tmp_path: Path
):
    short = ("exchange.controls=[]", "duration_s=900", "evaluation.every_s=900")
    run, notes, file = tmp_path / "run", tmp_path / "notes", tmp_path / "file"
    words = [word for each in (*tiny, *short) for word in ("--set", each)]
    assert orbitfl("run", first_light, "--out", run, "--resume", *words).code == 0, "--resume may begin a run"
    notes.mkdir()
    (notes / "letter.txt").write_text("mine")
    file.write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    assert "another scenario or seed" in told("--out", run, "--resume", "--seed", 9, overrides=short)
    assert "another scenario or seed" in told("--out", run, "--resume", overrides=(*short, "exchange.min_interval_s=9"))
    assert "it holds a run; choose another folder" in told("--out", run, overrides=short)
    assert "not empty" in told("--out", notes, "--resume", overrides=short)
    assert "is a file" in told("--out", file, "--resume", overrides=short)
    again = orbitfl("run", first_light, "--out", run, "--resume", *words)
    assert again.code == 0 and "gossip" in again.out, "a finished run is shown again"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_stopped_run_without_its_state_begins_anew(
    told: Callable[..., str], orbitfl: Callable, first_light: Path, tiny: tuple[str, ...], tmp_path: Path
):
    """Somebody has deleted the state, or the power went out before the first: what is left is scenario.yaml."""
    short = ("exchange.controls=[]", "duration_s=900", "evaluation.every_s=900")
    words = [word for each in (*tiny, *short) for word in ("--set", each)]
    assert orbitfl("run", first_light, "--out", tmp_path / "whole", *words).code == 0
    (tmp_path / "left").mkdir()
    (tmp_path / "left/scenario.yaml").write_bytes((tmp_path / "whole/scenario.yaml").read_bytes())
    (tmp_path / "left/state").mkdir()
    assert "another scenario" in told("--out", tmp_path / "left", "--resume", "--seed", 9, overrides=short)
    assert orbitfl("run", first_light, "--out", tmp_path / "left", "--resume", *words).code == 0
    for name in ("records.parquet", "transfers.parquet", "energy.parquet"):
        assert (tmp_path / "left" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
