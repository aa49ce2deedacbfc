"""Every reason for which a letter is not merged, and none for a good one."""

from dataclasses import replace

import numpy as np
import pytest

from orbitfl.errors import ScenarioError
from orbitfl.federation.screening import Screen, usual_norm

SCREEN = Screen(max_age_s=100, norm_factor=3)
OWN = np.array([0, 1], np.float32)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"age_s": 100.0, "version": 8}, None),
        ({"version": 7}, "replayed"),
        ({"version": 6}, "replayed"),
        ({"age_s": 100.1}, "stale"),
        ({"age_s": float("nan")}, "from the future"),
        ({"age_s": -0.1}, "from the future"),
        ({"parts": {"model": np.array([0, 3], np.float32)}}, None),
        ({"parts": {"model": np.array([0, 3.1], np.float32)}}, "too large"),
        ({"parts": {"model": np.array([0, -300], np.float32)}}, "too large"),
        ({"parts": {"model": np.array([np.nan, 0], np.float32)}}, "not finite"),
        ({"parts": {"model": OWN, "mass": np.array([np.inf])}}, "not finite"),
        ({"parts": {"model": np.zeros(3, np.float32)}}, "wrong size"),
    ],
)
def test_reasons(toys, change, reason):
    assert SCREEN.refusal(OWN, replace(toys.letter(1, 0, version=8), **change), 7, 1.0) == reason


def test_without_experience_any_length_and_version_will_do(toys):
    letter = toys.letter(1e6, 0, version=0)
    assert SCREEN.refusal(OWN, letter, None, None) is None
    assert SCREEN.refusal(OWN, letter, None, 0.0) is None


def test_one_large_model_does_not_move_what_is_usual():
    assert usual_norm(OWN, [1.2, 0.9, 1e9]) == pytest.approx(1.1)
    assert usual_norm(OWN, []) == 1


def test_among_several_the_one_that_is_too_long_beside_the_others(toys):
    short, long, foe = (toys.letter(length, 0) for length in (1, 2.9, 9))
    assert SCREEN.outsized([short, short, foe], 0) == [foe]
    assert SCREEN.outsized([short, long, long], 0) == []
    assert SCREEN.outsized([short, foe], 0) == [], "either may be the liar"
    assert SCREEN.outsized([toys.letter(0, 0), toys.letter(0, 0), short], 0) == [], "who has not trained tells nothing"


def test_what_was_usual_before_is_not_too_long_now(toys):
    """Where steps fall, changes of late are short: one from earlier is honest, and a foe's still is not."""
    late, earlier, foe = (toys.letter(length, 0) for length in (1, 9, 31))
    assert SCREEN.outsized([late, late, earlier, foe], 4.0) == [foe]


@pytest.mark.parametrize("options", [{"max_age_s": 0}, {"norm_factor": -1}, {"norm_factor": float("inf")}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ScenarioError, match="greater than 0"):
        Screen(**options)
