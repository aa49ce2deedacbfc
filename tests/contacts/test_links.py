"""Links against Friis's formula in linear units, and their means against brute force."""

from collections.abc import Callable
from dataclasses import replace
from math import inf, log10, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from orbitfl.contacts.links import PANEL_S, FixedRate, Link, LinkBudget, mean_over_panels
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.constants import EARTH_MU_KM3_S2, EARTH_RADIUS_KM
from orbitfl.scenario.schema import Links

LOOSE = 2e9  # no cap beyond 540 km
X_BAND = LinkBudget(
    eirp_dbw=10 * log10(2) + 13,
    g_over_t_db_k=24,
    frequency_ghz=8.2,
    required_eb_n0_db=4.2,
    losses_db=3,
    max_rate_bps=LOOSE,
)
MODEMS = {
    "smooth": X_BAND,
    "capped": replace(X_BAND, max_rate_bps=150e6),
    "cut": replace(X_BAND, max_rate_bps=300e6, min_rate_bps=100e6),
    "stepped": replace(X_BAND, max_rate_bps=None, steps_bps=(2e7, 4e7, 6e7, 9e7, 12e7, 16e7, 20e7, 30e7, 43e7, 50e7)),
    "one step": replace(X_BAND, max_rate_bps=None, steps_bps=(1e8, 4e8)),
}


def fastest_bps(link: LinkBudget) -> float:
    return link.max_rate_bps or link.steps_bps[-1]


def test_a_fixed_rate_holds_at_any_range():
    np.testing.assert_array_equal(FixedRate(rate_bps=1e8).rate_at(np.array([[500.0, 5e4]])), [[1e8, 1e8]])
    np.testing.assert_array_equal(
        FixedRate(rate_bps=1e8 / 3).mean_between(np.array([[500.0, 5e4]]), np.array([7.0])), [[1e8 / 3, 1e8 / 3]]
    )


