"""Hardware profiles: every shipped file, every way to get one wrong, and what a scenario makes of them."""

from pathlib import Path

import pytest
import yaml

from orbitfl.errors import ScenarioError
from orbitfl.scenario.profiles import Board, read_profile, shipped_profiles


def test_the_papers_board_holds_the_papers_figures():
    assert "unibap_ix10" in shipped_profiles(Board)
    board = read_profile("unibap_ix10", Board)
    assert (board.train_step_s.value, board.inference_s.value) == (2.014170, 2.554198)
    assert (board.train_w.value, board.inference_w.value, board.standby_w.value) == (30, 10, 5)
    assert board.exchange_w is not None and board.exchange_w.value == 10


def test_unknown_profile_lists_the_shipped_ones():
    with pytest.raises(ScenarioError, match="unibap_ix10"):
        read_profile("cray", Board)


BOARD = {
    "kind": "board",
    "name": "mine",
    **{key: {"value": 2.0, "source": "a stopwatch"} for key in ("train_step_s", "train_w", "inference_s")},
    **{key: {"value": 3.0, "source": "estimate"} for key in ("inference_w", "standby_w", "exchange_w")},
}


@pytest.mark.parametrize(
    ("key", "entry", "told"),
    [
        ("train_step_s", 2.0, "train_step_s is 2.0; it needs a value and a source"),
        ("train_step_s", {"value": 2.0}, "train_step_s is .*; it needs a value and a source"),
        (
            "train_step_s",
            {"value": 2.0, "source": "me", "unit": "s"},
            "train_step_s is .*; it needs a value and a source",
        ),
        ("train_step_s", {"value": 2.0, "source": " "}, "train_step_s: source is ' '; say where the number comes from"),
        (
            "train_step_s",
            {"value": -2, "source": "me"},
            "train_step_s.value is -2; .* number of seconds greater than 0",
        ),
        ("train_step_s", {"value": 0, "source": "me"}, "train_step_s.value is 0"),
        ("train_w", {"value": "30 W", "source": "me"}, "train_w.value is '30 W'; it must be a plain number of watts"),
        ("train_w", {"value": float("nan"), "source": "me"}, "train_w.value is nan"),
        ("train_w", {"value": float("inf"), "source": "me"}, "train_w.value is inf"),
        ("train_w", {"value": 10**400, "source": "me"}, "train_w.value is 1000"),
        ("train_w", {"value": True, "source": "me"}, "train_w.value is True"),
        ("train_w", None, "train_w is missing; write train_w: {value"),
        ("train_step", {"value": 2.0, "source": "me"}, "train_step is not a key. Did you mean train_step_s?"),
        ("merge_s", {"value": 2.0, "source": "me"}, "merge_s is given without merge_w"),
        ("kind", "bord", "kind is 'bord', but the kinds are board, bus, terminal; board is needed"),
        ("kind", "bus", "kind is 'bus', which is another kind of profile; board is needed"),
        ("kind", None, "kind is missing; write kind: board"),
        ("name", 3, "name is 3"),
    ],
)
def test_what_is_wrong_in_a_board_is_named_with_its_file_and_key(tmp_path: Path, key: str, entry: object, told: str):
    path = tmp_path / "board.yaml"
    path.write_text(yaml.safe_dump({**BOARD, key: entry}))
    with pytest.raises(ScenarioError, match=rf"board\.yaml: {told}"):
        read_profile(str(path), Board)
