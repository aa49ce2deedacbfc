"""What the board measures of itself becomes a profile that scenarios take."""

import json
from pathlib import Path

import pytest

from orbitfl.scenario.profiles import Board
from orbitfl.scenario.profiles.files import read_profile


def test_bench_tells_seconds_and_memory(edge, bundle: Path):
    ended = edge("bench", "--bundle", bundle, "--repeats", 3)
    told = json.loads(ended.out)
    assert 0 < told["tile_s"]["p50"] <= told["tile_s"]["p90"] <= told["tile_s"]["p99"] < told["start_s"] + 10
    assert told["peak_byte"] > 10**7 and told["repeats"] == 3


def test_a_profile_is_one_that_scenarios_take(edge, bundle: Path, tmp_path: Path):
    out = tmp_path / "my_board.yaml"
    words = ("--repeats", 2, "-o", out, "--watts", 12, "--standby-watts", 4)
    assert edge("bench", "--bundle", bundle, *words).code == 0
    board = read_profile(str(out), Board)
    assert board.name == "my_board" and board.inference_w.value == 12 and board.standby_w.value == 4
    assert "the last layers alone" in board.train_step_s.source and "orbitfl_edge bench" in board.inference_s.source


@pytest.mark.parametrize("stem", ["no", "1e3", "a: b", "~", "[x", 'say "x"', "back\\slash", "🛰 №1", "#1", "null"])
def test_a_profile_may_have_any_name(edge, bundle: Path, tmp_path: Path, stem: str):
    out = tmp_path / f"{stem}.yaml"
    ended = edge("bench", "--bundle", bundle, "--repeats", 1, "-o", out, "--watts", 12)
    assert ended.code == 0, ended.err
    assert read_profile(str(out), Board).name == stem


@pytest.mark.parametrize("stem", ["a\nb", " ", "\x7f", "half\udce4"])
def test_a_name_that_cannot_be_printed_is_refused(edge, bundle: Path, tmp_path: Path, stem: str):
    ended = edge("bench", "--bundle", bundle, "--repeats", 1, "-o", tmp_path / f"{stem}.yaml", "--watts", 12)
    assert ended.code == 2 and "cannot be named" in ended.err and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ("--watts", "nan"),
        ("--watts", "-5"),
        ("--watts", "0"),
        ("--standby-watts", "inf"),
        ("--repeats", "0"),
        ("--repeats", str(10**12)),
    ],
)
def test_numbers_that_measure_nothing_are_refused(edge, bundle: Path, tmp_path: Path, capsys, words: tuple[str, str]):
    with pytest.raises(SystemExit, match="2"):
        edge("bench", "--bundle", bundle, "-o", tmp_path / "board.yaml", f"{words[0]}={words[1]}")
    assert f"'{words[1]}' was given where" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_watts_that_nobody_knows_are_asked_for(edge, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("orbitfl_edge.bench.COUNTERS", str(tmp_path / "none"))
    ended = edge("bench", "--bundle", bundle, "--repeats", 1, "-o", tmp_path / "board.yaml")
    assert ended.code == 2 and "--watts" in ended.err and not (tmp_path / "board.yaml").exists()


def test_info_prints_what_the_bundle_is(edge, bundle: Path):
    told = json.loads(edge("info", "--bundle", bundle).out)
    assert told["input"]["channels"] == ["B04", "B03", "B02"] and told["model"]["variant"] == "mobile_sam_nano"
