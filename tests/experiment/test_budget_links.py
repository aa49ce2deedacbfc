"""Missions over links whose rate follows the range: no window carries more than it holds."""

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest

from orbitfl.contacts import Contact
from orbitfl.contacts.channel import channel_of
from orbitfl.errors import ScenarioError
from orbitfl.experiment.dry import dry_run
from orbitfl.experiment.mission import contact_plan
from orbitfl.scenario import Scenario
from orbitfl.simulation.timeline import Exchange, Sending

BUDGET = "{{kind: budget, eirp_dbw: {}, g_over_t_db_k: {}, frequency_ghz: 8.2, required_eb_n0_db: 4.2, {}}}"
LINKS = {
    "smooth": BUDGET.format(-12, 0, "max_rate_bps: 1.0e+9"),
    "stepped": BUDGET.format(4, 0, "steps_bps: [1.0e+4, 2.0e+4, 3.0e+4, 5.0e+4, 9.0e+4]"),
}
PLANES = "constellation={kind: walker, total: 8, planes: 4, phasing: 1, altitude_km: 786, inclination_deg: 60}"


@pytest.mark.parametrize("strategy", ["gossip", "push_sum", "fedavg"])
@pytest.mark.parametrize("link", LINKS)
def test_a_window_carries_no_more_than_its_volume(asked: Callable[..., Scenario], link: str, strategy: str):
    """Neither the bytes of all parts in it, nor those of each part in the time that it took."""
    kind = "ground" if strategy == "fedavg" else "isl"
    scenario = asked(
        PLANES, f"exchange.strategy.kind={strategy}", f"links.isl={LINKS[link]}", f"links.ground={LINKS[link]}"
    )
    plan, channel = contact_plan(scenario), channel_of(scenario.planning())
    windows = defaultdict[tuple[str, str], list[Contact]](list)
    for contact in plan.of_kind(kind):
        windows[contact.a, contact.b].append(contact)
    carried_byte, cut = defaultdict[Contact, int](int), 0
    for each in dry_run(scenario).happenings:
        match each:
            case Exchange(a=a, b=b, sent_byte=(there, back)):
                ends, byte = (plan.nodes[a], plan.nodes[b]), max(there, back)
            case Sending(sender=a, receiver=b, sent_byte=byte, station=station):
                ends = (plan.nodes[min(a, b)], station or plan.nodes[max(a, b)])
            case _:
                continue
        cut += each.outcome == "cut"
        window = next(x for x in windows[ends] if x.start_s <= each.start_s and each.end_s <= x.end_s + 1e-6)
        carried_byte[window] += byte
        assert 8 * byte <= channel.volume_bit(window, each.start_s, each.end_s) + 16
    assert cut > 2 and len(carried_byte) > 5
    for window, byte in carried_byte.items():
        assert 8 * byte <= window.volume_bit * (1 + 1e-9) + 16


def test_nobody_exchanges_over_a_link_that_carries_nothing(asked: Callable[..., Scenario]):
    """Two on orbits 86 km apart in height, in sight of each other for hours, and in reach for minutes at a time."""
    orbits = ", ".join(
        f"{{name: at-{axis_km}, semi_major_axis_km: {axis_km}, inclination_deg: 60}}" for axis_km in (7164, 7250)
    )
    link = BUDGET.format(25, -20, "max_rate_bps: 2.0e+6, min_rate_bps: 1.0e+5")
    scenario = asked(f"constellation={{kind: keplerian, orbits: [{orbits}]}}", f"links.isl={link}", "duration_s=43200")
    planning = scenario.planning()
    assert planning.isl is not None
    met = [each for each in dry_run(scenario).happenings if isinstance(each, Exchange)]
    assert met and sum(each.end_s - each.start_s for each in met) < 21_600
    for each in met:
        t_s = np.linspace(each.start_s, each.end_s, 50)[1:-1]
        low_km, high_km = planning.satellites().propagator.positions(t_s)
        assert (planning.isl.rate_at(np.linalg.norm(low_km - high_km, axis=-1)) > 0).all()


def test_a_link_that_reaches_nobody_is_refused(asked: Callable[..., Scenario]):
    with pytest.raises(ScenarioError, match=r"links.isl: This link budget .* 1000 bit/s, within 0.011 km alone, but"):
        asked(f"links.isl={BUDGET.format(-60, -60, 'max_rate_bps: 1.0e+6, min_rate_bps: 1000')}")
