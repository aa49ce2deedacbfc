"""Strategies with a server against what their papers compute, with numbers small enough to do by hand."""

import numpy as np
import pytest

from orbitfl.errors import ScenarioError
from orbitfl.federation.rules import Letter, Mean
from orbitfl.federation.strategies import DiLoCo, FedAvg, FedBuff
from orbitfl.federation.weights import line

LINE = line(1)


def up(strategy, satellite, sender=0, samples=1):
    return Letter(sender, 0, 0.0, samples, strategy.offer(satellite))


def down(strategy, server, satellite, sent=None):
    """The satellite after it has heard the server in the exchange in which it had `sent`."""
    return strategy.merge(satellite, [Letter(-1, 0, 0.0, 0, strategy.offer(server), sent)], 1, LINE)


def trained(strategy, toys, *steps):
    return [strategy.trained(strategy.start(1), toys.numbers(step)) for step in steps]


def test_fedavg_weights_models_with_their_tiles(toys):
    strategy = FedAvg()
    letters = [
        up(strategy, each, n, tiles)
        for n, (each, tiles) in enumerate(zip(trained(strategy, toys, 4, 8), (30, 10), strict=True))
    ]
    server = strategy.aggregate(strategy.start(1), letters, LINE)
    assert server.model[0] == 5
    assert server.memory["round"] == 1
    assert FedAvg(rule=Mean()).aggregate(strategy.start(1), letters, LINE).model[0] == 4


def test_fedavg_leaves_out_what_was_on_its_way_when_its_round_closed(toys):
    strategy = FedAvg()
    server = strategy.start(1)
    server.memory["round"][0] = 1
    fresh, late = trained(strategy, toys, 4, 8)
    fresh.memory["round"][0] = 1
    after = strategy.aggregate(server, [up(strategy, fresh), up(strategy, late, 1)], LINE)
    assert after.model[0] == 4
    assert after.memory["round"] == 2
    assert strategy.aggregate(server, [up(strategy, late, 1)], LINE) is server


@pytest.mark.parametrize("strategy", [FedAvg(share=0.5), DiLoCo(share=0.5)], ids=lambda each: each.kind)
def test_a_share_of_all_satellites_closes_a_round(strategy):
    assert [strategy.ready(n, 5) for n in range(4)] == [False, False, False, True]
    assert not strategy.ready(0, 0)


def test_fedbuff_waits_for_its_buffer_or_for_everybody(toys):
    letters = {n: toys.letter(0) for n in range(3)}
    assert not FedBuff(buffer=4).ready(len(letters), 8)
    assert FedBuff(buffer=3).ready(len(letters), 8)
    assert FedBuff(buffer=10).ready(len(letters), 3)


def test_fedavg_adopts_only_what_is_newer_and_keeps_what_was_trained_meanwhile(toys):
    strategy = FedAvg()
    satellite = trained(strategy, toys, 4)[0]
    server = strategy.start(1)
    assert down(strategy, server, satellite) is satellite
    server = strategy.aggregate(server, [up(strategy, satellite)], LINE)
    sent = strategy.offer(satellite)
    later = strategy.trained(satellite, toys.numbers(4.5))
    adopted = down(strategy, server, later, sent)
    assert adopted.model[0] == 4.5
    assert adopted.memory["round"] == 1
    assert down(strategy, server, adopted, strategy.offer(adopted)) is adopted


def test_fedbuff_steps_by_the_mean_of_changes_weighted_by_staleness(toys):
    strategy = FedBuff(lr=0.5)
    fresh, behind = trained(strategy, toys, 2, 6)
    server = strategy.start(1)
    server.memory["round"][0] = 3
    fresh.memory["round"][0] = 3
    letters = [up(strategy, fresh), up(strategy, behind, 1)]
    assert strategy.aggregate(server, letters, LINE).model[0] == pytest.approx(0.5 * (2 + 6 / np.sqrt(1 + 3)) / 2)


@pytest.mark.parametrize("strategy", [FedBuff(buffer=1), DiLoCo(lr=1, momentum=0)], ids=lambda each: each.kind)
def test_every_change_is_counted_once_whatever_is_heard_of_the_server(toys, strategy):
    """One satellite, whose changes reach the server one a round, but not every answer of which it takes."""
    rng = np.random.default_rng(0)
    satellite, server, total = strategy.start(1), strategy.start(1), 0.0
    for _ in range(30):
        letter = Letter(0, 0, 0.0, 1, strategy.offer(satellite))
        step = float(rng.integers(1, 9))  # While the letter is under way.
        satellite, total = strategy.trained(satellite, satellite.model + np.float32(step)), total + step
        if rng.random() < 0.5:
            server, satellite = behind_none(strategy, server, {0: letter}), strategy.sent(satellite, letter.parts)
        if rng.random() < 0.5:
            satellite = down(strategy, server, satellite)
            assert satellite.model[0] == total
        assert server.model[0] + strategy.offer(satellite)["model"][0] == total


def behind_none(strategy, server, waiting):
    """Aggregated as if no letter was behind, so that the numbers stay whole."""
    now = [Letter(0, 0, 0.0, 1, {**each.parts, "round": server.memory["round"]}) for each in waiting.values()]
    return strategy.aggregate(server, now, LINE)


def test_diloco_is_nesterovs_momentum_on_the_mean_change(toys):
    strategy = DiLoCo(lr=0.7, momentum=0.9)
    server, model, momentum = strategy.start(1), 0.0, 0.0
    for first, second in ((2, 4), (-1, 0), (3, 5)):
        letters = [up(strategy, each, n) for n, each in enumerate(trained(strategy, toys, first, second))]
        server = strategy.aggregate(server, letters, LINE)
        change = (first + second) / 2
        momentum = 0.9 * momentum + change
        model += 0.7 * (change + 0.9 * momentum)
        assert server.model[0] == pytest.approx(model, rel=1e-6)


def test_diloco_without_momentum_is_fedavg(toys):
    plain, average = DiLoCo(lr=1, momentum=0), FedAvg()
    steps, tiles = (2.0, -4.0, 9.0), (5, 1, 2)
    after = [
        strategy.aggregate(
            strategy.start(1),
            [up(strategy, each, n, tiles[n]) for n, each in enumerate(trained(strategy, toys, *steps))],
            LINE,
        ).model[0]
        for strategy in (plain, average)
    ]
    assert after[0] == after[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: FedAvg(share=0),
        lambda: FedAvg(share=1.1),
        lambda: FedBuff(buffer=0),
        lambda: FedBuff(lr=-1),
        lambda: DiLoCo(momentum=1),
        lambda: DiLoCo(share=float("nan")),
    ],
)
def test_options_that_make_no_sense_are_refused(make):
    with pytest.raises(ScenarioError, match="it must be"):
        make()
