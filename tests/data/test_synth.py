"""Synthetic scenes: deterministic, varied, and not to be solved by a threshold."""

import numpy as np
import pytest
from scipy import ndimage

from orbitfl.data.synth import SyntheticScene, synthesize


@pytest.fixture(scope="module")
def pool() -> list[SyntheticScene]:
    return [synthesize(seed, 256) for seed in range(60)]


def best_threshold_iou(values: np.ndarray, water: np.ndarray) -> float:
    """The best IoU that any threshold, from either side, reaches: all cuts of the sorted values are tried."""

    def rising(order: np.ndarray) -> float:
        hits = np.cumsum(water[order])
        return (hits / (np.arange(1, water.size + 1) + water.sum() - hits)).max()

    order = np.argsort(values, kind="stable")
    return float(max(rising(order), rising(order[::-1])))


def test_the_measure_finds_a_known_threshold() -> None:
    values, water = np.array([5.0, 1.0, 4.0, 2.0, 3.0]), np.array([0, 1, 0, 1, 1])
    assert best_threshold_iou(values, water) == 1.0
    assert best_threshold_iou(-values, water) == 1.0
    assert best_threshold_iou(values, np.array([1, 1, 0, 0, 0])) == 0.5


def test_no_threshold_on_a_band_or_an_index_finds_the_water(pool: list[SyntheticScene]) -> None:
    bands = np.hstack([scene.reflectance[:, ::2, ::2].reshape(6, -1) for scene in pool]).astype(np.float64)
    water = np.hstack([scene.water[::2, ::2].ravel() for scene in pool])
    _, green, _, near_infrared, short_wave, _ = bands
    ndwi = (green - near_infrared) / (green + near_infrared)
    mndwi = (green - short_wave) / (green + short_wave)
    scores = [best_threshold_iou(values, water) for values in (ndwi, mndwi, *bands)]
    assert max(scores) < 0.8, scores
    # Water must still be told by its colour, or there would be nothing to learn.
    assert scores[0] > 0.5, scores


def test_water_share_varies_about_a_fifth(pool: list[SyntheticScene]) -> None:
    shares = np.array([scene.water.mean() for scene in pool])
    assert 0.15 < shares.mean() < 0.27
    assert shares.min() < 0.03
    assert 0.38 < shares.max() < 0.55
    assert {scene.climate for scene in pool} == {
        "temperate", "boreal", "tundra", "arid", "sandy", "tropical", "delta", "mountain",
    }  # fmt: skip


def test_regions_are_connected_and_none_is_part_water(pool: list[SyntheticScene]) -> None:
    for scene in pool[:6]:
        sizes = np.bincount(scene.regions.ravel())
        assert sizes.min() > 0
        assert 10 < sizes.size < 5000
        wet = np.bincount(scene.regions.ravel(), weights=scene.water.ravel())
        assert np.all((wet == 0) | (wet == sizes))
        for region in np.argsort(sizes)[-20:]:
            assert ndimage.label(scene.regions == region)[1] == 1  # type: ignore[index]


def test_neighbouring_regions_differ(pool: list[SyntheticScene]) -> None:
    """Water next to water is one region: 4-connected patches of water and regions with water are as many."""
    for scene in pool[:6]:
        _, patches = ndimage.label(scene.water)  # type: ignore[misc]
        assert len(np.unique(scene.regions[scene.water == 1])) == patches


def test_equal_seeds_give_equal_scenes_and_others_do_not() -> None:
    one, again, other = synthesize(5, 96), synthesize(5, 96), synthesize(6, 96)
    assert one.reflectance.tobytes() == again.reflectance.tobytes()
    assert one.water.tobytes() == again.water.tobytes()
    assert one.regions.tobytes() == again.regions.tobytes()
    assert one.reflectance.tobytes() != other.reflectance.tobytes()


@pytest.mark.parametrize("size_px", [64, 101, 300])
def test_shapes_and_types(size_px: int) -> None:
    scene = synthesize(11, size_px)
    assert (scene.reflectance.shape, scene.reflectance.dtype) == ((6, size_px, size_px), np.uint16)
    assert (scene.water.shape, scene.water.dtype) == ((size_px, size_px), np.uint8)
    assert (scene.regions.shape, scene.regions.dtype) == ((size_px, size_px), np.int32)
    assert scene.reflectance.min() >= 1
    assert scene.reflectance.max() <= 20_000
    assert set(np.unique(scene.water)) <= {0, 1}


def test_vegetation_is_brighter_than_water_in_near_infrared(pool: list[SyntheticScene]) -> None:
    """The order of the bands: over the pool, B08 is where land and water differ most in the median."""
    land = np.hstack([scene.reflectance[:, scene.water == 0] for scene in pool])[:, ::50]
    water = np.hstack([scene.reflectance[:, scene.water == 1] for scene in pool])[:, ::50]
    ratio = np.median(land, axis=1) / np.median(water, axis=1)
    assert np.all(ratio[3:] > 2 * ratio[:3].max())
