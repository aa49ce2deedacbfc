"""Rules against NumPy's own averages, and against a hostile neighbour."""

from itertools import product
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import trim_mean

from orbitfl.errors import ScenarioError
from orbitfl.federation.rules import (
    AnyRule,
    Clipped,
    LDawa,
    Letter,
    Mean,
    SampleWeighted,
    StalenessWeighted,
    TrimmedMean,
)
from orbitfl.federation.strategies import Gossip, Neighbourhood
from orbitfl.federation.weights import Layout, line, mean, norm

RULES = get_args(get_args(AnyRule)[0])

MODELS = st.integers(1, 6).flatmap(lambda n: arrays(np.float32, (n, 5), elements=st.floats(-8, 8, width=32)))


def letters(models, samples=None, ages=None):
    return [
        Letter(n, 0, ages[n] if ages else 0.0, samples[n] if samples else 1, {"model": model})
        for n, model in enumerate(models)
    ]


@settings(max_examples=60, deadline=None)
@given(MODELS)
def test_mean_is_the_mean(models):
    merged = Mean().combine(models[0], letters(models[1:]), 1, line(5))
    np.testing.assert_allclose(merged, models.mean(axis=0, dtype=float), atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(MODELS, st.data())
def test_sample_weighted_is_numpys_average(models, data):
    samples = data.draw(st.lists(st.integers(0, 50), min_size=len(models), max_size=len(models)))
    merged = SampleWeighted().combine(models[0], letters(models[1:], samples[1:]), samples[0], line(5))
    weights = samples if sum(samples) else None
    np.testing.assert_allclose(merged, np.average(models, axis=0, weights=weights), atol=1e-5)


def test_stale_letters_move_less():
    rule = StalenessWeighted(scale_s=100, exponent=0.5)
    own, peer = np.zeros(1, np.float32), np.ones(1, np.float32)
    moved = [rule.combine(own, letters([peer], ages=[age]), 1, line(1))[0] for age in (0, 300, 9900)]
    np.testing.assert_allclose(moved, [1 / 2, 1 / 4, 1 / 20], rtol=1e-6)


def test_l_dawa_weighs_each_layer_by_its_cosine():
    layout = Layout((("same", (2,)), ("slanted", (2,)), ("opposed", (2,)), ("one", (1,)), ("untouched", (2,))))
    own = np.array([1, 0, 1, 0, 1, 0, 4, 0, 0], np.float32)
    peer = np.array([3, 0, 1, np.sqrt(3), -1, 0, -2, 2, 2], np.float32)
    merged = layout.named(LDawa().combine(own, letters([peer]), 1, layout))
    np.testing.assert_allclose(merged["same"], [2, 0], atol=1e-6)
    np.testing.assert_allclose(merged["slanted"], [1, 0.5 * np.sqrt(3) / 1.5], atol=1e-6)
    np.testing.assert_allclose(merged["opposed"], [1, 0], atol=1e-6)
    assert merged["one"][0] == 1
    np.testing.assert_array_equal(merged["untouched"], [1, 1])


def test_published_l_dawa_shrinks_where_models_disagree():
    """At a cosine of 0.7 between all, norms fall by a quarter of the plain mean's; normalised they do not."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=4000)
    models = [(np.sqrt(0.7) * common + np.sqrt(0.3) * rng.normal(size=4000)).astype(np.float32) for _ in range(9)]
    plain, published, ours = (
        norm(rule.combine(models[0], letters(models[1:]), 1, line(4000)))
        for rule in (Mean(), LDawa(normalise=False), LDawa())
    )
    assert 0.68 < published / plain < 0.8
    assert ours / plain == pytest.approx(1, abs=0.05)


@settings(max_examples=60, deadline=None)
@given(MODELS, st.integers(1, 2))
def test_trimmed_mean_is_scipys(models, trim):
    merged = TrimmedMean(trim=trim).combine(models[0], letters(models[1:]), 1, line(5))
    enough = len(models) >= TrimmedMean(trim=trim).least_members == 2 * trim + 1
    expected = trim_mean(models.astype(float), trim / len(models) + 1e-9, axis=0) if enough else models[0]
    np.testing.assert_allclose(merged, expected, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(MODELS, st.floats(0.01, 2))
def test_no_letter_moves_a_clipped_model_beyond_its_radius(models, factor):
    own, others = models[0], models[1:]
    merged = Clipped(factor=factor).combine(own, letters(others), 1, line(5))
    share = len(others) / (len(others) + 1)
    assert norm(merged - own) <= factor * norm(own) * share * (1 + 1e-5) + 1e-6


def test_clipping_leaves_near_letters_alone():
    own, near = np.array([4, 0], np.float32), np.array([4, 1], np.float32)
    np.testing.assert_allclose(Clipped().combine(own, letters([near]), 1, line(2)), [4, 0.5])


def test_letters_that_are_broken_or_point_away_count_as_ones_own():
    own = np.array([4, 0], np.float32)
    bad = [np.array(each, np.float32) for each in ([-1, 0], [np.nan, 0], [np.inf, 1], [0, 0])]
    np.testing.assert_array_equal(Clipped().combine(own, letters(bad), 1, line(2)), own)


def test_who_has_not_trained_takes_nothing_when_clipping():
    own = np.zeros(2, np.float32)
    np.testing.assert_array_equal(Clipped().combine(own, letters([np.ones(2, np.float32)]), 1, line(2)), own)


@pytest.mark.parametrize("rule", RULES)
def test_without_letters_nothing_moves_and_the_result_is_new(rule):
    own = np.array([1, 2], np.float32)
    merged = rule().combine(own, [], 1, line(2))
    np.testing.assert_array_equal(merged, own)
    assert merged.dtype == np.float32
    assert not np.shares_memory(merged, own)


@pytest.mark.parametrize("rule", RULES)
def test_what_is_merged_is_new_as_well(rule):
    """A strategy works on in it."""
    own, given = np.array([1, 2], np.float32), [np.array([1, 2], np.float32) for _ in range(2)]
    merged = rule().combine(own, letters(given), 1, line(2))
    assert not any(np.shares_memory(merged, each) for each in (own, *given))


N, SIZE, ROUNDS = 12, 50, 80
ATTACKS = {
    "sign flipped": lambda usual, rng: -usual,
    "sign flipped and tenfold": lambda usual, rng: -10 * usual,
    "a hundredfold": lambda usual, rng: 100 * usual,
    "noise": lambda usual, rng: rng.normal(size=SIZE),
    "loud noise": lambda usual, rng: 10 * rng.normal(size=SIZE),
}


def honest_error(strategy, attack, spread):
    """How far the honest mean ends from the honest optimum, as part of its length.

    Satellite 0 of a ring of twelve is hostile, or silent if `attack` is None; each other has an optimum of its own.
    """
    rng = np.random.default_rng(0)
    optima = (rng.normal(size=SIZE) + spread * rng.normal(size=(N, SIZE))).astype(np.float32)
    members = [strategy.start(SIZE) for _ in range(N)]
    for turn in range(ROUNDS):
        members = [
            strategy.trained(own, own.model + np.float32(0.2) * (best - own.model))
            for own, best in zip(members, optima, strict=True)
        ]
        told = [{"model": each.model} for each in members]
        told[0] = {"model": attack(optima[0], rng).astype(np.float32)} if attack else {}
        members = [strategy.merge(own, heard(strategy, told, n, turn), 1, line(SIZE)) for n, own in enumerate(members)]
    goal = optima[1:].mean(axis=0)
    return norm(mean([each.model for each in members[1:]]) - goal) / norm(goal)


def heard(strategy, told, n, turn):
    """Letters from both neighbours; of pairs, from one neighbour and then the other."""
    near = [(n + (1 if (n + turn) % 2 else -1)) % N] if strategy.pattern == "pairwise" else [(n - 1) % N, (n + 1) % N]
    sent = told[n] if strategy.pattern == "pairwise" else None
    return [Letter(j, 0, 0.0, 1, told[j], sent) for j in near if told[j] and sent != {}]


CLIPPING = (Neighbourhood(rule=Clipped()), Gossip(rule=Clipped()))


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("strategy", CLIPPING, ids=lambda each: each.kind)
@pytest.mark.parametrize("spread", [0.3, 1.0])
def test_one_hostile_neighbour_of_two_is_bounded_by_clipping(attack, strategy, spread):
    """The bound: a tenth of the optimum's length, against the run in which the hostile satellite is silent."""
    silent = honest_error(strategy, None, spread)
    assert silent < 0.1
    assert abs(honest_error(strategy, ATTACKS[attack], spread) - silent) < 0.1


def test_one_hostile_neighbour_of_two_breaks_the_plain_mean():
    for strategy, spread in product((Neighbourhood(), Gossip()), (0.3, 1.0)):
        silent = honest_error(strategy, None, spread)
        assert silent < 0.1
        for attack in ("sign flipped", "sign flipped and tenfold", "a hundredfold"):
            assert honest_error(strategy, ATTACKS[attack], spread) > silent + 0.2


def test_trimming_bounds_one_hostile_neighbour_of_two():
    for name, attack in ATTACKS.items():
        strategy = Neighbourhood(rule=TrimmedMean())
        assert abs(honest_error(strategy, attack, 0.3) - honest_error(strategy, None, 0.3)) < 0.1, name


@pytest.mark.parametrize(
    "make",
    [
        lambda: StalenessWeighted(scale_s=0),
        lambda: StalenessWeighted(exponent=-1),
        lambda: TrimmedMean(trim=0),
        lambda: Clipped(factor=float("nan")),
        lambda: Clipped(least_cosine=1),
    ],
)
def test_options_that_make_no_sense_are_refused(make):
    with pytest.raises(ScenarioError, match="it must be"):
        make()
