"""Partitions give every tile to exactly one satellite and leave none without, whatever the numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.data.partition import ByScene, Dealt, Dirichlet, Holding, Iid, from_the_start, pooled
from orbitfl.data.tiles import Tiles
from orbitfl.errors import DataError


def tiles_of(water_px: list[int], scene: list[int]) -> Tiles:
    """Tiles of 4 × 4 pixels with so many water pixels, from these scenes."""
    masks = (np.arange(16) < np.array(water_px)[:, None]).astype(np.uint8).reshape(-1, 4, 4)
    zeros = np.zeros(len(masks), np.int32)
    images = np.zeros((len(masks), 4, 4, 3), np.uint8)
    names = tuple(f"s{index}" for index in range(max(scene) + 1))
    return Tiles(images, masks, np.array(scene, np.int32), zeros, zeros, names)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


holdings = st.lists(st.tuples(st.integers(0, 16), st.integers(0, 12)), min_size=1, max_size=60)
partitions = st.one_of(
    st.just(Iid()), st.just(ByScene()), st.floats(1e-3, 1e3).map(lambda alpha: Dirichlet(alpha=alpha))
)


@settings(deadline=None)
@given(holdings, partitions, st.integers(1, 12), st.integers(0, 2**32))
def test_every_tile_to_exactly_one(held: list[tuple[int, int]], partition: Dealt, n_parts: int, seed: int) -> None:
    tiles = tiles_of([water for water, _ in held], [scene for _, scene in held])
    enough = len(set(tiles.scene)) if partition.kind == "by_scene" else len(tiles)
    if enough < n_parts:
        with pytest.raises(DataError, match=f"^{enough} .*among {n_parts} satellites"):
            partition.split(tiles, n_parts, rng(seed))
        return
    parts = partition.split(tiles, n_parts, rng(seed))
    again = partition.split(tiles, n_parts, rng(seed))
    assert len(parts) == n_parts
    assert min(len(part) for part in parts) >= 1
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(tiles)))
    assert all(np.array_equal(one, other) for one, other in zip(parts, again, strict=True))
    if partition.kind == "iid":
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    if partition.kind == "by_scene":
        owners = [set(tiles.scene[part].tolist()) for part in parts]
        assert sum(map(len, owners)) == len(set().union(*owners))


@settings(deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=20), st.integers(1, 8), st.integers(0, 2**32))
def test_by_scene_balances_the_tiles(sizes: list[int], n_parts: int, seed: int) -> None:
    """Scenes go to the emptiest: the fullest satellite is at most its last scene ahead of any other."""
    if len(sizes) < n_parts:
        return
    scene = [index for index, size in enumerate(sizes) for _ in range(size)]
    parts = ByScene().split(tiles_of([0] * len(scene), scene), n_parts, rng(seed))
    assert max(map(len, parts)) - min(map(len, parts)) <= max(sizes)


def test_scenes_without_tiles_do_not_count() -> None:
    tiles = tiles_of([0, 0, 0, 0], [5, 5, 7, 7])
    assert sorted(map(len, ByScene().split(tiles, 2, rng()))) == [2, 2]
    with pytest.raises(DataError, match="2 scenes with tiles"):
        ByScene().split(tiles, 3, rng())


def spread_of_water(alpha: float) -> float:
    """Deviation among eight satellites of the share of tiles in the wetter half, averaged over seeds."""
    tiles = tiles_of([index % 17 for index in range(680)], [0] * 680)
    wet = tiles.water_share() > 0.5
    parts = (Dirichlet(alpha=alpha).split(tiles, 8, rng(seed)) for seed in range(10))
    return float(np.mean([np.std([wet[part].mean() for part in split]) for split in parts]))


def test_alpha_rules_the_skew() -> None:
    assert spread_of_water(0.1) > 0.3
    assert spread_of_water(0.1) > spread_of_water(1.0) > spread_of_water(10.0)
    # What is left at large alpha is the rounding to whole tiles.
    assert spread_of_water(1e4) < 0.03


def test_dirichlet_proportions_have_the_mean_and_variance_of_the_distribution() -> None:
    """Tiles of one satellite: mean 1/n of each class, variance (1/n)(1 - 1/n)/(n·alpha + 1) (closed form)."""
    tiles, n_parts, alpha = tiles_of([0] * 400, [0] * 400), 5, 2.0
    split = Dirichlet(alpha=alpha).split
    shares = np.array([[len(part) / 400 for part in split(tiles, n_parts, rng(seed))] for seed in range(800)])
    variance = (1 / n_parts) * (1 - 1 / n_parts) / (n_parts * alpha + 1) / 4
    assert shares.mean(axis=0) == pytest.approx(np.full(n_parts, 0.2), abs=0.01)
    assert shares.var(axis=0) == pytest.approx(np.full(n_parts, variance), rel=0.2)


@pytest.mark.parametrize("alpha", [0.0, -1.0, np.inf, np.nan])
def test_impossible_alpha(alpha: float) -> None:
    with pytest.raises(DataError, match="positive number"):
        Dirichlet(alpha=alpha)


def test_no_satellites() -> None:
    with pytest.raises(DataError, match="0 satellites"):
        Iid().split(tiles_of([0], [0]), 0, rng())


def test_what_is_held_grows_with_what_was_seen():
    holding = Holding(np.array([2, 5, 7]), np.array([10.0, 30.0, 20.0]))
    assert holding.first_s == 10.0
    assert [holding.at(t_s).tolist() for t_s in (9.9, 10, 25, 30)] == [[], [2], [2, 7], [2, 5, 7]]
    assert Holding(np.array([], np.intp), np.array([])).first_s == np.inf


def test_what_several_hold_counts_once_in_the_pool():
    one, two = Holding(np.array([0, 3]), np.array([0.0, 5.0])), Holding(np.array([3, 4]), np.array([1.0, 9.0]))
    assert [pooled([one, two], t_s).tolist() for t_s in (0, 1, 9)] == [[0], [0, 3], [0, 3, 4]]


def test_dealt_tiles_are_there_from_the_start():
    held = from_the_start((np.array([0, 2]), np.array([1])))
    assert [holding.at(0.0).tolist() for holding in held] == [[0, 2], [1]]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e5), max_size=40), st.integers(1, 50), st.integers(0, 2**32))
def test_fewer_tiles_are_some_of_them_each_from_when_it_was_held(since_s: list[float], most: int, seed: int) -> None:
    whole = Holding(np.arange(100, 100 + len(since_s)), np.array(since_s))
    kept = whole.fewer(most, rng(seed))
    assert len(kept.index) == min(most, len(since_s)) == len(set(kept.index))
    assert kept.since_s.tolist() == [since_s[tile - 100] for tile in kept.index]
    assert kept.index.tolist() == sorted(kept.index) == whole.fewer(most, rng(seed)).index.tolist()
