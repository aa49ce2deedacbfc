"""Gossip against the closed form of averaging, with arrays small enough to do by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orbitfl.federation.compressors import Float16
from orbitfl.federation.strategies import Centralised, Gossip, Isolated
from orbitfl.federation.weights import Weights, consensus_distance, difference, distance, mean, total

NUMBERS = arrays(np.float32, 6, elements=st.floats(-8, 8, width=32))


def weights(*numbers: float) -> Weights:
    return {"layer": np.array(numbers, dtype=np.float32)}


def exchange(first, second, compressor):
    """Both sides of one exchange, as a satellite pair carries it out."""
    gossip = Gossip()
    sent = [compressor.decode(compressor.encode(gossip.offer(own)), like=own) for own in (first, second)]
    return gossip.merge(first, sent[0], sent[1]), gossip.merge(second, sent[1], sent[0])


def test_exact_exchange_brings_both_to_the_mean():
    merged = exchange(weights(1, 2, -4), weights(3, 0, 4), Float16())
    for side in merged:
        np.testing.assert_array_equal(side["layer"], [2, 1, 0])


@given(NUMBERS, NUMBERS)
def test_rounding_on_the_link_changes_neither_the_sum_nor_opens_a_gap(first, second):
    """What compression cuts off stays with its owner: mass is conserved, and the pair is as close as fp16 allows."""
    one, other = exchange({"layer": first}, {"layer": second}, Float16())
    np.testing.assert_allclose(one["layer"] + other["layer"], first + second, atol=1e-5)
    gap = np.abs(one["layer"] - other["layer"])
    assert np.all(gap <= 2**-10 * (np.abs(first) + np.abs(second)) + 1e-6)


def test_steps_taken_while_an_exchange_ran_are_kept_once():
    sent, trained_meanwhile, received = weights(2), weights(2.5), weights(4)
    assert Gossip().merge(trained_meanwhile, sent, received)["layer"] == 3.5


def test_ring_of_pairwise_exchanges_reaches_the_mean_of_all():
    models = [weights(number) for number in (8, 0, 4, -4)]
    for round_ in range(40):
        i = round_ % 4
        j = (i + 1) % 4
        models[i], models[j] = exchange(models[i], models[j], Float16())
    np.testing.assert_allclose([model["layer"][0] for model in models], 2, atol=1e-3)


def test_controls_keep_their_own_weights():
    for strategy in (Isolated(), Centralised()):
        assert not strategy.exchanges
        assert strategy.merge(weights(1), weights(2), weights(3)) == weights(1)


def test_distances_against_pythagoras():
    first = {"a": np.array([3.0], np.float32), "b": np.array([[4.0]], np.float32)}
    second = {"a": np.array([0.0], np.float32), "b": np.array([[0.0]], np.float32)}
    assert distance(first, second) == 5
    assert consensus_distance([first, second]) == 2.5
    assert consensus_distance([first, first]) == 0


def test_total_undoes_difference():
    first, second = weights(1, 2), weights(0.5, -1)
    np.testing.assert_array_equal(total(second, difference(first, second))["layer"], first["layer"])
    np.testing.assert_array_equal(mean([first, second])["layer"], [0.75, 0.5])
