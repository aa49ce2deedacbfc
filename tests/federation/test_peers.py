"""Averaging among equals against its closed form, with numbers small enough to do by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orbitfl.errors import ScenarioError
from orbitfl.federation.compressors import Float16, Int8
from orbitfl.federation.rules import Clipped, LDawa, Letter, Mean, SampleWeighted, StalenessWeighted, TrimmedMean
from orbitfl.federation.strategies import (
    STRATEGIES,
    Centralised,
    Frozen,
    Gossip,
    IdealGossip,
    Isolated,
    Member,
    Neighbourhood,
    TwoLevel,
)
from orbitfl.federation.weights import line

NUMBERS = arrays(np.float32, 6, elements=st.floats(-8, 8, width=32))
PAIRWISE = pytest.mark.parametrize("strategy", [Gossip(), TwoLevel()], ids=lambda each: each.kind)


@PAIRWISE
def test_exact_exchange_brings_both_to_the_mean(toys, strategy):
    for side in toys.exchange(strategy, toys.member(1, 2, -4), toys.member(3, 0, 4)):
        np.testing.assert_array_equal(side.model, [2, 1, 0])


@settings(max_examples=60, deadline=None)
@given(first=NUMBERS, second=NUMBERS, compressor=st.sampled_from([Float16(), Int8()]))
def test_rounding_on_the_link_changes_neither_the_sum_nor_opens_a_gap(toys, first, second, compressor):
    """What compression cuts off stays with its owner: the sum is kept, and the pair is as close as the bits allow."""
    one, other = toys.exchange(Gossip(), Member(first, {}), Member(second, {}), toys.through(compressor))
    np.testing.assert_allclose(one.model + other.model, first + second, atol=1e-5)
    gap = np.abs(one.model - other.model)
    assert np.all(gap <= (np.abs(first).max() + np.abs(second).max()) / 250 + 1e-6)


def moves(rule, first, second, samples=(1, 1)):
    """What the rule moves both sides of a pair by."""
    sides = ((first, second, *samples), (second, first, *samples[::-1]))
    return [
        rule.combine(own, [Letter(0, 0, 500.0, theirs, {"model": peer})], ours, line(own.size)).astype(float) - own
        for own, peer, ours, theirs in sides
    ]


@settings(max_examples=60, deadline=None)
@given(NUMBERS, NUMBERS, st.sampled_from([Mean(), StalenessWeighted(), LDawa()]))
def test_rules_that_say_so_keep_the_sum_of_a_pair(first, second, rule):
    assert rule.conserves
    np.testing.assert_allclose(np.sum(moves(rule, first, second), axis=0), 0, atol=1e-5)


@pytest.mark.parametrize("rule", [SampleWeighted(), LDawa(normalise=False), Clipped()], ids=lambda each: each.kind)
def test_rules_that_deny_it_do_not(toys, rule):
    assert not rule.conserves
    assert not Gossip(rule=rule).conserves
    moved = moves(rule, toys.numbers(4, 0), toys.numbers(1, 9), samples=(1, 3))
    assert np.abs(np.sum(moved, axis=0)).max() > 0.5


@PAIRWISE
def test_steps_taken_while_an_exchange_ran_are_kept_once(toys, strategy):
    own = strategy.trained(toys.member(2), toys.numbers(2.5))
    merged = strategy.merge(own, [toys.letter(4, sent={"model": toys.numbers(2)})], 1, line(1))
    assert merged.model[0] == 3.5


def test_ring_of_pairwise_exchanges_reaches_the_mean_of_all(toys):
    models = [toys.member(number) for number in (8, 0, 4, -4)]
    for round_ in range(40):
        i, j = round_ % 4, (round_ + 1) % 4
        models[i], models[j] = toys.exchange(Gossip(), models[i], models[j], toys.through(Float16()))
    np.testing.assert_allclose([each.model[0] for each in models], 2, atol=1e-3)


def test_neighbourhood_takes_all_letters_at_once(toys):
    letters = [toys.letter(6, sender=1), toys.letter(-3, sender=2)]
    assert Neighbourhood().merge(toys.member(3), letters, 1, line(1)).model[0] == 2


def test_ideal_gossip_brings_all_to_the_mean_of_all(toys):
    numbers = [8.0, 0.0, 4.0, -4.0]
    for own in numbers:
        letters = [toys.letter(other) for other in numbers if other != own]
        assert IdealGossip().merge(toys.member(own), letters, 1, line(1)).model[0] == 2


@pytest.mark.parametrize("kind", STRATEGIES)
def test_verbs_that_all_strategies_share(toys, kind):
    strategy = STRATEGIES[kind]()
    start = strategy.start(3)
    np.testing.assert_array_equal(start.model, np.zeros(3))
    assert start.model.dtype == np.float32
    assert strategy.kind == kind
    assert tuple(strategy.offer(start)) == strategy.parts
    np.testing.assert_array_equal(strategy.trained(start, toys.numbers(1, 2, 3)).model, [1, 2, 3])
    assert strategy.merge(start, [], 1, line(3)) is start


def test_controls_keep_their_own_weights(toys):
    for strategy in (Isolated(), Centralised(), Frozen()):
        own = toys.member(1)
        assert strategy.pattern == "apart"
        assert strategy.merge(own, [toys.letter(3)], 1, line(1)) is own
    assert (Frozen.learns, Isolated.learns, Centralised.pools_data) == (False, True, True)


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(ScenarioError, match="needs 3 models"):
        Gossip(rule=TrimmedMean())
    with pytest.raises(ScenarioError, match="needs 5 models"):
        TwoLevel(rule=TrimmedMean(trim=2))
    with pytest.raises(ScenarioError, match="across_every_s is 0"):
        TwoLevel(across_every_s=0)
    assert Neighbourhood(rule=TrimmedMean()).rule.least_members == 3
