"""The choice of pairs against brute force, and what rules refuse."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbitfl.contacts.pairs import Pairs, blocks, chosen_pairs, nearest
from orbitfl.contacts.rules import ContactRules
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2026, 3, 1, tzinfo=UTC)
SPAN_S = 7200.0
WALKER = Walker(total=12, planes=3, phasing=1, altitude_km=786, inclination_deg=98.62)


def listed(pairs: Pairs) -> list[tuple[int, int]]:
    return list(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))


def chosen(**rules) -> list[tuple[int, int]]:
    return listed(chosen_pairs(WALKER.names, WALKER.propagator(), SPAN_S, ContactRules(**rules)))


def mean_squares_km2(position_km: Floats) -> Floats:
    """(n, n), infinite on the diagonal."""
    offset = position_km[:, None] - position_km[None]
    square = (offset**2).sum(axis=-1).mean(axis=-1)
    np.fill_diagonal(square, np.inf)
    return square


@given(st.integers(2, 12), st.integers(1, 14), st.integers(1, 5), st.integers(0, 2**32))
def test_the_nearest_are_those_of_brute_force(n: int, count: int, n_t: int, seed: int):
    """Distances at random differ, so there is but one answer."""
    position_km = np.random.default_rng(seed).normal(scale=7000, size=(n, n_t, 3))
    order = np.argsort(mean_squares_km2(position_km), axis=1)[:, : min(count, n - 1)]
    expected = {tuple(sorted((one, other))) for one, row in enumerate(order.tolist()) for other in row}
    assert listed(nearest(position_km, count)) == sorted(expected)


@given(st.integers(3, 30), st.integers(1, 6), st.integers(0, 2**32))
def test_of_equally_near_ones_as_many_as_asked_for_count(n: int, count: int, seed: int):
    """On a line of few whole places many distances tie; none that is farther than the last may take a place."""
    places = np.random.default_rng(seed).integers(0, 6, n).astype(float)
    position_km = np.zeros((n, 1, 3))
    position_km[:, 0, 0] = places
    square = mean_squares_km2(position_km)
    pairs = listed(nearest(position_km, count))
    count = min(count, n - 1)
    farthest = np.sort(square, axis=1)[:, count - 1]
    for a, b in pairs:
        assert square[a, b] <= max(farthest[a], farthest[b])
    for one in range(n):
        partners = [b if a == one else a for a, b in pairs if one in (a, b)]
        nearer = np.flatnonzero(square[one] < farthest[one])
        assert len(partners) >= count
        assert set(nearer.tolist()) <= set(partners)


@pytest.mark.parametrize(("n", "count"), [(12, 3), (24, 1), (25, 5)])
def test_ties_go_to_the_lowest_number(n: int, count: int):
    """The ring turned by any angle is the same ring; neighbours on either side are equally near."""
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    around = np.minimum(apart, n - apart) + n * np.eye(n, dtype=int)
    order = np.argsort(around, axis=1, kind="stable")[:, :count]
    expected = {tuple(sorted((one, other))) for one, row in enumerate(order.tolist()) for other in row}
    for turn in (0.0, 0.3, 1.7):
        angle = turn + 2 * np.pi * np.arange(n) / n
        ring_km = 7000 * np.stack([np.cos(angle), np.sin(angle), np.zeros(n)], axis=-1)[:, None]
        assert listed(nearest(ring_km, count)) == sorted(expected)


def test_more_than_a_thousand_satellites_are_taken_in_several_runs():
    random = np.random.default_rng(1)
    position_km = random.normal(scale=7000, size=(1500, 2, 3))
    pairs = nearest(position_km, 4)
    square = mean_squares_km2(position_km)
    order = np.argsort(square, axis=1)[:, :4]
    expected = {tuple(sorted((one, other))) for one, row in enumerate(order.tolist()) for other in row}
    assert listed(pairs) == sorted(expected)


def test_all_pairs_count_unless_rules_say_otherwise():
    assert chosen() == [(a, b) for a in range(12) for b in range(a + 1, 12)]


def test_named_pairs_are_taken_once_and_in_order():
    named = (("sat-7", "sat-2"), ("sat-0", "sat-11"), ("sat-2", "sat-7"))
    assert chosen(pairs=named) == [(0, 11), (2, 7)]
    assert chosen(pairs=()) == []


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ((("sat-0", "moon"),), r"^pairs names moon, but the satellites are sat-0, .*sat-9, \.\.\.\.$"),
        ((("sat-3", "sat-3"),), "^pairs holds sat-3 with itself; name two different satellites"),
    ],
)
def test_pairs_of_unknown_or_single_satellites_are_refused(pairs: tuple[tuple[str, str], ...], message: str):
    with pytest.raises(ScenarioError, match=message):
        chosen(pairs=pairs)


def test_neighbours_of_the_whole_span_are_chosen():
    times_s = np.linspace(0.0, SPAN_S, 48)
    expected = nearest(WALKER.propagator().positions(times_s), 2)
    assert chosen(neighbours=2) == listed(expected)
    assert chosen(neighbours=1000) == chosen()


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_satellites_make_no_pairs(n: int):
    assert listed(nearest(np.zeros((n, 3, 3)), 4)) == []


@given(st.integers(0, 50), st.integers(1, 60))
def test_blocks_hold_every_pair_once_and_in_order(n: int, most: int):
    pairs = Pairs(np.arange(n, dtype=np.int32), np.arange(1, n + 1, dtype=np.int32))
    found = list(blocks(pairs, most))
    assert [pair for block in found for pair in listed(block)] == listed(pairs)
    assert all(0 < len(block.a) <= most for block in found)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"blocking_altitude_km": -1.0}, "^blocking_altitude_km is -1.0, but it must be from 0 to 2000"),
        ({"blocking_altitude_km": 2001.0}, "^blocking_altitude_km is 2001.0, but it must be from 0 to 2000"),
        ({"min_duration_s": -0.1}, "^min_duration_s is -0.1, but it must be a number from 0 up"),
        ({"min_duration_s": float("inf")}, "^min_duration_s is inf, but it must be a number from 0 up"),
        ({"max_isl_range_km": 0.0}, r"^max_isl_range_km is 0.0, but it must be from 0.1 to 1e\+09"),
        ({"max_isl_range_km": 0.09}, r"^max_isl_range_km is 0.09, but it must be from 0.1 to 1e\+09"),
        ({"max_isl_range_km": 1e155}, r"^max_isl_range_km is 1e\+155, but it must be from 0.1 to 1e\+09"),
        ({"max_isl_range_km": float("nan")}, "^max_isl_range_km is nan, but"),
        ({"neighbours": 0}, "^neighbours is 0, but it must be a number from 1 up"),
        ({"terminals": 0}, "^terminals is 0, but it must be a number from 1 up"),
        ({"step_s": 0.5}, "^step_s is 0.5, but it must be from 1 to 600"),
        ({"step_s": 601.0}, "^step_s is 601.0, but it must be from 1 to 600"),
        ({"step_s": float("nan")}, "^step_s is nan, but"),
        ({"convention": "stk"}, "^convention is stk, but it must be physical or paseos"),
        ({"neighbours": 2, "pairs": (("a", "b"),)}, "^neighbours and pairs both choose pairs .* give one of them"),
    ],
)
def test_impossible_rules_are_refused(rules: dict, message: str):
    with pytest.raises(ScenarioError, match=message):
        ContactRules(**rules)


def test_rules_at_their_bounds_are_taken():
    ContactRules(blocking_altitude_km=2000, min_duration_s=0, max_isl_range_km=0.1, terminals=1, step_s=1)
    ContactRules(step_s=600, convention="paseos", neighbours=1)
