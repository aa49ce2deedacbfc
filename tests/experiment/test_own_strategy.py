"""A strategy of one's own is treated by what it says of itself, not by whose subclass it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd

from orbitfl.experiment.run import run
from orbitfl.federation.rules import Letter
from orbitfl.federation.strategies import FedAvg, Member, Pattern
from orbitfl.federation.strategies.base import Parts, Plain, UnderWay
from orbitfl.federation.weights import Layout
from orbitfl.scenario import Scenario


@dataclass(frozen=True)
class Elsewhere(Plain):
    """FedAvg by somebody who has never heard of it: the same answers, and no class in common."""

    kind: Literal["elsewhere"] = "elsewhere"
    told: FedAvg = field(default_factory=FedAvg)
    rounds: list[tuple[float, list[float]]] = field(default_factory=list)
    pattern: ClassVar[Pattern] = "ground"
    takes_late: ClassVar[bool] = False
    parts: ClassVar[tuple[str, ...]] = FedAvg.parts

    @property
    def conserves(self) -> bool:
        return False

    def start(self, size: int) -> Member:
        return self.told.start(size)

    def offer(self, own: Member, under_way: UnderWay = ()) -> Parts:
        return self.told.offer(own, under_way)

    def merge(self, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
        return self.told.merge(own, letters, samples, layout)

    def ready(self, n_letters: int, n_satellites: int) -> bool:
        return self.told.ready(n_letters, n_satellites)

    def aggregate(self, server: Member, letters: Sequence[Letter], layout: Layout) -> Member:
        began = [float(letter.parts["round"][0]) for letter in letters]
        self.rounds.append((float(server.memory["round"][0]), began))
        return self.told.aggregate(server, letters, layout)


def test_a_server_of_ones_own_aggregates(asked: Callable[..., Scenario], tmp_path: Path) -> None:
    scenario = asked("exchange.strategy={kind: fedavg, share: 0.25}", "duration_s=10800")
    own = replace(scenario, exchange=replace(scenario.exchange, strategy=Elsewhere(told=FedAvg(share=0.25))))
    theirs, ours = (run(each, tmp_path / each.exchange.strategy.kind).records for each in (scenario, own))
    pd.testing.assert_frame_equal(ours, theirs)
    ground = ours.query("node == 'ground' and kind == 'miou'")["value"].tolist()
    assert len(set(ground)) > 1, "the server has never aggregated, so nothing was compared"


def test_all_models_of_a_round_of_fedavg_go_on_from_one(asked: Callable[..., Scenario]) -> None:
    """McMahan et al. 2017, algorithm 1: clients of round t begin with w_t."""
    scenario = asked("duration_s=21600")
    strategy = Elsewhere(told=FedAvg(share=0.25))
    run(replace(scenario, exchange=replace(scenario.exchange, strategy=strategy)))
    assert len(strategy.rounds) > 2
    assert all(set(began) == {number} for number, began in strategy.rounds)
