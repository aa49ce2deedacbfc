"""Bits that pass in a part of a window, against sums of the rate over fine steps of time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.contacts import Contact, found
from orbitfl.contacts.channel import Ranged, Steady, channel_of
from orbitfl.contacts.links import FixedRate, LinkBudget
from orbitfl.contacts.planning import Planning
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.walker import Walker

BUDGET = LinkBudget(
    eirp_dbw=16, g_over_t_db_k=24, frequency_ghz=8.2, required_eb_n0_db=4.2, losses_db=3, max_rate_bps=2e9
)
MODEMS = {
    "smooth": BUDGET,
    "capped": replace(BUDGET, max_rate_bps=150e6),
    "cut": replace(BUDGET, max_rate_bps=300e6, min_rate_bps=20e6),
    "stepped": replace(BUDGET, max_rate_bps=None, steps_bps=(2e7, 6e7, 12e7, 20e7, 43e7)),
}
FINE = 40_000


@st.composite
def passes(draw: st.DrawFn) -> tuple[Contact, Callable[[Floats], Floats], float, float]:
    """A window, the range in it as of a straight flight past, and a part of the window."""
    length_s, nearest_km = draw(st.floats(10, 1500)), draw(st.floats(400, 3000))
    speed_km_s, nearest_s = draw(st.floats(0, 12)), draw(st.floats(-500, 2000))
    start_s = draw(st.floats(0, 1e5))
    first, last = sorted(draw(st.tuples(st.floats(0, 1), st.floats(0, 1))))

    def range_km(t_s: Floats) -> Floats:
        return np.hypot(nearest_km, speed_km_s * (t_s - start_s - nearest_s))

    contact = Contact("isl", "a", "b", start_s, start_s + length_s, False, 0.0, 0.0, 0.0, 0.0)
    return contact, range_km, start_s + first * length_s, start_s + last * length_s


def summed_bit(link: LinkBudget, range_km: Callable[[Floats], Floats], start_s: float, end_s: float) -> float:
    middles_s = start_s + (end_s - start_s) * (np.arange(FINE) + 0.5) / FINE
    return float(link.rate_at(range_km(middles_s)).mean()) * (end_s - start_s)


def ranged(
    modem: str, drawn: tuple[Contact, Callable[[Floats], Floats], float, float]
) -> tuple[Ranged, Contact, LinkBudget]:
    """The channel of a pass, whose volume is the true one."""
    link, (contact, range_km, *_) = MODEMS[modem], drawn
    volume_bit = summed_bit(link, range_km, contact.start_s, contact.end_s)
    rate_bps = volume_bit / (contact.end_s - contact.start_s)
    return (
        Ranged(lambda _, t_s: range_km(t_s), {"isl": link}),
        replace(contact, rate_bps=rate_bps, volume_bit=volume_bit),
        link,
    )


@pytest.mark.parametrize("modem", MODEMS)
@settings(max_examples=40, deadline=None)
@given(drawn=passes())
def test_volume_is_the_integral_of_the_rate(modem: str, drawn):
    """To 1 %, however it jumps: the squared range between knots is close to a straight line, but a jump that comes just
    as satellites pass each other is seconds long."""
    channel, contact, link = ranged(modem, drawn)
    _, range_km, start_s, end_s = drawn
    expected_bit = summed_bit(link, range_km, start_s, end_s)
    off_bit = abs(channel.volume_bit(contact, start_s, end_s) - expected_bit)
    assert off_bit <= 1e-2 * contact.volume_bit + 1e-6
    assert channel.volume_bit(contact, contact.start_s, contact.end_s) == pytest.approx(contact.volume_bit)


@pytest.mark.parametrize("modem", MODEMS)
@settings(max_examples=40, deadline=None)
@given(drawn=passes(), share=st.floats(0.001, 0.999))
def test_a_transfer_ends_when_its_bits_have_passed(modem: str, drawn, share: float):
    channel, contact, _ = ranged(modem, drawn)
    start_s = drawn[2]
    left_bit = channel.volume_bit(contact, start_s, contact.end_s)
    size_bit = share * left_bit
    if left_bit < 1:
        assert channel.finish_s(contact, start_s, 2.0) == inf
        return
    end_s = channel.finish_s(contact, start_s, size_bit)
    assert start_s <= end_s <= contact.end_s
    assert channel.volume_bit(contact, start_s, end_s) == pytest.approx(size_bit, rel=1e-6, abs=1.0)
    middle_s = (start_s + end_s) / 2
    halves = [channel.volume_bit(contact, *part) for part in ((start_s, middle_s), (middle_s, end_s))]
    assert min(halves) >= 0 and sum(halves) == pytest.approx(size_bit, rel=1e-6, abs=1.0)
    assert channel.finish_s(contact, start_s, 1.001 * left_bit + 2) > contact.end_s


@given(st.floats(0, 1e5), st.floats(1, 1e4), st.floats(0, 1), st.floats(1, 1e9))
def test_a_steady_link_is_a_product(start_s: float, length_s: float, share: float, rate_bps: float):
    contact = Contact("isl", "a", "b", start_s, start_s + length_s, False, 1, 2, rate_bps, rate_bps * length_s)
    size_bit = share * contact.volume_bit
    end_s = Steady().finish_s(contact, start_s, size_bit)
    assert end_s == pytest.approx(start_s + share * length_s)
    assert Steady().volume_bit(contact, start_s, end_s) == pytest.approx(size_bit, abs=1e-5 * rate_bps)


PLANNING = Planning(
    constellation=Walker(total=6, planes=3, phasing=1, altitude_km=700, inclination_deg=70),
    epoch_utc=datetime(2026, 3, 1, tzinfo=UTC),
    duration_s=7200.0,
    stations=(GroundStation(name="kiruna", latitude_deg=67.9, longitude_deg=21.0, altitude_m=400, mask_deg=5),),
    isl=replace(BUDGET, eirp_dbw=20),
    ground=BUDGET,
)


def test_a_mission_uses_its_own_ranges():
    """Every window of a plan: range within what the plan says, bits as a sum over positions in steps of 50 ms."""
    channel, plan = channel_of(PLANNING), found(PLANNING)
    assert isinstance(channel, Ranged)
    links, kinds = {"isl": PLANNING.isl, "ground": PLANNING.ground}, set[str]()
    for contact in plan:
        t_s = np.linspace(contact.start_s, contact.end_s, 4001)
        range_km = channel.range_km(contact, t_s)
        assert range_km.min() == pytest.approx(contact.range_min_km, abs=0.5)
        assert range_km.max() == pytest.approx(contact.range_max_km, abs=0.5)
        link = links[contact.kind]
        assert link is not None
        third = len(t_s) // 3
        expected_bit = float(np.trapezoid(link.rate_at(range_km[: third + 1]), t_s[: third + 1]))
        assert channel.volume_bit(contact, contact.start_s, float(t_s[third])) == pytest.approx(expected_bit, rel=5e-3)
        kinds.add(contact.kind)
    assert kinds == {"isl", "ground"} and len(plan) > 10


def test_fixed_rates_need_no_sky():
    fixed = replace(PLANNING, isl=FixedRate(rate_bps=1e6), ground=FixedRate(rate_bps=1e5))
    assert isinstance(channel_of(fixed), Steady)
    assert isinstance(channel_of(replace(fixed, ground=BUDGET)), Ranged)
