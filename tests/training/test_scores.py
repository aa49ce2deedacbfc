"""Scores against counts made by hand and against NumPy's set arithmetic."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from orbitfl.training.scores import Confusion, confusion

PREDICTED = arrays(bool, (4, 6))
TRUTH = arrays(np.uint8, (4, 6)).map(lambda array: np.array([0, 1, 255], np.uint8)[array % 3])


def test_four_pixels_by_hand():
    counts = confusion(np.array([True, True, False, False, True]), np.array([1, 0, 1, 0, 255], np.uint8))
    assert counts == Confusion(true_water=1, false_water=1, false_land=1, true_land=1)
    assert counts.iou_water == pytest.approx(100 / 3)
    assert counts.miou == pytest.approx(100 / 3)


@given(PREDICTED, TRUTH)
def test_iou_is_intersection_over_union_of_valid_pixels(predicted: np.ndarray, truth: np.ndarray):
    counts = confusion(predicted, truth)
    water = {tuple(place) for place in np.argwhere(truth == 1)}
    claimed = {tuple(place) for place in np.argwhere(predicted & (truth != 255))}
    if water | claimed:
        assert counts.iou_water == pytest.approx(100 * len(water & claimed) / len(water | claimed))
    else:
        assert math.isnan(counts.iou_water)


@given(PREDICTED, TRUTH)
def test_pooling_tiles_is_adding_their_counts(predicted: np.ndarray, truth: np.ndarray):
    assert confusion(predicted, truth) == confusion(predicted[:2], truth[:2]) + confusion(predicted[2:], truth[2:])
