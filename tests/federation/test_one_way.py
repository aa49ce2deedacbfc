"""Twelve satellites in two rings of six, a third of whose contacts carry one way only: who agrees on the true mean?

The expected orders of magnitude were computed beforehand in float64; here models are float32.
"""

import numpy as np
import pytest

from orbitfl.errors import ScenarioError
from orbitfl.federation.compressors import Float16, Int8
from orbitfl.federation.rules import Letter
from orbitfl.federation.strategies import Gossip, Member, Neighbourhood, PushSum
from orbitfl.federation.weights import consensus_distance, line, norm

N, SIZE, TICKS = 12, 20, 400


def contacts():
    """(sender, receiver, whether the way back is open), a few per tick: within both rings, and one across."""
    rng = np.random.default_rng(11)
    for _ in range(TICKS):
        ring, place = rng.integers(2), rng.integers(6)
        first = 6 * ring + place
        second = 6 * ring + (place + 1) % 6 if rng.random() < 0.8 else (first + 6) % N
        yield int(first), int(second), bool(rng.random() >= 0.35)


def launched() -> list[np.ndarray]:
    return list(np.random.default_rng(4).normal(1, 3, (N, SIZE)).astype(np.float32))


def push_members(strategy):
    return [strategy.trained(strategy.start(SIZE), model) for model in launched()]


def judged(members):
    """How far satellites are apart, and from the true mean, as parts of its length."""
    models = [each.model for each in members]
    true = np.array(launched(), dtype=np.float64).mean(axis=0)
    return consensus_distance(models) / norm(true), max(norm(model - true) for model in models) / norm(true)


def mass(members) -> float:
    return float(sum(each.memory["mass"][0] for each in members))


def test_receivers_that_average_alone_agree_on_the_wrong_model(toys):
    members = [Member(model, {}) for model in launched()]
    for first, second, both in contacts():
        if both:
            members[first], members[second] = toys.exchange(Gossip(), members[first], members[second])
        else:
            letter = toys.letter(*members[first].model)
            members[second] = Neighbourhood().merge(members[second], [letter], 1, line(SIZE))
    apart, wrong = judged(members)
    assert apart < 0.02
    assert wrong > 0.1


@pytest.mark.parametrize("compressor", [None, Float16(), Int8()], ids=["exact", "fp16", "int8"])
def test_pairs_that_both_merge_or_neither_agree_on_the_mean(toys, compressor):
    members = [Member(model, {}) for model in launched()]
    for first, second, both in contacts():
        if both:
            read = toys.through(compressor) if compressor else dict
            members[first], members[second] = toys.exchange(Gossip(), members[first], members[second], read)
    np.testing.assert_allclose(np.sum([each.model for each in members], axis=0), np.sum(launched(), axis=0), atol=1e-4)
    assert max(judged(members)) < 0.03


def test_push_sum_keeps_its_mass_and_agrees_on_the_mean(toys):
    strategy = PushSum()
    members = push_members(strategy)
    for first, second, both in contacts():
        members[first], members[second] = toys.hand_over(strategy, members[first], members[second])
        if both:
            members[second], members[first] = toys.hand_over(strategy, members[second], members[first])
    assert mass(members) == pytest.approx(N, rel=1e-12)
    np.testing.assert_allclose(sum(each.memory["sum"] for each in members), np.sum(launched(), axis=0), atol=1e-4)
    assert max(judged(members)) < 0.03


@pytest.mark.parametrize(("acknowledged", "kept"), [(True, True), (False, False)])
def test_push_sum_over_a_lossy_link_needs_acknowledgement(toys, acknowledged, kept):
    strategy, rng = PushSum(least_mass=1e-9), np.random.default_rng(8)
    members = push_members(strategy)
    for _ in range(3):
        for first, second, _both in contacts():
            arrived = rng.random() >= 0.1
            gone, received = toys.hand_over(strategy, members[first], members[second])
            if arrived or not acknowledged:
                members[first] = gone
            if arrived:
                members[second] = received
    assert (mass(members) == pytest.approx(N, rel=1e-9)) == kept
    assert (mass(members) < 1) == (not kept)
    assert (judged(members)[1] < 0.01) == kept


def test_rounding_on_the_link_loses_no_mass(toys):
    strategy = PushSum()
    members = push_members(strategy)
    read = toys.through(Int8())
    for first, second, _ in contacts():
        offered = strategy.offer(members[first])
        heard = {"model": read({"model": offered["model"]})["model"], "mass": offered["mass"]}
        members[first] = strategy.sent(members[first], heard)
        members[second] = strategy.merge(members[second], [letter_of(heard)], 1, line(SIZE))
    np.testing.assert_allclose(sum(each.memory["sum"] for each in members), np.sum(launched(), axis=0), atol=1e-4)


def letter_of(parts):
    return Letter(0, 0, 0.0, 1, parts)


def test_a_session_between_offer_and_acknowledgement_is_kept(toys):
    strategy = PushSum()
    giver = strategy.trained(strategy.start(1), toys.numbers(4))
    offered = strategy.offer(giver)
    taker = strategy.merge(strategy.start(1), [letter_of(offered)], 1, line(1))
    later = strategy.sent(strategy.trained(giver, toys.numbers(6)), offered)
    assert taker.memory["sum"] + later.memory["sum"] == 6
    assert taker.memory["mass"] + later.memory["mass"] == 2
    assert later.model[0] == 4 / 0.5


def test_nobody_gives_all_mass_away(toys):
    strategy = PushSum(least_mass=0.25)
    own = strategy.trained(strategy.start(1), toys.numbers(8))
    for _ in range(20):
        own, _ = toys.hand_over(strategy, own, strategy.start(1))
    assert own.memory["mass"][0] == pytest.approx(0.25)
    assert own.model[0] == pytest.approx(8)
    with pytest.raises(ScenarioError, match="least_mass is 0"):
        PushSum(least_mass=0)


def test_what_is_under_way_to_one_is_not_promised_to_another():
    """Three messages are written before the first is acknowledged, as when windows cut two of them."""
    strategy = PushSum()
    own, under_way = strategy.start(SIZE), []
    for _ in range(3):
        under_way.append(strategy.offer(own, under_way))
    for parts in under_way:
        own = strategy.sent(own, parts)
    given = sum(float(parts["mass"][0]) for parts in under_way)
    assert own.memory["mass"][0] == pytest.approx(1 - given) and given <= 0.9
