"""Plans made at random, and one made by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st

from orbitfl.contacts.plan import ContactPlan, columns_of

SPAN_S = 7200.0
NAMES = st.text(min_size=1, max_size=6).filter(str.isprintable) | st.sampled_from(
    ["a,b", 'say "x"', "# not a comment", " spaces ", "μ-sat", "\\", "1", "nan", "true"]
)


@st.composite
def random_plans(draw: st.DrawFn) -> ContactPlan:
    """Up to 30 contacts of up to 6 satellites and 3 stations; contacts of a pair may overlap."""
    n_satellites, n_stations = draw(st.integers(2, 6)), draw(st.integers(0, 3))
    n_nodes = n_satellites + n_stations
    nodes = draw(st.lists(NAMES, min_size=n_nodes, max_size=n_nodes, unique=True))
    pairs = [(a, b) for a in range(n_satellites) for b in range(a + 1, n_nodes)]
    rows = [_row(draw, *draw(st.sampled_from(pairs)), n_satellites) for _ in range(draw(st.integers(0, 30)))]
    epoch_utc = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(microseconds=draw(st.integers(0, 10**9)))
    provenance = {"step_s": draw(st.floats(1, 100)), "from": ["here", None]}
    return ContactPlan(epoch_utc, SPAN_S, tuple(nodes), columns_of(rows), provenance, satellites=n_satellites)


def _row(draw: st.DrawFn, a: int, b: int, n_satellites: int) -> tuple:
    times = st.floats(0, SPAN_S) | st.integers(0, 24).map(lambda step: 300.0 * step)
    start_s, end_s = sorted(draw(st.tuples(times, times)))
    near_km, far_km = sorted(draw(st.tuples(*2 * [st.floats(0, 1e5, width=32)])))
    rate_bps = draw(st.floats(0, 1e10))
    kind = "ground" if b >= n_satellites else "isl"
    return kind, a, b, start_s, end_s, draw(st.booleans()), near_km, far_km, rate_bps, rate_bps * (end_s - start_s)


@pytest.fixture(scope="session")
def plans() -> st.SearchStrategy[ContactPlan]:
    return random_plans()


@pytest.fixture(scope="session")
def plan() -> ContactPlan:
    """Two satellites and a station in an hour: three contacts, given out of order."""
    rows = [
        ("ground", 1, 2, 700.5, 1300.25, False, 800.0, 2800.0, 1e6, 5.9975e8),
        ("isl", 0, 1, 0.0, 900.0, True, 5000.0, 5400.0, 1e8, 9e10),
        ("ground", 0, 2, 700.5, 1000.0, False, 900.0, 2700.0, 1e6, 2.995e8),
    ]
    nodes = ("sat-0", "sat-1", "svalbard")
    return ContactPlan(datetime(2018, 5, 18, 3, 21, tzinfo=UTC), 3600.0, nodes, columns_of(rows))
