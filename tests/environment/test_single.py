"""One satellite written out against the formulas that serve arrays, bit for bit."""

from bisect import bisect_right
from itertools import accumulate
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.environment.options import Bus, ThermalNode
from orbitfl.environment.physics import SCALAR, Body, after, body_of
from orbitfl.environment.single import after_alone, walk_alone
from orbitfl.environment.sky import Inputs, Track
from orbitfl.environment.walks import Bounds, Walk, walk

BODIES = [
    body_of(Bus()),
    body_of(Bus(battery_j=3000.0, thermal=ThermalNode(mass_kg=0.1))),
    body_of(Bus(battery_j=40_000.0, thermal=ThermalNode(infrared_absorptance=0.0))),
]
BOUNDS = [Bounds(0.0, inf, True), Bounds(900.0, 338.15, False), Bounds(0.0, 338.15, False), Bounds(0.0, 250.0, False)]
PIECES = st.lists(
    st.tuples(st.floats(1e-6, 4000), st.sampled_from([0.0, 1.0, 20.0]), st.floats(0, 60)), min_size=1, max_size=8
)
POWERS_W = st.sampled_from([0.0, 1e-305, 5.0, 20.0, 90.0])
Condition = tuple[float, float, float]
SHARES = st.sampled_from([0.0, 0.1, 1.0]) | st.floats(0, 1)


def expected(body: Body, track: Track, bounds: Bounds, power_w: float, begun: Condition, end_s: float) -> Walk:
    def at(t_s: float) -> Inputs:
        return Inputs(*track.inputs[bisect_right(track.starts_s, t_s) - 1])

    return walk(SCALAR, body, at, bounds, power_w, Walk(*begun, 0.0, 0.0, 0.0, 0.0, 0.0, False, False), end_s)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(BODIES), PIECES, st.sampled_from(BOUNDS), POWERS_W, SHARES, st.floats(3, 900), SHARES, SHARES)
def test_a_walk_alone_is_the_walk_of_arrays(
    body: Body,
    pieces: list[tuple[float, float, float]],
    bounds: Bounds,
    power_w: float,
    charge: float,
    temperature_k: float,
    begun_share: float,
    end_share: float,
):
    edges_s = list(accumulate((length_s for length_s, _, _ in pieces), initial=0.0))
    ends_s = edges_s[1:]
    track = Track(edges_s[:-1], [(end_s, *piece[1:]) for end_s, piece in zip(ends_s, pieces, strict=True)])
    end_s = end_share * ends_s[-1]
    begun = begun_share * end_s, charge * body.battery_j, temperature_k
    found = walk_alone(body, track, bounds, power_w, begun, end_s)
    assert repr(found) == repr(expected(body, track, bounds, power_w, begun, end_s))


def test_each_way_to_end_early_is_the_same():
    track = Track([0.0, 1000.0], [(1000.0, 20.0, 30.0), (9e9, 0.0, 10.0)])
    cases = [
        (BOUNDS[1], 90.0, (0.0, 50_000.0, 280.0), (True, False)),
        (BOUNDS[2], 90.0, (0.0, 50_000.0, 338.0), (True, True)),
        (BOUNDS[1], 90.0, (0.0, 100.0, 280.0), (True, False)),
        (BOUNDS[3], 90.0, (0.0, 50_000.0, 280.0), (True, True)),
        (BOUNDS[0], 90.0, (0.0, 50_000.0, 280.0), (False, False)),
    ]
    for bounds, power_w, begun, cut_hot in cases:
        found = walk_alone(BODIES[0], track, bounds, power_w, begun, 1e5)
        assert repr(found) == repr(expected(BODIES[0], track, bounds, power_w, begun, 1e5))
        assert (found.cut, found.hot) == cut_hot


@settings(max_examples=600, deadline=None)
@given(st.floats(2.725, 900), st.floats(0.1, 900), st.just(0.0) | st.floats(1e-12, 1e7))
def test_temperatures_alone_are_those_of_arrays(balance_k: float, temperature_k: float, elapsed_s: float):
    body = BODIES[0]
    paced = 4 * body.emission_w_k4 * balance_k**3 * elapsed_s / body.capacity_j_k
    assert after_alone(balance_k, temperature_k, paced) == after(SCALAR, body, balance_k, temperature_k, elapsed_s)


def test_a_walk_of_no_time_changes_nothing():
    track = Track([0.0], [(100.0, 20.0, 30.0)])
    found = walk_alone(BODIES[0], track, BOUNDS[0], 5.0, (50.0, 1000.0, 280.0), 50.0)
    assert found == Walk(50.0, 1000.0, 280.0, 0.0, 0.0, 0.0, 0.0, 0.0, cut=False, hot=False)
