"""The event queue against timelines worked out by hand, in a world of unlimited power."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from math import inf
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.contacts.plan import ContactPlan, columns_of
from orbitfl.environment.base import PRIORITIES, Activity, Reason, Spell, Vitals
from orbitfl.simulation.engine import simulate
from orbitfl.simulation.rules import Agenda, Meetings, Rules, Wire
from orbitfl.simulation.timeline import (
    Aggregation,
    Consensus,
    Digest,
    Downlink,
    Evaluation,
    Exchange,
    Inference,
    Observation,
    Offer,
    Refusal,
    Sending,
    Session,
    Timeline,
)

EPOCH = datetime(2018, 5, 18, tzinfo=UTC)
RULES = Rules(
    duration_s=1000.0,
    session_steps=5,
    session_every_s=100.0,
    step_s=2.0,
    retry_s=50.0,
    train_w=30.0,
    exchange_w=10.0,
    inference_w=12.0,
    downlink_w=8.0,
    standby_w=5.0,
    wire=Wire(update_byte=1_000_000),
    meetings=Meetings(every_s=300.0),
    evaluate_every_s=400.0,
)


class Mains:
    """Power without end; `training` is refused before `awake_s`."""

    def __init__(self, n: int, awake_s: float = 0.0) -> None:
        self.now_s, self.awake_s = [0.0] * n, awake_s

    def advance(self, node: int, until_s: float, activity: Activity, power_w: float) -> Spell:
        start_s = self.now_s[node]
        assert until_s >= start_s, "a satellite's clock was asked to go back"
        self.now_s[node] = until_s
        return Spell(node, activity, start_s, until_s, power_w * (until_s - start_s), 0.0, 0.0, 1.0, 290.0)

    def allows(self, node: int, activity: Activity) -> Reason | None:
        asleep = activity is Activity.TRAINING and self.now_s[node] < self.awake_s
        return Reason.LOW_CHARGE if asleep else None

    def vitals(self, node: int) -> Vitals:
        return Vitals(1.0, 290.0, False)


class Moody(Mains):
    """Refuses each thing by chance, the same in every run of equal `refused`."""

    def __init__(self, n: int, refused: float) -> None:
        super().__init__(n)
        self.refused, self.dice = refused, Random(0)

    def allows(self, node: int, activity: Activity) -> Reason | None:
        return Reason.LOW_CHARGE if self.dice.random() < self.refused else None


def plan(*windows: tuple[int, int, float, float], rate_bps: float = 1e6, nodes: int = 4) -> ContactPlan:
    rows = [("isl", *window, False, 0.0, 0.0, rate_bps, rate_bps * (window[3] - window[2])) for window in windows]
    return ContactPlan(EPOCH, RULES.duration_s, tuple(f"sat-{i}" for i in range(nodes)), columns_of(rows))


Kind = TypeVar(
    "Kind", Session, Offer, Exchange, Sending, Digest, Consensus, Aggregation, Evaluation, Inference, Downlink
)


def happened(kind: type[Kind], contact_plan: ContactPlan, rules: Rules = RULES, awake_s: float = 0.0) -> list[Kind]:
    names = contact_plan.nodes
    timeline = simulate(rules, contact_plan, Mains(len(names), awake_s), names)
    return [each for each in timeline.happenings if isinstance(each, kind)]


def test_sessions_follow_their_beat():
    sessions = happened(Session, plan(nodes=1))
    assert [(each.start_s, each.end_s, each.steps) for each in sessions] == [
        (100.0 * i, 100.0 * i + 10, 5) for i in range(10)
    ]


def test_last_session_keeps_only_whole_steps():
    sessions = happened(Session, plan(nodes=1), replace(RULES, duration_s=905.0))
    assert sessions[-1] == Session(0, 900.0, 905.0, 2)


def test_exchange_waits_for_the_interval_then_takes_bytes_over_rate():
    exchanges = happened(Exchange, plan((0, 1, 0.0, 1000.0), nodes=2))
    assert exchanges[0] == Exchange(0, 0, 1, 300.0, 308.0, (1_000_000, 1_000_000), "done")
    assert [each.start_s for each in exchanges] == [300.0, 600.0, 900.0]


def test_windows_of_a_pair_that_overlap_are_not_used_twice():
    exchanges = happened(Exchange, plan((0, 1, 0.0, 1000.0), (0, 1, 100.0, 900.0), nodes=2))
    assert [each.start_s for each in exchanges] == [300.0, 600.0, 900.0]


class Silent(Mains):
    """Satellite 0 may not exchange before 220 s."""

    def allows(self, node: int, activity: Activity) -> Reason | None:
        silent = node == 0 and activity is Activity.EXCHANGE and self.now_s[node] < 220
        return Reason.LOW_CHARGE if silent else None


def test_an_exchange_that_is_refused_frees_nobody_who_is_booked_on_from_it():
    """Of 0 and 1 from 210 s to 218 s, of 1 and 2 from then on; in between 1 would begin another session."""
    rules = replace(RULES, session_every_s=10.0, meetings=Meetings(every_s=200.0))
    contact_plan = plan((0, 1, 205.0, 1000.0), (1, 2, 206.0, 1000.0))
    timeline = simulate(rules, contact_plan, Silent(4), contact_plan.nodes)
    first = next(each for each in timeline.happenings if isinstance(each, Exchange))
    assert (first.a, first.b, first.start_s, first.end_s) == (1, 2, 218.0, 226.0)
    sessions = [each for each in timeline.happenings if isinstance(each, Session) and 200 <= each.start_s < 230]
    assert [each.start_s for each in sessions if each.node == 0] == [200, 210, 220]
    assert [each.start_s for each in sessions if each.node == 1] == [200, 226]


def test_session_waits_for_an_exchange_and_an_exchange_for_a_session():
    contact_plan = plan((0, 1, 205.0, 1000.0), nodes=2)
    rules = replace(RULES, meetings=Meetings(every_s=200.0))
    assert happened(Exchange, contact_plan, rules)[0].start_s == 210.0
    assert [each.start_s for each in happened(Session, contact_plan, rules) if each.node == 0][2:5] == [
        200,
        300,
        400,
    ]


def test_exchange_comes_at_the_window_when_the_interval_has_passed():
    assert [each.start_s for each in happened(Exchange, plan((0, 1, 450.0, 460.0), nodes=2))] == [450.0]


def test_transfer_that_outlives_its_window_is_cut():
    (cut,) = happened(Exchange, plan((0, 1, 450.0, 457.9), nodes=2))
    assert cut == Exchange(0, 0, 1, 450.0, 457.9, (987_500, 987_500), "cut")
    assert happened(Exchange, plan((0, 1, 450.0, 458.0), nodes=2))[0].outcome == "done"


TWO_WINDOWS = ((0, 1, 450.0, 455.0), (0, 1, 510.0, 600.0))


def test_the_next_contact_goes_on_with_the_whole_chunks_of_the_last():
    first, second = happened(Exchange, plan(*TWO_WINDOWS, nodes=2))
    left_byte = 1_000_000 - 625_000 // 65_536 * 65_536
    assert (first.number, first.outcome) == (second.number, "cut")
    assert second == Exchange(0, 0, 1, 510.0, 510.0 + 8e-6 * left_byte, (left_byte, left_byte), "done")


def test_every_contact_opens_with_the_preamble():
    rules = replace(RULES, wire=Wire(update_byte=1_000_000, preamble_byte=1000))
    first, second = happened(Exchange, plan(*TWO_WINDOWS, nodes=2), rules)
    left_byte = 1_000_000 - 624_000 // 65_536 * 65_536 + 1000
    assert first.sent_byte == (625_000, 625_000) and second.sent_byte == (left_byte, left_byte)


@pytest.mark.parametrize("wire", [Wire(1_000_000, resumes=False), Wire(1_000_000, keep_s=50.0)])
def test_what_may_not_be_gone_on_with_begins_anew(wire: Wire):
    exchanges = happened(Exchange, plan(*TWO_WINDOWS, nodes=2), replace(RULES, wire=wire))
    assert [(each.start_s, each.end_s, each.outcome) for each in exchanges] == [
        (450.0, 455.0, "cut"),
        (510.0, 518.0, "done"),
    ]
    assert exchanges[0].number < exchanges[1].number


def test_a_message_is_written_once_and_by_both():
    offers = happened(Offer, plan(*TWO_WINDOWS, nodes=2))
    assert offers == [Offer(0, 0, 1, 450.0), Offer(0, 1, 0, 450.0)]


def test_lost_chunks_are_sent_again():
    """On average a transfer takes 1/(1 - loss) times the chunks."""
    rules = replace(RULES, wire=Wire(1_000_000, chunk_byte=10_000, loss=0.2), meetings=Meetings(every_s=20.0))
    lasted = [each.end_s - each.start_s for each in happened(Exchange, plan((0, 1, 0.0, 1000.0), nodes=2), rules)]
    # Both directions have to be through, so the slower of two negative binomials counts: about 26 of 100 chunks.
    assert len(lasted) > 30 and 9.8 < sum(lasted) / len(lasted) < 10.8
    assert min(lasted) > 8.0 and len(set(lasted)) > 5


def test_chunks_that_got_through_before_a_cut_stay_there():
    """Whatever is lost on the way, no more arrives than was sent, and the parts of a transfer add up."""
    windows = [(0, 1, 20.0 * i, 20.0 * i + 3.0) for i in range(1, 49)]
    rules = replace(RULES, wire=Wire(1_000_000, chunk_byte=10_000, loss=0.3), meetings=Meetings(every_s=10.0))
    parts = happened(Exchange, plan(*windows, nodes=2), rules)
    done = [each.number for each in parts if each.outcome == "done"]
    assert len(done) > 5 and done == sorted(set(done))
    for number in done:
        sent_byte = sum(each.sent_byte[0] for each in parts if each.number == number)
        assert 1_000_000 <= sent_byte < 2_500_000


def test_one_terminal_serves_one_peer_at_a_time():
    exchanges = happened(Exchange, plan((0, 1, 450.0, 480.0), (0, 2, 450.0, 480.0), (1, 2, 450.0, 480.0)))
    assert [(each.a, each.b, each.start_s) for each in exchanges] == [
        (0, 1, 450.0),
        (0, 2, 458.0),
        (1, 2, 466.0),
    ]


def test_strategy_that_never_meets_sends_nothing():
    assert not happened(Exchange, plan((0, 1, 0.0, 1000.0)), replace(RULES, meetings=None))


def test_refusal_is_recorded_and_tried_again_after_the_pause():
    names = ("sat-0",)
    timeline = simulate(RULES, plan(nodes=1), Mains(1, awake_s=120.0), names)
    assert timeline.refusals == tuple(Refusal(0, at_s, "training", "low charge") for at_s in (0.0, 50.0, 100.0))
    assert next(each for each in timeline.happenings if isinstance(each, Session)).start_s == 150.0


def test_evaluations_stand_at_start_every_interval_and_end():
    assert [each.at_s for each in happened(Evaluation, plan(nodes=1))] == [0.0, 400.0, 800.0, 1000.0]


def test_every_second_of_every_satellite_is_accounted_for():
    contact_plan = plan((0, 1, 0.0, 1000.0), (1, 2, 200.0, 700.0))
    timeline = simulate(RULES, contact_plan, Mains(4), contact_plan.nodes)
    for node in range(4):
        spells = [spell for spell in timeline.energy if spell.node == node]
        assert spells[0].start_s == 0 and spells[-1].end_s == RULES.duration_s
        assert all(before.end_s == after.start_s for before, after in pairwise(spells))


WINDOWS = st.lists(
    st.tuples(
        st.sampled_from([(0, 1), (0, 2), (1, 2), (2, 3), (0, 3)]),
        st.floats(0, 990),
        st.floats(0.1, 400),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(WINDOWS, st.floats(20, 400), st.floats(5, 300), st.sampled_from([0.0, 0.3]))
def test_whatever_the_windows(windows, exchange_every_s, session_every_s, refused):
    """No satellite does two things at once, every exchange lies in a window, and a run repeats itself."""
    contact_plan = plan(*((*pair, start_s, min(start_s + long_s, 1000.0)) for pair, start_s, long_s in windows))
    rules = replace(RULES, meetings=Meetings(every_s=exchange_every_s), session_every_s=session_every_s)
    timeline = simulate(rules, contact_plan, Moody(4, refused), contact_plan.nodes)
    assert timeline == simulate(rules, contact_plan, Moody(4, refused), contact_plan.nodes)
    busy: dict[int, list[tuple[float, float]]] = {node: [] for node in range(4)}
    for each in timeline.happenings:
        match each:
            case Session(node, start_s, end_s, steps):
                busy[node].append((start_s, end_s))
                assert steps * rules.step_s <= end_s - start_s + 1e-6
            case Exchange(_, a, b, start_s, end_s, sent_byte):
                busy[a].append((start_s, end_s))
                busy[b].append((start_s, end_s))
                opened = contact_plan.between(f"sat-{a}", f"sat-{b}").table
                assert ((opened["start_s"] <= start_s) & (end_s <= opened["end_s"])).any()
                assert sent_byte[0] == pytest.approx((end_s - start_s) * 1e6 / 8, abs=1)
    for spells in busy.values():
        ordered = sorted(spells)
        assert all(before[1] <= after[0] + 1e-9 for before, after in pairwise(ordered))


def ground_plan(*windows: tuple[int, str, float, float], rate_bps: float = 1e6, nodes: int = 2) -> ContactPlan:
    """Passes of satellites over the stations a and b, and one long link between the first two satellites."""
    names = (*(f"sat-{i}" for i in range(nodes)), "a", "b")
    rows = [
        ("ground", node, names.index(station), start_s, end_s, False, 0.0, 0.0, rate_bps, 0.0)
        for node, station, start_s, end_s in windows
    ]
    return ContactPlan(EPOCH, RULES.duration_s, names, columns_of(rows), satellites=nodes)


def mapped(
    contact_plan: ContactPlan, *seen: Observation, rules: Rules = RULES, environment: Mains | None = None
) -> Timeline:
    names = contact_plan.satellite_names
    agenda = Agenda(learns_from_s=(0.0,) * len(names), observations=seen)
    return simulate(rules, contact_plan, environment or Mains(len(names)), names, agenda)


def chosen(kind: type[Kind], timeline: Timeline) -> list[Kind]:
    return [each for each in timeline.happenings if isinstance(each, kind)]


def downlinks(timeline: Timeline) -> list[tuple[int, int, str, float, float, int, str]]:
    return [
        (each.observation, each.node, each.contact.b, each.start_s, each.end_s, each.sent_byte, each.outcome)
        for each in chosen(Downlink, timeline)
    ]


IMAGE = Observation(node=0, at_s=205.0, processing_s=12.0, size_byte=1_000_000)


def test_an_image_of_what_cannot_wait_cuts_training_short():
    timeline = mapped(ground_plan(), IMAGE)
    sessions = [(each.start_s, each.end_s, each.steps) for each in chosen(Session, timeline) if each.node == 0]
    assert sessions[2:5] == [(200.0, 205.0, 2), (300.0, 310.0, 5), (400.0, 410.0, 5)]
    assert chosen(Inference, timeline) == [Inference(0, 0, 205.0, 217.0)]


def test_training_does_not_begin_for_less_than_a_step():
    timeline = mapped(ground_plan(), replace(IMAGE, at_s=201.5))
    starts = [each.start_s for each in chosen(Session, timeline) if each.node == 0]
    assert starts[2:4] == [213.5, 313.5]


def test_training_comes_first_where_the_scenario_says_so():
    order = (Activity.TRAINING, Activity.EXCHANGE, Activity.DOWNLINK, Activity.INFERENCE)
    timeline = mapped(ground_plan(), IMAGE, rules=replace(RULES, priorities=order))
    assert [each.steps for each in chosen(Session, timeline) if each.node == 0] == [5] * 10
    assert chosen(Inference, timeline)[0].start_s == 210.0


def test_a_map_goes_down_in_the_next_pass_and_what_is_left_in_the_one_after():
    timeline = mapped(ground_plan((0, "a", 100.0, 220.0), (1, "a", 230.0, 400.0), (0, "b", 305.0, 900.0)), IMAGE)
    assert downlinks(timeline) == [
        (0, 0, "a", 217.0, 220.0, 375_000, "cut"),
        (0, 0, "b", 305.0, 310.0, 625_000, "done"),
    ]


def test_the_bent_pipe_sends_the_image_as_it_is():
    timeline = mapped(ground_plan((0, "a", 100.0, 900.0)), replace(IMAGE, processing_s=0.0))
    assert not chosen(Inference, timeline)
    assert downlinks(timeline) == [(0, 0, "a", 205.0, 213.0, 1_000_000, "done")]


def test_products_of_one_satellite_go_down_one_after_the_other():
    images = [replace(IMAGE, at_s=at_s, processing_s=0.0) for at_s in (205.0, 206.0)]
    parts = chosen(Downlink, mapped(ground_plan((0, "a", 100.0, 900.0)), *images))
    assert [(each.observation, each.start_s, each.end_s) for each in parts] == [(0, 205.0, 213.0), (1, 213.0, 221.0)]


def test_what_no_pass_follows_stays_onboard():
    timeline = mapped(ground_plan((0, "a", 100.0, 200.0)), IMAGE)
    assert chosen(Inference, timeline) and not chosen(Downlink, timeline)


def test_what_the_mission_ends_before_is_not_mapped():
    timeline = mapped(ground_plan(), replace(IMAGE, at_s=990.0))
    assert not chosen(Inference, timeline)


def test_an_exchange_makes_way_for_an_image():
    names = ("sat-0", "sat-1")
    rows = [("isl", 0, 1, 450.0, 480.0, False, 0.0, 0.0, 1e6, 0.0)]
    contact_plan = ContactPlan(EPOCH, RULES.duration_s, names, columns_of(rows), satellites=2)
    timeline = mapped(contact_plan, replace(IMAGE, node=1, at_s=455.0))
    assert chosen(Inference, timeline)[0].start_s == 455.0
    assert [(each.start_s, each.end_s) for each in chosen(Exchange, timeline)] == [(467.0, 475.0)]


def test_nobody_trains_before_there_is_data():
    contact_plan = plan(nodes=2)
    agenda = Agenda(learns_from_s=(333.0, float("inf")))
    timeline = simulate(RULES, contact_plan, Mains(2), contact_plan.nodes, agenda)
    assert [(each.node, each.start_s) for each in chosen(Session, timeline)][:2] == [(0, 333.0), (0, 433.0)]
    assert {each.node for each in chosen(Session, timeline)} == {0}


class Flat(Mains):
    """The battery of satellite 0 is empty for anything but standby from `flat_s` until `charged_s`."""

    def __init__(self, n: int, flat_s: float, charged_s: float) -> None:
        super().__init__(n)
        self.flat_s, self.charged_s = flat_s, charged_s

    def advance(self, node: int, until_s: float, activity: Activity, power_w: float) -> Spell:
        now_s = self.now_s[node]
        empties = node == 0 and activity is not Activity.STANDBY and now_s <= self.flat_s < until_s
        spell = super().advance(node, self.flat_s if empties else until_s, activity, power_w)
        return spell._replace(reason=Reason.EMPTY) if empties else spell

    def allows(self, node: int, activity: Activity) -> Reason | None:
        return Reason.LOW_CHARGE if node == 0 and self.flat_s <= self.now_s[node] < self.charged_s else None


def test_a_satellite_that_runs_empty_is_recorded_and_the_mission_goes_on():
    timeline = mapped(ground_plan(), IMAGE, environment=Flat(2, 208.0, 300.0))
    assert timeline.stops == (Refusal(0, 208.0, "inference", "battery empty"),)
    assert [each.at_s for each in timeline.refusals if each.activity == "inference"] == [258.0]
    assert chosen(Inference, timeline) == [Inference(0, 0, 308.0, 320.0)], "it begins anew"
    assert {each.node for each in chosen(Session, timeline) if each.start_s > 300} == {0, 1}


IMAGES = st.lists(
    st.tuples(st.integers(0, 3), st.floats(0, 990), st.floats(0.1, 60), st.integers(1, 3_000_000)), max_size=4
)
PASSES = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 990), st.floats(1, 200)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(WINDOWS, PASSES, IMAGES, st.permutations(PRIORITIES), st.sampled_from([0.0, 0.3]))
def test_whatever_is_seen(windows, passes, images, order, refused):
    """No satellite does two things at once, no byte comes down twice, and every part lies in a pass."""
    names = (*(f"sat-{i}" for i in range(4)), "a")
    rows = [("isl", *pair, at, min(at + s, 1000.0), False, 0.0, 0.0, 1e6, 0.0) for pair, at, s in windows]
    rows += [("ground", node, 4, at, min(at + s, 1000.0), False, 0.0, 0.0, 1e5, 0.0) for node, at, s in passes]
    contact_plan = ContactPlan(EPOCH, RULES.duration_s, names, columns_of(rows), satellites=4)
    seen = [Observation(*image) for image in images]
    timeline = mapped(contact_plan, *seen, rules=replace(RULES, priorities=tuple(order)), environment=Moody(5, refused))
    busy: dict[int, list[tuple[float, float]]] = {node: [] for node in range(4)}
    sent = [0] * len(seen)
    for each in timeline.happenings:
        match each:
            case Session(node, start_s, end_s) | Inference(_, node, start_s, end_s):
                busy[node].append((start_s, end_s))
            case Exchange(_, a, b, start_s, end_s):
                busy[a].append((start_s, end_s))
                busy[b].append((start_s, end_s))
            case Downlink(number, node, _, start_s, end_s, sent_byte, outcome):
                busy[node].append((start_s, end_s))
                sent[number] += sent_byte
                assert (outcome == "done") == (sent[number] == seen[number].size_byte)
                assert sent_byte <= (end_s - start_s) * 1e5 / 8 + 1
                opened = contact_plan.between(f"sat-{node}", "a").table
                assert ((opened["start_s"] <= start_s) & (end_s <= opened["end_s"])).any()
    assert all(part <= whole.size_byte for part, whole in zip(sent, seen, strict=True))
    for spells in busy.values():
        ordered = sorted(spells)
        assert all(before[1] <= after[0] + 1e-9 for before, after in pairwise(ordered))


def test_a_strategy_that_never_learns_trains_nobody():
    assert not happened(Session, plan(nodes=2), replace(RULES, session_every_s=None))


class Doomed(Mains):
    """Radiation has destroyed satellite 0 by `failed_s`."""

    def __init__(self, n: int, failed_s: float) -> None:
        super().__init__(n)
        self.failed_s = failed_s

    def advance(self, node: int, until_s: float, activity: Activity, power_w: float) -> Spell:
        spell = super().advance(node, until_s, activity, power_w)
        return spell._replace(reason=Reason.FAILED) if node == 0 and until_s > self.failed_s else spell

    def allows(self, node: int, activity: Activity) -> Reason | None:
        return Reason.FAILED if node == 0 and self.now_s[node] > self.failed_s else None


def test_a_destroyed_satellite_is_told_once_and_the_others_go_on():
    contact_plan = plan((0, 1, 0.0, 1000.0), (1, 2, 0.0, 1000.0), nodes=3)
    timeline = simulate(RULES, contact_plan, Doomed(3, 350.0), contact_plan.nodes)
    # Its exchange of second 300 puts off a session to 308, hence the next to 408.
    assert timeline.refusals == (Refusal(0, 408.0, "training", "failed"),)
    assert [each.reason for each in timeline.stops] == ["failed"]
    assert not [each for each in chosen(Session, timeline) if each.node == 0 and each.start_s > 350]
    assert [each.start_s > 350 for each in chosen(Exchange, timeline) if (each.a, each.b) == (1, 2)].count(True) == 2


def test_satellites_that_take_turns_send_one_way():
    rules = replace(RULES, meetings=Meetings(every_s=100.0, pattern="one_way"))
    sendings = happened(Sending, plan((0, 1, 0.0, 1000.0), nodes=2), rules)
    assert sendings[0] == Sending(0, 0, 1, 100.0, 108.0, 1_000_000, "done")
    assert [(each.sender, each.receiver) for each in sendings[:3]] == [(0, 1), (1, 0), (0, 1)]


def test_what_has_arrived_is_merged_together_before_the_next_session():
    rules = replace(RULES, meetings=Meetings(every_s=130.0, pattern="gather"))
    contact_plan = plan((0, 1, 130.0, 150.0), (0, 2, 130.0, 150.0), nodes=3)
    assert len(happened(Exchange, contact_plan, rules)) == 2
    assert happened(Digest, contact_plan, rules) == [Digest(node, 200.0) for node in range(3)]


def test_who_has_nothing_to_train_on_merges_what_arrives():
    contact_plan = plan((0, 1, 130.0, 150.0), nodes=2)
    rules = replace(RULES, meetings=Meetings(every_s=130.0, pattern="gather"))
    agenda = Agenda(learns_from_s=(0.0, float("inf")))
    timeline = simulate(rules, contact_plan, Mains(2), contact_plan.nodes, agenda)
    assert chosen(Digest, timeline) == [Digest(1, 138.0), Digest(0, 200.0)]


def test_messages_are_stored_carried_and_forwarded():
    """0 meets 1, then 1 meets 2, which never meets 0: its message goes along, once."""
    rules = replace(
        RULES, wire=Wire(1_000_000, relays=2), meetings=Meetings(every_s=100.0, pattern="gather"), duration_s=500.0
    )
    offers = happened(Offer, plan((0, 1, 110.0, 120.0), (1, 2, 130.0, 190.0), (1, 2, 240.0, 300.0), nodes=3), rules)
    assert [(each.sender, each.receiver, each.relayed) for each in offers] == [
        (0, 1, ()),
        (1, 0, ()),
        (1, 2, (0,)),
        (2, 1, ()),
        (1, 2, ()),
        (2, 1, ()),
    ]
    carried = happened(Exchange, plan((0, 1, 110.0, 120.0), (1, 2, 130.0, 190.0), nodes=3), rules)[1]
    assert carried.sent_byte == (2_000_000, 1_000_000) and carried.end_s - carried.start_s == 16.0


def test_what_was_written_after_a_relayed_message_is_relayed_next_time():
    """What 0 told 1 first goes to 2 in two pieces; between them 0 tells 1 something new."""
    rules = replace(
        RULES, wire=Wire(1_000_000, relays=2), meetings=Meetings(every_s=100.0, pattern="gather"), session_every_s=None
    )
    windows = ((0, 1, 110.0, 120.0), (1, 2, 130.0, 142.0), (0, 1, 220.0, 240.0), (1, 2, 260.0, 290.0))
    offers = happened(Offer, plan(*windows, (1, 2, 400.0, 450.0), nodes=3), rules)
    relayed = [(each.at_s, each.relayed) for each in offers if (each.sender, each.receiver) == (1, 2)]
    assert [each for _, each in relayed] == [(0,), (0,)] and relayed[1][0] >= 260.0


def test_a_cut_exchange_counts_no_more_than_either_side_had_to_send():
    """1 has a message of its own and one to relay for 2, in a window for one and a half of them."""
    rules = replace(
        RULES, wire=Wire(1_000_000, relays=2), meetings=Meetings(every_s=100.0, pattern="gather"), duration_s=500.0
    )
    cut = happened(Exchange, plan((0, 1, 110.0, 120.0), (1, 2, 130.0, 142.0), nodes=3), rules)[1]
    assert cut.outcome == "cut" and cut.sent_byte == (1_500_000, 1_000_000)


def test_ideal_links_need_no_window_and_serve_the_living():
    rules = replace(RULES, meetings=Meetings(every_s=250.0, pattern="ideal"), lost_at_s={1: 600.0})
    assert happened(Consensus, plan(nodes=3), rules) == [
        Consensus((0, 1, 2), 250.0),
        Consensus((0, 1, 2), 500.0),
        Consensus((0, 2), 750.0),
        Consensus((0, 2), 1000.0),
    ]


def test_a_meeting_at_the_very_end_is_part_of_what_is_scored():
    rules = replace(RULES, meetings=Meetings(every_s=250.0, pattern="ideal"))
    timeline = simulate(rules, plan(nodes=2), Mains(2), ("sat-0", "sat-1"))
    assert timeline.happenings[-2:] == (Consensus((0, 1), 1000.0), Evaluation(1000.0))


def test_nobody_meets_where_nobody_lives():
    rules = replace(RULES, meetings=Meetings(every_s=250.0, pattern="ideal"), lost_at_s={0: 300.0, 1: 0.0})
    assert happened(Consensus, plan(nodes=2), rules) == [Consensus((0,), 250.0)]


class Tired(Mains):
    """Refuses exchange."""

    def allows(self, node: int, activity: Activity) -> Reason | None:
        return Reason.LOW_CHARGE if activity is Activity.EXCHANGE else None


@pytest.mark.parametrize("lost_at_s", [{}, {1: 300.0}], ids=["refused", "peer lost"])
def test_who_was_booked_for_an_exchange_that_does_not_come_about_is_free(lost_at_s: dict[int, float]):
    contact_plan = plan((0, 1, 0.0, 1000.0), rate_bps=2e4, nodes=2)  # an exchange would take 400 s
    timeline = simulate(replace(RULES, lost_at_s=lost_at_s), contact_plan, Tired(2), contact_plan.nodes)
    assert not chosen(Exchange, timeline)
    assert [each.start_s for each in chosen(Session, timeline) if each.node == 0] == [100.0 * i for i in range(10)]
    refused_s = [each.at_s for each in timeline.refusals if each.node == 0]
    assert refused_s[:2] == ([] if lost_at_s else [300.0, 350.0])


def test_pairs_of_two_groups_meet_less_often():
    meetings = Meetings(every_s=100.0, across_every_s=400.0, group_of=(0, 0, 1, 1))
    rules = replace(RULES, meetings=meetings)
    exchanges = happened(Exchange, plan((0, 1, 0.0, 1000.0), (1, 2, 0.0, 1000.0)), rules)
    assert [each.start_s for each in exchanges if (each.a, each.b) == (1, 2)] == pytest.approx([408.0, 808.0], abs=20)
    assert len([each for each in exchanges if (each.a, each.b) == (0, 1)]) == 9


def test_slow_satellites_take_fewer_steps():
    sessions = happened(Session, plan(nodes=2), replace(RULES, slowdown={1: 12.0}))
    assert sum(each.steps for each in sessions if each.node == 0) == 50
    assert [(each.start_s, each.end_s) for each in sessions if each.node == 1][:2] == [(0.0, 120.0), (120.0, 240.0)]


def test_a_satellite_that_falls_silent_neither_learns_nor_talks():
    contact_plan = plan((0, 1, 0.0, 1000.0), nodes=2)
    timeline = simulate(replace(RULES, lost_at_s={1: 400.0}), contact_plan, Mains(2), contact_plan.nodes)
    assert max(each.start_s for each in chosen(Session, timeline) if each.node == 1) < 400
    assert [each.start_s for each in chosen(Exchange, timeline)] == [300.0]
    assert timeline.stops == (Refusal(1, 400.0, "standby", "failed"),)


@pytest.mark.parametrize("lost_s", [301.0, 304.0, 307.999])
def test_what_a_lost_satellite_is_doing_ends_with_it(lost_s: float):
    """The exchange of 300 to 308 s is cut; steps of ten seconds that were not over do not count."""
    contact_plan = plan((0, 1, 0.0, 1000.0), nodes=2)
    timeline = simulate(replace(RULES, lost_at_s={1: lost_s}), contact_plan, Mains(2), contact_plan.nodes)
    (exchange,) = chosen(Exchange, timeline)
    assert (exchange.start_s, exchange.end_s, exchange.outcome) == (300.0, lost_s, "cut")
    assert all(spell.end_s <= lost_s for spell in timeline.energy if spell.node == 1 and spell.activity != "standby")


def test_an_exchange_that_is_agreed_before_a_loss_does_not_begin_after_it():
    contact_plan = plan((0, 1, 0.0, 1000.0), nodes=2)
    whole = simulate(RULES, contact_plan, Mains(2), contact_plan.nodes)
    session = next(each for each in chosen(Session, whole) if each.node == 1 and each.end_s > 300)
    lost_s = (session.start_s + session.end_s) / 2
    timeline = simulate(replace(RULES, lost_at_s={1: lost_s}), contact_plan, Mains(2), contact_plan.nodes)
    assert all(each.start_s < lost_s for each in chosen(Exchange, timeline))
    assert sum(each.steps for each in chosen(Session, timeline) if each.node == 1 and each.end_s > lost_s) == 0


def test_planes_meet_no_more_often_than_any_pair():
    meetings = Meetings(every_s=100.0, across_every_s=1.0, group_of=(0, 1))
    exchanges = happened(Exchange, plan((0, 1, 0.0, 1000.0), nodes=2), replace(RULES, meetings=meetings))
    assert len(exchanges) > 5
    assert min(after.start_s - before.start_s for before, after in pairwise(exchanges)) >= 100


def through_the_ground(
    *windows: tuple[int, str, float, float],
    closes: int = 2,
    takes_late: bool = True,
    agenda: Agenda | None = None,
    **changes,
) -> Timeline:
    meetings = Meetings(
        every_s=50.0,
        pattern="ground",
        closes=lambda updates, satellites: updates >= closes,
        takes_late=takes_late,
    )
    rules = replace(RULES, meetings=meetings, **changes)
    contact_plan = ground_plan(*windows)
    return simulate(rules, contact_plan, Mains(2), contact_plan.satellite_names, agenda)


def test_satellites_hand_in_and_take_the_next_model_along():
    timeline = through_the_ground((0, "a", 110.0, 140.0), (1, "a", 150.0, 190.0), (0, "b", 310.0, 400.0))
    parts = [(each.sender, each.receiver, each.station, each.start_s, each.end_s) for each in chosen(Sending, timeline)]
    assert parts[:3] == [(0, 2, "a", 110.0, 118.0), (1, 2, "a", 150.0, 158.0), (2, 1, "a", 158.0, 166.0)]
    assert chosen(Aggregation, timeline) == [Aggregation(158.0)]
    # Satellite 0 has had no answer: only the newer model tells it what of its training the server lacks.
    assert parts[3:] == [(2, 0, "b", 310.0, 318.0), (0, 2, "b", 318.0, 326.0)]


def test_a_station_serves_one_satellite_at_a_time():
    timeline = through_the_ground((0, "a", 111.0, 140.0), (1, "a", 111.0, 190.0))
    assert [(each.sender, each.start_s) for each in chosen(Sending, timeline)][:2] == [(0, 111.0), (1, 119.0)]


def test_a_hand_in_goes_on_in_the_next_pass_with_what_it_began_with():
    timeline = through_the_ground((0, "a", 110.0, 114.0), (0, "b", 310.0, 400.0), closes=1)
    first, second = chosen(Sending, timeline)[:2]
    assert (first.outcome, second.outcome, first.number) == ("cut", "done", second.number)
    assert [(each.sender, each.at_s) for each in chosen(Offer, timeline)][:2] == [(0, 110.0), (2, second.end_s)]


@pytest.mark.parametrize("takes_late", [True, False])
def test_what_is_late_is_handed_in_or_dropped(takes_late: bool):
    """Satellite 1 closes a round alone; satellite 0 has trained, and meets the server for the first time after that."""
    windows = (1, "a", 110.0, 190.0), (0, "b", 310.0, 400.0), (0, "b", 410.0, 500.0)
    timeline = through_the_ground(*windows, closes=1, takes_late=takes_late)
    parts = [(each.sender, each.receiver, each.start_s) for each in chosen(Sending, timeline) if each.start_s > 300]
    if takes_late:
        assert parts[:2] == [(0, 2, 310.0), (2, 0, 318.0)]
    else:
        assert parts[:2] == [(2, 0, 310.0), (0, 2, 410.0)], "it hands in nothing but what it trains from then on"


@pytest.mark.parametrize("takes_late", [True, False])
def test_what_is_on_its_way_when_its_round_closes_counts_for_the_next_or_not_at_all(takes_late: bool):
    """Satellite 0 closes a round at 118 s; what satellite 1 began to hand in at 114 s arrives at 122 s."""
    windows = (0, "a", 110.0, 140.0), (1, "b", 114.0, 150.0)
    timeline = through_the_ground(*windows, closes=1, takes_late=takes_late)
    assert chosen(Aggregation, timeline) == [Aggregation(118.0), *([Aggregation(122.0)] if takes_late else [])]
    assert [each.start_s for each in chosen(Sending, timeline) if each.receiver == 1] == [122.0]


def test_a_half_sent_update_that_is_late_is_given_up():
    windows = (0, "a", 110.0, 114.0), (1, "a", 150.0, 190.0), (0, "b", 310.0, 400.0), (0, "b", 410.0, 500.0)
    timeline = through_the_ground(*windows, closes=1, takes_late=False)
    of_0 = [each for each in chosen(Sending, timeline) if 0 in (each.sender, each.receiver)]
    assert [(each.sender, each.outcome) for each in of_0[:3]] == [(0, "cut"), (2, "done"), (0, "done")]
    assert of_0[0].number != of_0[2].number


def test_a_model_is_fetched_only_once_it_is_made():
    """Satellite 1, which never trains, asks at another station while the update that makes the model is on its way."""
    windows, agenda = ((0, "a", 110.0, 140.0), (1, "b", 114.0, 200.0)), Agenda(learns_from_s=(0.0, inf))
    timeline = through_the_ground(*windows, closes=1, agenda=agenda)
    assert chosen(Aggregation, timeline) == [Aggregation(118.0)]
    assert [each.at_s for each in chosen(Offer, timeline) if each.receiver == 1] == [164.0]


def test_the_ground_waits_for_no_satellite_that_is_lost():
    timeline = through_the_ground((0, "a", 310.0, 340.0), (0, "b", 610.0, 640.0), closes=2, lost_at_s={1: 200.0})
    assert not chosen(Aggregation, timeline), "two updates are asked for, and one satellite lives"
    meetings = Meetings(every_s=50.0, pattern="ground")
    contact_plan = ground_plan((0, "a", 310.0, 340.0))
    rules = replace(RULES, meetings=meetings, lost_at_s={1: 200.0})
    alone = simulate(rules, contact_plan, Mains(2), contact_plan.satellite_names)
    assert chosen(Aggregation, alone) == [Aggregation(318.0)]