@pytest.mark.parametrize("rate_bps", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_moves_nothing_is_refused(rate_bps: float):
    with pytest.raises(ScenarioError, match=f"^rate_bps is {rate_bps}, but"):
        FixedRate(rate_bps=rate_bps)


@given(
    power_w=st.floats(0.1, 10),
    gain=st.floats(1, 1e3),
    area_m2=st.floats(0.01, 10),
    noise_k=st.floats(50, 2000),
    frequency_ghz=st.floats(0.4, 40),
    losses_db=st.floats(0, 10),
    range_km=st.floats(100, 40_000),
)
def test_the_budget_is_friis_formula(
    power_w: float, gain: float, area_m2: float, noise_k: float, frequency_ghz: float, losses_db: float, range_km: float
):
    wavelength_m = 0.299792458 / frequency_ghz
    flux_w_m2 = power_w * gain / (4 * pi * (1000 * range_km) ** 2)
    energy_per_noise_hz = flux_w_m2 * area_m2 / (1.380649e-23 * noise_k) / 10 ** (losses_db / 10)
    receiver_gain = 4 * pi * area_m2 / wavelength_m**2
    link = LinkBudget(
        eirp_dbw=10 * log10(power_w * gain),
        g_over_t_db_k=10 * log10(receiver_gain / noise_k),
        frequency_ghz=frequency_ghz,
        losses_db=losses_db,
        required_eb_n0_db=10 * log10(2.5),
        margin_db=10 * log10(2.0),
        max_rate_bps=1e15,
    )
    assert link.rate_at(np.array([range_km]))[0] == pytest.approx(energy_per_noise_hz / 5, rel=1e-9)


# reference/contacts.md, section 7, whose figures hold with 3 dB of losses at these frequencies.
@pytest.mark.parametrize(
    ("power_w", "gain_dbi", "g_over_t_db_k", "frequency_ghz", "near_mbps", "far_mbps"),
    [(2, 6, 12, 2.25, 98, 18), (2, 13, 24, 8.2, 585, 111)],
    ids=["S", "X"],
)
def test_downlinks_carry_what_the_notes_say(
    power_w: float, gain_dbi: float, g_over_t_db_k: float, frequency_ghz: float, near_mbps: float, far_mbps: float
):
    link = replace(
        X_BAND,
        eirp_dbw=10 * log10(power_w) + gain_dbi,
        g_over_t_db_k=g_over_t_db_k,
        frequency_ghz=frequency_ghz,
    )
    np.testing.assert_allclose(link.rate_at(np.array([1000.0, 2300.0])) / 1e6, [near_mbps, far_mbps], rtol=0.04)


@given(range_km=st.floats(0.1, 1e5))
def test_modems_cut_and_round_down_what_the_budget_carries(range_km: float):
    carried, capped, cut, stepped = (
        float(MODEMS[name].rate_at(np.array([range_km]))[0]) for name in ("smooth", "capped", "cut", "stepped")
    )
    assert capped == min(carried, 150e6)
    assert cut == (min(carried, 300e6) if carried >= 100e6 else 0.0)
    assert stepped == max([step for step in (0.0, *MODEMS["stepped"].steps_bps) if step <= carried])


@pytest.mark.parametrize("modem", MODEMS)
def test_nothing_passes_beyond_a_links_reach(modem: str):
    link = MODEMS[modem]
    if link.reach_km == inf:
        assert link.rate_at(np.array([1e9]))[0] > 0
        return
    within, beyond = link.rate_at(link.reach_km * np.array([1 - 1e-9, 1 + 1e-9]))
    assert within == pytest.approx(link.min_rate_bps or link.steps_bps[0], rel=1e-8) and beyond == 0


def test_a_step_that_is_just_carried_is_taken():
    range_km = np.array([1000.0])
    step_bps = float(X_BAND.rate_at(range_km)[0])
    assert replace(X_BAND, max_rate_bps=None, steps_bps=(1e6, step_bps)).rate_at(range_km)[0] == step_bps


@pytest.mark.parametrize("name", MODEMS)
def test_nodes_in_one_place_talk_as_fast_as_the_modem_can(name: str):
    link, zero = MODEMS[name], np.zeros(1)
    assert link.rate_at(zero)[0] == link.mean_between(zero, zero)[0] == fastest_bps(link)
    assert mean_over_panels(link, zero, zero, zero)[0] == fastest_bps(link)


@settings(max_examples=200)
@given(
    name=st.sampled_from(sorted(MODEMS)),
    first_km=st.floats(50, 5000),
    last_km=st.one_of(st.floats(50, 5000), st.floats(-1e-3, 1e-3)),
)
def test_means_along_the_squared_range_are_those_of_brute_force(name: str, first_km: float, last_km: float):
    link, last_km = MODEMS[name], last_km if last_km >= 50 else first_km * (1 + last_km)
    edges_km2 = np.linspace(first_km**2, last_km**2, 20_001)
    rates_bps = link.rate_at(np.sqrt((edges_km2[1:] + edges_km2[:-1]) / 2))
    mean = link.mean_between(np.array([first_km]), np.array([last_km]))[0]
    jump_bps = np.abs(np.diff(rates_bps)).max()
    assert mean == pytest.approx(rates_bps.mean(), rel=1e-4, abs=jump_bps * len(MODEMS["stepped"].steps_bps) / 20_000)
    assert 0 <= mean <= fastest_bps(link)


Track = Callable[[Floats], Floats]


def pass_at_600_km(culmination_deg: float, mask_deg: float = 5.0) -> tuple[float, Track]:
    """Half the length of a pass in s, and the range at times from its middle, over a sphere that stands still."""
    radius_km = EARTH_RADIUS_KM + 600
    spin_rad_s = sqrt(EARTH_MU_KM3_S2 / radius_km**3)
    nearest, edge = (
        np.arccos(EARTH_RADIUS_KM / radius_km * np.cos(np.deg2rad(angle))) - np.deg2rad(angle)
        for angle in (culmination_deg, mask_deg)
    )

    def range_km(t_s: Floats) -> Floats:
        cosine = np.cos(nearest) * np.cos(spin_rad_s * t_s)
        return np.sqrt(EARTH_RADIUS_KM**2 + radius_km**2 - 2 * EARTH_RADIUS_KM * radius_km * cosine)

    return float(np.arccos(np.cos(edge) / np.cos(nearest)) / spin_rad_s), range_km


def crossing_orbits(node_rad: float, phase_rad: float) -> Track:
    """The range of two satellites on polar orbits of 550 km whose nodes and places in orbit differ."""
    radius_km = EARTH_RADIUS_KM + 550
    spin_rad_s = sqrt(EARTH_MU_KM3_S2 / radius_km**3)

    def range_km(t_s: Floats) -> Floats:
        first, second = spin_rad_s * t_s, spin_rad_s * t_s + phase_rad
        cosine = np.cos(first) * np.cos(second) * np.cos(node_rad) + np.sin(first) * np.sin(second)
        return radius_km * np.sqrt(np.maximum(2 - 2 * cosine, 0))

    return range_km


def mean_by_panels(link: Link, range_km: Track, start_s: float, end_s: float) -> float:
    panels = int(np.ceil((end_s - start_s) / PANEL_S))
    ranges_km = range_km(np.linspace(start_s, end_s, 2 * panels + 1))
    return float(mean_over_panels(link, ranges_km[:-1:2], ranges_km[1::2], ranges_km[2::2]).mean())


def mean_by_brute_force(link: Link, range_km: Track, start_s: float, end_s: float) -> float:
    count = max(50_000, int(20 * (end_s - start_s)))
    return float(link.rate_at(range_km(start_s + (end_s - start_s) * (np.arange(count) + 0.5) / count)).mean())


@pytest.mark.parametrize("name", MODEMS)
@settings(max_examples=25, deadline=None)
@given(culmination_deg=st.floats(5.2, 90), start=st.floats(-1, 0), end=st.floats(0.1, 1))
def test_passes_carry_what_brute_force_says(name: str, culmination_deg: float, start: float, end: float):
    half_s, range_km = pass_at_600_km(culmination_deg)
    expected = mean_by_brute_force(MODEMS[name], range_km, start * half_s, end * half_s)
    mean = mean_by_panels(MODEMS[name], range_km, start * half_s, end * half_s)
    assert mean == pytest.approx(expected, rel=0.005, abs=1e-4 * fastest_bps(MODEMS[name]))


CROSSLINK = replace(X_BAND, eirp_dbw=38, g_over_t_db_k=7, frequency_ghz=26)
CROSSLINK_MODEMS = {
    "capped": replace(CROSSLINK, max_rate_bps=1.8e9),
    "stepped": replace(CROSSLINK, max_rate_bps=None, steps_bps=(2e7, 4e7, 8e7, 15e7, 25e7, 45e7, 70e7)),
}


@pytest.mark.parametrize("name", CROSSLINK_MODEMS)
@settings(max_examples=25, deadline=None)
@given(node_rad=st.floats(0.02, 2.5), phase_rad=st.floats(-0.03, 0.03), start_s=st.floats(0, 5000))
def test_crosslinks_carry_what_brute_force_says(name: str, node_rad: float, phase_rad: float, start_s: float):
    link, range_km = CROSSLINK_MODEMS[name], crossing_orbits(node_rad, phase_rad)
    expected = mean_by_brute_force(link, range_km, start_s, start_s + 1200)
    mean = mean_by_panels(link, range_km, start_s, start_s + 1200)
    assert mean == pytest.approx(expected, rel=0.005, abs=1e-4 * fastest_bps(link))


@pytest.mark.parametrize("name", CROSSLINK_MODEMS)
def test_a_link_that_is_open_all_day_carries_what_brute_force_says(name: str):
    link, range_km = CROSSLINK_MODEMS[name], crossing_orbits(0.4, 0.2)
    expected = mean_by_brute_force(link, range_km, 0.0, 86400.0)
    assert mean_by_panels(link, range_km, 0.0, 86400.0) == pytest.approx(expected, rel=0.001)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"eirp_dbw": float("nan")}, r"^eirp_dbw is nan, but a link budget takes it from -60 to 120\.$"),
        ({"frequency_ghz": 8.2e9}, r"^frequency_ghz is 8200000000\.0, but .* from 0\.01 to 1e\+06\.$"),
        ({"frequency_ghz": 0.0}, r"^frequency_ghz is 0\.0, but"),
        ({"g_over_t_db_k": float("inf")}, r"^g_over_t_db_k is inf, but"),
        ({"losses_db": -1.0}, r"^losses_db is -1\.0, but a link budget takes it from 0 to 100\.$"),
        ({"required_eb_n0_db": -3.0}, r"^required_eb_n0_db is -3\.0, but"),
        ({"margin_db": -0.1}, r"^margin_db is -0\.1, but"),
        ({"max_rate_bps": None}, r"^A link budget needs either max_rate_bps or steps_bps, but neither"),
        ({"steps_bps": (1e6,)}, r"^A link budget needs either max_rate_bps or steps_bps, but both"),
        ({"max_rate_bps": 0.0}, r"^max_rate_bps is 0\.0, but"),
        ({"max_rate_bps": float("nan")}, r"^max_rate_bps is nan, but"),
        (
            {"min_rate_bps": 1e14},
            r"^min_rate_bps is 100000000000000\.0, but it must be from 0 to max_rate_bps, 2e\+09\.$",
        ),
        ({"max_rate_bps": 1e16}, r"^max_rate_bps is 1e\+16, but it must be above 0 and at most 1e15"),
        ({"min_rate_bps": float("nan")}, r"^min_rate_bps is nan, but"),
        (
            {"max_rate_bps": None, "steps_bps": (2e6, 1e6)},
            r"^steps_bps is \[2000000\.0, 1000000\.0\], but .* each more than",
        ),
        ({"max_rate_bps": None, "steps_bps": (0.0, 1e6)}, r"^steps_bps is"),
        ({"max_rate_bps": None, "steps_bps": (1e6, float("inf"))}, r"^steps_bps is"),
        ({"max_rate_bps": None, "steps_bps": (float("nan"),)}, r"^steps_bps is"),
        ({"max_rate_bps": None, "steps_bps": (1e6,), "min_rate_bps": 1e5}, r"^min_rate_bps has no meaning beside"),
    ],
)
def test_impossible_budgets_are_refused(change: dict[str, float], sentence: str):
    with pytest.raises(ScenarioError, match=sentence):
        replace(X_BAND, **change)


def test_a_scenario_may_ask_for_a_budget():
    links = TypeAdapter(Links).validate_json(
        """{"isl": {"kind": "fixed_rate", "rate_bps": 1e8},
            "ground": {"kind": "budget", "eirp_dbw": 16, "g_over_t_db_k": 24, "frequency_ghz": 8.2,
                       "required_eb_n0_db": 4.2, "steps_bps": [1000000, 2000000]}}""",
        strict=True,
    )
    assert links.isl == FixedRate(rate_bps=1e8)
    assert links.ground == LinkBudget(
        eirp_dbw=16, g_over_t_db_k=24, frequency_ghz=8.2, required_eb_n0_db=4.2, steps_bps=(1e6, 2e6)
    )
