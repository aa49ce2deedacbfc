"""Prompts against rectangles whose centre and corners are known."""

import numpy as np
import pytest

from orbitfl.errors import DataError
from orbitfl.training.prompts import box_prompts, no_prompts, point_prompts


def rectangle(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    mask = np.zeros((1, 40, 50), np.uint8)
    mask[0, top : bottom + 1, left : right + 1] = 1
    return mask


def test_box_is_the_first_and_last_water_pixel():
    np.testing.assert_array_equal(box_prompts(rectangle(3, 10, 12, 30)).boxes, [[10, 3, 30, 12]])


def test_specks_beside_a_region_do_not_widen_its_box():
    mask = rectangle(3, 10, 32, 40)
    mask[0, 38, 2] = 1
    np.testing.assert_array_equal(box_prompts(mask).boxes, [[10, 3, 40, 32]])


def test_point_is_farthest_from_the_shore():
    prompts = point_prompts(rectangle(3, 10, 13, 20))
    np.testing.assert_array_equal(prompts.points, [[[15, 8]]])
    np.testing.assert_array_equal(prompts.labels, [[1]])


def test_unknown_pixels_are_no_water():
    mask = np.full((1, 40, 50), 255, np.uint8)
    mask[0, 5, 6] = 1
    np.testing.assert_array_equal(box_prompts(mask).boxes, [[6, 5, 6, 5]])


def test_without_water_there_is_nothing_to_point_at():
    with pytest.raises(DataError, match="1 of 2 tiles hold no water"):
        point_prompts(np.concatenate([rectangle(0, 0, 5, 5), np.zeros((1, 40, 50), np.uint8)]))
    assert no_prompts(np.zeros((1, 4, 4), np.uint8)).points is None
