"""What is told with a figure is enough to get it again."""

import json
from pathlib import Path

import numpy as np
import pytest

from orbitfl.data.options import FolderData
from orbitfl.data.tiles import IGNORE
from orbitfl.data.writing import write_scenes
from orbitfl.progress import silent
from orbitfl.training.appraisal import Appraisal, appraise_checkpoint, appraise_index, appraise_unet
from orbitfl.training.baselines.unet import Schooling


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> FolderData:
    folder = tmp_path_factory.mktemp("appraised") / "scenes"
    write_scenes(folder, 2, seed=5, size_px=128)
    return FolderData(path=str(folder), tile_px=64)


@pytest.fixture(scope="module")
def appraisals(scenes: FolderData, tmp_path_factory: pytest.TempPathFactory) -> list[Appraisal]:
    cache = tmp_path_factory.mktemp("cache")
    return [
        appraise_index("ndwi", scenes, cache, silent),
        appraise_index("otsu", scenes, cache, silent),
        appraise_unet(scenes, scenes, Schooling(steps=2, batch_size=1), cache, silent),
        appraise_checkpoint("nano-base", scenes, 64, "none", cache, silent),
    ]


def test_all_are_scored_on_the_same_pixels(appraisals: list[Appraisal]) -> None:
    assert {appraisal.scores()["pixels"] for appraisal in appraisals} == {2 * 128 * 128}
    truths = {(each.counts.true_water + each.counts.false_land, each.scores()["tiles"]) for each in appraisals}
    assert len(truths) == 1


def test_percentages_follow_from_the_pixel_counts(appraisals: list[Appraisal]) -> None:
    for appraisal in appraisals:
        told = appraisal.cited()
        union = told["true_water"] + told["false_water"] + told["false_land"]
        assert told["iou_water"] == pytest.approx(100 * told["true_water"] / union)
        assert told["miou"] == pytest.approx((told["iou_water"] + told["iou_land"]) / 2)


def test_each_says_what_it_was_and_what_it_saw(appraisals: list[Appraisal], scenes: FolderData) -> None:
    ndwi, otsu, unet, nano = (json.loads(json.dumps(each.cited(), allow_nan=False)) for each in appraisals)
    assert (ndwi["baseline"], otsu["baseline"], unet["baseline"]) == ("ndwi", "otsu", "unet")
    assert (nano["checkpoint"], nano["prompt"], nano["image_px"], len(nano["sha256"])) == ("nano-base", "none", 64, 64)
    assert unet["parameters"] == 484_084 and unet["training"]["steps"] == 2
    assert unet["training"]["sha256"] == unet["data"]["sha256"] == nano["data"]["sha256"]
    assert ndwi["data"]["bands"] == ["NDWI"] * 3 and unet["data"]["bands"] == list(scenes.bands)


def test_where_there_is_no_water_there_is_no_iou_of_it(appraisals: list[Appraisal]) -> None:
    tiles = appraisals[0].tiles.take(np.arange(1))
    tiles.masks[:] = IGNORE
    nothing = Appraisal({}, appraisals[0].data, tiles, type(appraisals[0].counts)())
    assert json.loads(json.dumps(nothing.cited(), allow_nan=False))["iou_water"] is None


def test_equal_schooling_gives_equal_counts(scenes: FolderData, appraisals: list[Appraisal], tmp_path: Path) -> None:
    again = appraise_unet(scenes, scenes, Schooling(steps=2, batch_size=1), tmp_path, silent)
    assert again.counts == appraisals[2].counts
