"""What links achieved, against counts by hand and by brute force over timelines made by lot."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.contacts.plan import ContactPlan, columns_of
from orbitfl.environment.base import Activity, Spell
from orbitfl.experiment.traffic import Kind, achieved, spent
from orbitfl.simulation.timeline import Evaluation, Exchange, Happening, Offer, Outcome, Sending, Timeline

EPOCH = datetime(2018, 5, 18, tzinfo=UTC)
NAMES = ("sat-0", "sat-1", "sat-2")
STATIONS = ("kiruna", "awarua")
SPAN_S = 1000.0
GROUND = len(NAMES)
UPDATE_BYTE = 25
"""Less than what parts put on the link: some of it was lost, and sent again."""


def contact_plan(*rows: tuple[str, int, int, float, float]) -> ContactPlan:
    columns = columns_of([(*row, False, 1.0, 2.0, 8.0, 8.0 * (row[4] - row[3])) for row in rows])
    return ContactPlan(EPOCH, SPAN_S, (*NAMES, *STATIONS), columns, satellites=len(NAMES))


def timeline(*happenings: Happening, energy: Sequence[Spell] = ()) -> Timeline:
    return Timeline(happenings, (), (), tuple(energy))


def told(mission: Timeline, plan: ContactPlan, kind: Kind = "isl") -> dict[str, float]:
    records = list(achieved(mission, plan, kind, SPAN_S, "constellation", UPDATE_BYTE))
    assert {(t_s, name) for t_s, name, _, _ in records} == {(SPAN_S, "constellation")}
    return {what: value for _, _, what, value in records}


def test_what_a_hand_made_mission_achieved():
    """Transfer 1 is done at once, 2 is cut and gone on with, 3 is cut for good, 4 is offered and nothing of it sent."""
    plan = contact_plan(
        ("isl", 0, 1, 0, 100),
        ("isl", 0, 1, 200, 300),
        ("isl", 0, 1, 350, 450),
        ("isl", 1, 2, 0, 50),
        ("isl", 1, 2, 400, 500),
        ("isl", 0, 2, 600, 700),
        ("ground", 0, 3, 0, 100),
    )
    mission = timeline(
        *(Offer(1, *pair, 10) for pair in ((0, 1), (1, 0))),
        Exchange(1, 0, 1, 10, 20, (100, 100), "done"),
        Offer(2, 0, 1, 210, relayed=(2, 3)),
        Offer(2, 1, 0, 210),
        Exchange(2, 0, 1, 210, 300, (40, 40), "cut"),
        Offer(3, 1, 2, 10),
        Exchange(3, 1, 2, 10, 50, (30, 30), "cut"),
        Exchange(2, 0, 1, 360, 370, (70, 60), "done"),
        Offer(4, 0, 2, 600),
    )
    assert told(mission, plan) == {
        "contacts used": 4,
        "contacts missed": 2,
        "transfers done": 2,
        "transfers resumed": 1,
        "transfers given up": 2,
        "goodput_bps": 8 * (25 + 3 * 25) / (10 + 90 + 40 + 10),
    }


def test_a_mission_without_transfers_used_nothing():
    plan = contact_plan(("isl", 0, 1, 0, 100), ("ground", 0, 3, 0, 100))
    assert told(timeline(), plan) == {"contacts used": 0, "contacts missed": 1} | dict.fromkeys(
        ("transfers done", "transfers resumed", "transfers given up", "goodput_bps"), 0
    )


def test_passes_count_by_station():
    plan = contact_plan(("ground", 0, 3, 0, 100), ("ground", 0, 4, 50, 150), ("ground", 1, 3, 0, 100))
    mission = timeline(
        Offer(1, 0, GROUND, 60),
        Sending(1, 0, GROUND, 60, 70, 50, "done", "awarua"),
        Offer(2, GROUND, 0, 70),
        Sending(2, GROUND, 0, 70, 80, 50, "done", "awarua"),
    )
    found = told(mission, plan, "ground")
    assert (found["contacts used"], found["contacts missed"]) == (1, 2)


@st.composite
def missions(draw: st.DrawFn) -> tuple[ContactPlan, Timeline]:
    """Windows of three pairs that do not overlap, each with at most one part of a transfer in it."""
    rows, happenings, under_way, number = [], list[Happening](), dict[tuple[int, int], int](), 0
    slots = draw(st.lists(st.sampled_from([(0, 1), (0, 2), (1, 2)]), max_size=12))
    for slot, pair in enumerate(slots):
        start_s = 80.0 * slot
        rows.append(("isl", *pair, start_s, start_s + 60))
        if not draw(st.booleans()):
            continue
        if pair not in under_way or draw(st.booleans()):
            number += 1
            under_way[pair] = number
            happenings.append(Offer(number, *pair, start_s))
        sent = draw(st.integers(1, 1000)), draw(st.integers(1, 1000))
        outcome: Outcome = "done" if draw(st.booleans()) else "cut"
        end_s = start_s + draw(st.floats(1, 60))
        if draw(st.booleans()):
            happenings.append(Exchange(under_way[pair], *pair, start_s, end_s, sent, outcome))
        else:
            happenings.append(Sending(under_way[pair], pair[1], pair[0], start_s, end_s, sent[0], outcome))
        if outcome == "done":
            del under_way[pair]
    return contact_plan(*rows), timeline(*happenings)


def parts_of(mission: Timeline) -> Iterator[tuple[int, tuple[int, int], float, float, int, str]]:
    for each in mission.happenings:
        if isinstance(each, Exchange):
            yield each.number, (each.a, each.b), each.start_s, each.end_s, max(each.sent_byte), each.outcome
        elif isinstance(each, Sending):
            ends = (min(each.sender, each.receiver), max(each.sender, each.receiver))
            yield each.number, ends, each.start_s, each.end_s, each.sent_byte, each.outcome


@settings(max_examples=150, deadline=None)
@given(missions())
def test_counts_are_those_of_brute_force(drawn: tuple[ContactPlan, Timeline]):
    plan, mission = drawn
    parts = list(parts_of(mission))
    begun = {each.number for each in mission.happenings if isinstance(each, Offer)}
    done = {number for number, *_, outcome in parts if outcome == "done"}
    used = sum(
        any(
            (plan.nodes[a], plan.nodes[b]) == (contact.a, contact.b) and contact.start_s <= start_s < contact.end_s
            for _, (a, b), start_s, *_ in parts
        )
        for contact in plan
    )
    on_link_s = sum(end_s - start_s for _, _, start_s, end_s, *_ in parts)
    through_byte = UPDATE_BYTE * len(done)
    assert told(mission, plan) == {
        "contacts used": used,
        "contacts missed": len(plan) - used,
        "transfers done": len(done),
        "transfers resumed": sum([each for each, *_ in parts].count(number) > 1 for number in done),
        "transfers given up": len(begun - done),
        "goodput_bps": pytest.approx(8 * through_byte / on_link_s if on_link_s else 0),
    }


@settings(max_examples=60, deadline=None)
@given(missions(), st.lists(st.floats(1, 200), min_size=1, max_size=6))
def test_what_is_spent_at_an_evaluation_is_counted_to_that_moment(
    drawn: tuple[ContactPlan, Timeline], spells_s: list[float]
):
    """Bytes of the parts that have ended; joules of a steady draw, to the part of a spell."""
    _, mission = drawn
    ends_s = [sum(spells_s[: count + 1]) for count in range(len(spells_s))]
    energy = [
        Spell(1, Activity.STANDBY, end_s - span_s, end_s, 5.0 * span_s, 0, 0, 1, 290)
        for end_s, span_s in zip(ends_s, spells_s, strict=True)
    ]
    at_s = [0.0, 0.4 * ends_s[-1], ends_s[-1]]
    evaluated = timeline(*mission.happenings, *map(Evaluation, at_s), energy=energy)
    found = {(t_s, node, kind): value for t_s, node, kind, value in spent(evaluated, NAMES)}
    assert len(found) == 2 * len(NAMES) * len(set(at_s))
    for t_s in at_s:
        for number, name in enumerate(NAMES):
            byte = sum(
                sum(size for node, size in zip((x.a, x.b), x.sent_byte, strict=True) if node == number)
                if isinstance(x, Exchange)
                else x.sent_byte * (x.sender == number)
                for x in mission.happenings
                if isinstance(x, Exchange | Sending) and x.end_s <= t_s
            )
            assert found[t_s, name, "sent_byte"] == byte
            assert found[t_s, name, "consumed_j"] == pytest.approx(5.0 * t_s if number == 1 else 0.0)
