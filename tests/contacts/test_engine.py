"""Two speeds, one answer: compiled searches give NumPy's windows to the last bit."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.contacts import engine as module
from orbitfl.contacts.columns import COLUMNS
from orbitfl.contacts.engine import NUMPY, WORTH_COMPILING, EngineName, engine_for
from orbitfl.contacts.links import FixedRate, LinkBudget
from orbitfl.contacts.plan import ContactPlan
from orbitfl.contacts.rules import ContactRules
from orbitfl.contacts.search import contact_plan
from orbitfl.errors import ScenarioError
from orbitfl.orbit import ephemeris
from orbitfl.orbit.constellation import Constellation
from orbitfl.orbit.crossings import Toggles, paired
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2026, 3, 1, tzinfo=UTC)
SPAN_S = 21_600.0
LOW = Walker(total=72, planes=6, phasing=1, altitude_km=600, inclination_deg=97.8)
LINKS = [
    FixedRate(rate_bps=1e8),
    LinkBudget(eirp_dbw=16.0, g_over_t_db_k=4.0, frequency_ghz=26.0, required_eb_n0_db=4.2, max_rate_bps=1e8),
]

needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="numba, an extra, is not installed")


def mix() -> Keplerian:
    sorts: Sequence[tuple[float, float, float, float]] = [
        (6928.0, 0.001, 97.6, 0.0),
        (26_560.0, 0.01, 55.0, 0.0),
        (26_554.0, 0.72, 63.4, 270.0),
        (42_164.0, 0.0002, 0.05, 0.0),
        (60_000.0, 0.85, 28.5, 180.0),
    ]
    orbits = [
        Elements(
            name=f"{place}-{number}",
            semi_major_axis_km=axis_km,
            eccentricity=eccentricity,
            inclination_deg=inclination_deg,
            argp_deg=argp_deg,
            raan_deg=60.0 * number + 7 * place,
            mean_anomaly_deg=83.0 * number,
        )
        for place, (axis_km, eccentricity, inclination_deg, argp_deg) in enumerate(sorts)
        for number in range(5)
    ]
    return Keplerian(orbits=tuple(orbits))


CASES = {
    "all pairs": (LOW, ContactRules()),
    "within range": (LOW, ContactRules(max_isl_range_km=3000.0)),
    "neighbours": (LOW, ContactRules(neighbours=5)),
    "long enough": (LOW, ContactRules(min_duration_s=600.0, blocking_altitude_km=80.0)),
    "eccentric": (mix(), ContactRules()),
    "eccentric within range": (mix(), ContactRules(max_isl_range_km=30_000.0)),
    "named pairs": (mix(), ContactRules(pairs=(("0-1", "2-3"), ("0-1", "4-0"), ("3-3", "1-2")))),
    "no pairs": (LOW, ContactRules(pairs=())),
    "two satellites": (Walker(total=2, planes=2, phasing=1, altitude_km=786, inclination_deg=60), ContactRules()),
}


def plan(constellation: Constellation, rules: ContactRules, engine: EngineName, link: int = 0) -> ContactPlan:
    return contact_plan(
        constellation,
        isl=LINKS[link],
        ground=None,
        epoch_utc=EPOCH_UTC,
        duration_s=SPAN_S,
        rules=rules,
        engine=engine,
    )


def assert_same_bits(first: ContactPlan, second: ContactPlan) -> None:
    for name in COLUMNS:
        assert first.table[name].dtype == second.table[name].dtype
        assert first.table[name].tobytes() == second.table[name].tobytes(), name


@needs_numba
@pytest.mark.parametrize("case", CASES)
def test_both_engines_give_the_same_bits(case: str):
    constellation, rules = CASES[case]
    by_numpy, by_numba = (plan(constellation, rules, engine, link=1) for engine in ("numpy", "numba"))
    assert (len(by_numpy) == 0) == (case == "no pairs")
    assert_same_bits(by_numpy, by_numba)


@needs_numba
def test_both_engines_give_the_same_bits_over_several_parts(monkeypatch: pytest.MonkeyPatch):
    whole = plan(LOW, ContactRules(), "numpy")
    monkeypatch.setattr(ephemeris, "BYTES_AT_ONCE", 1)
    parts = [plan(LOW, ContactRules(step_s=60.0), engine) for engine in ("numpy", "numba")]
    assert_same_bits(*parts)
    for name in ("a", "b", "truncated"):
        np.testing.assert_array_equal(parts[0].table[name], whole.table[name])
    np.testing.assert_allclose(parts[0].table["start_s"], whole.table["start_s"], rtol=0, atol=2e-3)


@needs_numba
def test_compiled_pairing_is_that_of_numpy():
    """Of series toggled at random, some of which begin open; the windows of both in the same order, and none empty."""
    from orbitfl.contacts import compiled

    random = np.random.default_rng(2)
    for count, toggled in [(1, 0), (1, 1), (5, 40), (300, 2000)]:
        bits = max(1, (count - 1).bit_length())
        moments = np.unique((random.integers(0, 500, toggled) << bits) | random.integers(0, count, toggled))
        blocks = np.split(moments.astype(np.uint64), [toggled // 3])
        toggles = Toggles(blocks, random.random(count) < 0.4, bits, 5.0, 5.0 + 498.5e-6)
        one, other = paired(toggles), compiled.paired(toggles)
        for name in ("series", "start_s", "end_s", "cut_start", "cut_end"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert (one.end_s > one.start_s).all() and one.end_s.max(initial=0) <= toggles.last_s


@needs_numba
@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(2**63, 2**63 + 5), max_size=200))
def test_compiled_sorting_is_that_of_numpy(numbers: list[int]):
    from orbitfl.contacts import compiled

    keys = np.array(numbers, np.uint64)
    np.testing.assert_array_equal(compiled.in_order(keys.copy()), np.sort(keys))


def test_small_searches_stay_with_numpy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "orbitfl.contacts.compiled_ground", raising=False)
    assert engine_for("auto", WORTH_COMPILING - 1) is NUMPY
    assert engine_for("numpy", 10 * WORTH_COMPILING) is NUMPY


@needs_numba
def test_large_searches_are_compiled():
    assert engine_for("auto", WORTH_COMPILING).name == engine_for("numba", 1).name == "numba"


def test_without_numba_large_searches_stay_with_numpy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert engine_for("auto", 10 * WORTH_COMPILING) is NUMPY
    with pytest.raises(ScenarioError, match=r"^The engine numba is not installed; run pip install 'orbitfl\[numba\]'"):
        engine_for("numba", 1)


@needs_numba
def test_what_opens_with_the_mission_is_ordered_as_what_was_open():
    """A ring whose neighbours graze the Earth: windows open within half a microsecond of the begin."""
    altitude_km = 6378.137 * (1 / np.cos(np.pi / 11) - 1)
    ring = Walker(total=11, planes=1, phasing=0, altitude_km=altitude_km, inclination_deg=53.0)
    link, epoch_utc = FixedRate(rate_bps=1.0), datetime(2027, 1, 1, tzinfo=UTC)

    def planned(engine: EngineName) -> ContactPlan:
        return contact_plan(ring, (), isl=link, ground=None, epoch_utc=epoch_utc, duration_s=20_000.0, engine=engine)

    by_numpy, by_numba = planned("numpy"), planned("numba")
    assert by_numba == by_numpy
    keys = [by_numba.table[name] for name in ("a", "start_s")]
    np.testing.assert_array_equal(np.lexsort(keys), np.arange(len(by_numba)))
