"""`orbitfl profile`, as a user types it."""

import json
from pathlib import Path

import pytest

from orbitfl.experiment.machine import processor
from orbitfl.scenario import load
from orbitfl.scenario.profiles import Board, read_profile
from orbitfl.training.rapl import find_counter

NANO = ("profile", "--model", "mobile_sam_nano", "--image-px", 256, "--batch", 2, "--repeats", 2)


def test_a_measured_profile_is_a_scenarios_board(orbitfl, repository: Path, tmp_path: Path):
    out = tmp_path / "boards" / "mine.yaml"
    ended = orbitfl(*NANO, "--watts", 12, "--standby-watts", 4, "--out", out)
    assert ended.code == 0, ended.err
    assert f"compute: {out}" in ended.out and "training steps: 100 %" in ended.err
    board = read_profile(str(out), Board)
    assert board.name == "mine" and [each.name for each in out.parent.iterdir()] == ["mine.yaml"]
    assert (board.train_w.value, board.inference_w.value, board.standby_w.value) == (12, 12, 4)
    assert board.train_w.source == "given by the user with --watts"
    for figure in (board.train_step_s, board.inference_s, board.merge_s):
        assert figure is not None and 0 < figure.value < 600
        for told in ("orbitfl profile --model mobile_sam_nano --image-px 256 --batch 2", "median of 2", processor()):
            assert told in figure.source
    links = "links={isl: {kind: terminal, profile: optical_isl}}"
    scenario = load(repository / "constellations/first_light.yaml", [f"compute={out}", links])
    assert scenario.compute == board
    assert scenario.seconds().train_step_s == board.train_step_s.value
    assert scenario.watts().exchange_w == 4 + 8.5


def test_without_a_file_the_profile_is_printed(orbitfl, tmp_path: Path):
    ended = orbitfl(*NANO, "--watts", 12)
    assert ended.code == 0, ended.err
    (tmp_path / "printed.yaml").write_text(ended.out)
    board = read_profile(str(tmp_path / "printed.yaml"), Board)
    assert board.standby_w.value == 12 and "work and standby alike" in board.standby_w.source


def test_json_holds_the_numbers(orbitfl):
    numbers = json.loads(orbitfl(*NANO, "--watts", 12, "--json").out)
    assert numbers["merge_w"] == 12 and 0 < numbers["merge_s"] < numbers["memory_byte"]


@pytest.mark.skipif(find_counter() is not None, reason="this machine counts its energy")
def test_watts_are_never_invented(orbitfl, tmp_path: Path):
    ended = orbitfl(*NANO, "--out", tmp_path / "mine.yaml")
    assert ended.code == 2 and "--watts 12" in ended.err and "powercap" in ended.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--watts", 0), "--watts is 0.0"),
        (("--watts", "nan"), "--watts is nan"),
        (("--standby-watts", 3), "--standby-watts was given without --watts"),
        (("--watts", 3, "--standby-watts", -1), "--standby-watts is -1.0"),
        (("--watts", 3, "--model", "vit_h"), "no model 'vit_h'"),
        (("--watts", 3, "--image-px", 100), "Images of 100 px"),
    ],
)
def test_what_cannot_be_measured_is_told(orbitfl, arguments: tuple[object, ...], told: str):
    ended = orbitfl("profile", "--model", "mobile_sam_nano", *arguments)
    assert ended.code == 2 and told in ended.err and "Traceback" not in ended.err


def test_a_profile_that_cannot_be_written_leaves_nothing(orbitfl, tmp_path: Path):
    (tmp_path / "file").write_text("")
    ended = orbitfl(*NANO, "--watts", 12, "--out", tmp_path / "file" / "mine.yaml")
    assert ended.code == 2 and "could not be written" in ended.err
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
