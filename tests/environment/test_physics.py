"""Closed forms against an integrator, against themselves, and numbers against arrays."""

from math import inf

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from orbitfl.environment.options import Bus, ThermalNode
from orbitfl.environment.physics import SCALAR, Body, after, balance, body_of, heating_s, piece

BODY = body_of(Bus())
LIGHT = body_of(Bus(thermal=ThermalNode(mass_kg=0.01)))
TEMPERATURES_K = st.floats(50, 900)
HEATS_W = st.floats(0.01, 500)
SPANS_S = st.floats(1e-3, 1e6)


def temperature_k(body: Body, heat_w: float, start_k: float, elapsed_s: float) -> float:
    return after(SCALAR, body, balance(SCALAR, body, heat_w), start_k, elapsed_s)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([BODY, LIGHT]), HEATS_W, TEMPERATURES_K, SPANS_S)
def test_temperatures_are_those_of_an_integrator(body: Body, heat_w: float, start_k: float, elapsed_s: float):
    def rate(_t_s: float, t_k: np.ndarray) -> np.ndarray:
        return (heat_w - body.emission_w_k4 * t_k**4) / body.capacity_j_k

    solved = solve_ivp(rate, (0, elapsed_s), [start_k], method="Radau", rtol=1e-10, atol=1e-10)
    assert temperature_k(body, heat_w, start_k, elapsed_s) == pytest.approx(solved.y[0, -1], rel=1e-8)


@settings(max_examples=200, deadline=None)
@given(HEATS_W, TEMPERATURES_K, SPANS_S, SPANS_S)
def test_two_pieces_are_one(heat_w: float, start_k: float, first_s: float, second_s: float):
    between_k = temperature_k(BODY, heat_w, start_k, first_s)
    whole_k = temperature_k(BODY, heat_w, start_k, first_s + second_s)
    assert temperature_k(BODY, heat_w, between_k, second_s) == pytest.approx(whole_k, rel=1e-10)


@settings(max_examples=200, deadline=None)
@given(HEATS_W, TEMPERATURES_K, st.floats(1.001, 1.5))
def test_the_time_to_a_temperature_leads_there(heat_w: float, start_k: float, rise: float):
    balance_k, ceiling_k = balance(SCALAR, BODY, heat_w), start_k * rise
    needed_s = heating_s(SCALAR, BODY, balance_k, start_k, ceiling_k)
    assert (needed_s < inf) == (ceiling_k < balance_k)
    assume(needed_s < inf and ceiling_k < 0.999 * balance_k)
    assert after(SCALAR, BODY, balance_k, start_k, needed_s) == pytest.approx(ceiling_k, rel=1e-9)


def test_a_body_that_radiates_nothing_warms_along_a_straight_line():
    body = body_of(Bus(thermal=ThermalNode(infrared_absorptance=0.0)))
    assert temperature_k(body, 36.0, 300.0, 1000.0) == pytest.approx(301.0, rel=1e-14)
    assert heating_s(SCALAR, body, balance(SCALAR, body, 36.0), 300.0, 301.0) == pytest.approx(1000.0, rel=1e-9)
    assert temperature_k(body, 0.0, 300.0, 1000.0) == 300.0


def test_a_body_without_heat_cools_by_the_inverse_cube():
    # T⁻³ grows by 3 b t / C while the background of 2.7 K does not matter.
    cooled = (300.0**-3 + 3 * BODY.emission_w_k4 * 1e6 / BODY.capacity_j_k) ** (-1 / 3)
    assert temperature_k(BODY, 0.0, 300.0, 1e6) == pytest.approx(cooled, rel=1e-6)


PIECES = st.tuples(
    st.floats(0, BODY.battery_j),
    TEMPERATURES_K,
    st.sampled_from([0.0, 20.0]),
    HEATS_W,
    st.floats(0, 100),
    st.sampled_from([(0.0, inf, True), (27_720.0, 338.15, False), (0.0, 338.15, False)]),
    st.floats(0, 20_000),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=20))
def test_arrays_get_what_numbers_get(rows: list):
    rows = [(*row[:5], *row[5], row[6]) for row in rows if row[0] >= row[5][0] and row[1] <= row[5][1]]
    assume(rows)
    whole = piece(np, BODY, *(np.array(column) for column in zip(*rows, strict=True)))
    for number, row in enumerate(rows):
        alone = piece(SCALAR, BODY, *row)
        for name, value in alone._asdict().items():
            column = np.broadcast_to(getattr(whole, name), len(rows))
            assert column[number] == pytest.approx(value, rel=1e-11, abs=1e-9), name


@settings(max_examples=300, deadline=None)
@given(PIECES)
def test_a_piece_keeps_the_balance_and_its_bounds(row: tuple):
    stored_j, start_k, panels_w, heat_w, power_w, (floor_j, ceiling_k, standby), longest_s = row
    assume(stored_j >= floor_j and start_k <= ceiling_k)
    done = piece(SCALAR, BODY, stored_j, start_k, panels_w, heat_w, power_w, floor_j, ceiling_k, standby, longest_s)
    after_j = stored_j + done.charged_j - done.clipped_j - done.consumed_j
    assert done.stored_j == pytest.approx(after_j, abs=1e-6)
    assert floor_j <= done.stored_j <= BODY.battery_j
    assert done.temperature_k <= ceiling_k * (1 + 1e-12)
    assert 0 <= done.length_s <= longest_s
    assert done.length_s == longest_s or done.drained or done.hot
