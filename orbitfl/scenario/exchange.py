"""How satellites exchange what they learn: strategy, compressor, and what happens on the link."""

from collections import Counter
from dataclasses import dataclass, field, replace
from math import inf
from typing import Literal

from orbitfl.errors import ScenarioError
from orbitfl.federation.compressors import AnyCompressor, Float16
from orbitfl.federation.fitting import require_fit
from orbitfl.federation.screening import Screen
from orbitfl.federation.strategies import STRATEGIES, AnyStrategy, Gossip

Control = Literal[
    "gossip",
    "two_level",
    "noloco",
    "push_sum",
    "neighbourhood",
    "fedavg",
    "fedbuff",
    "diloco",
    "ideal_gossip",
    "isolated",
    "centralised",
    "frozen",
]


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What an update goes through on its way.

    chunk_byte: what carries a checksum of its own; a window that closes leaves whole chunks behind. resume: whether the
    next contact of the two goes on with those chunks. keep_s: a message that old is written anew. loss: the share of
    chunks that do not get through and are sent again. relays: how many messages of others a satellite carries along for
    those that it meets (store, carry and forward), for strategies that gather.
    """

    chunk_byte: int = 65_536
    resume: bool = True
    keep_s: float = 86_400.0
    loss: float = 0.0
    relays: int = 0

    def __post_init__(self) -> None:
        if not 1024 <= self.chunk_byte <= 2**24:
            raise ScenarioError(f"chunk_byte is {self.chunk_byte}; it must lie from 1024 to {2**24}.")
        if not 0 < self.keep_s < inf:
            raise ScenarioError(f"keep_s is {self.keep_s}; it must be more than 0 seconds.")
        if not 0 <= self.loss < 1:
            raise ScenarioError(f"loss is {self.loss}; it is a share of chunks, from 0 to less than 1.")
        if not 0 <= self.relays <= 64:
            raise ScenarioError(f"relays is {self.relays}; it must lie from 0 to 64 messages.")


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """How satellites share what they learn; the scenario key `exchange`.

    strategy: who exchanges with whom, and what becomes of the models.
    min_interval_s: least time between two exchanges of the same pair of satellites, or of one with the ground.
    compressor: how an update is written. transfer: what an update goes through on its way.
    screen: which updates are not even merged. groups: lists of satellites' names, for strategies with two levels; left
    out, they are the planes of a Walker constellation. controls: strategies run beside this one on the same mission,
    for comparison.
    Raises ScenarioError for impossible values, and for parts that do not fit each other, those of controls included.
    """

    strategy: AnyStrategy = field(default_factory=Gossip)
    min_interval_s: float = 900.0
    compressor: AnyCompressor = field(default_factory=Float16)
    transfer: Transfer = field(default_factory=Transfer)
    screen: Screen = field(default_factory=Screen)
    groups: tuple[tuple[str, ...], ...] = ()
    controls: tuple[Control, ...] = ()

    def __post_init__(self) -> None:
        if self.min_interval_s <= 0:
            raise ScenarioError(f"min_interval_s is {self.min_interval_s}; it must be greater than 0 seconds.")
        pattern, kind = self.strategy.pattern, self.strategy.kind
        if self.transfer.relays and pattern != "gather":
            raise ScenarioError(
                f"transfer.relays is {self.transfer.relays}, but {kind} merges at once, so a relayed message would be "
                "counted twice; set it to 0, or take a strategy that gathers, such as neighbourhood."
            )
        if self.transfer.relays and self.compressor.sparse:
            raise ScenarioError(
                f"transfer.relays is {self.transfer.relays}, but {self.compressor.kind} is told against what two "
                "satellites both know, which a third does not; set it to 0, or take a dense compressor such as int8."
            )
        require_fit(self.strategy, self.compressor)
        self._require_distinct()
        self._require_other_controls()
        for name in self.controls:
            # Found out now, and not when the run itself is through.
            self.control(name)

    def control(self, name: Control) -> "Exchange":
        """How the satellites of a control exchange: as here, but for the strategy; what cannot relay does not."""
        strategy = STRATEGIES[name]()
        relays = self.transfer.relays if strategy.pattern == "gather" else 0
        return replace(self, strategy=strategy, transfer=replace(self.transfer, relays=relays), controls=())

    def _require_other_controls(self) -> None:
        """Raises ScenarioError for a control named twice, or of the strategy's kind: tables name runs by their kind."""
        name = self.strategy.kind
        for control, times in Counter(self.controls).items():
            if times > 1:
                raise ScenarioError(f"controls has {control} {times} times; name every control once.")
        if name in self.controls and self.strategy != STRATEGIES[name]():
            raise ScenarioError(
                f"controls has {name}, with the options that it has by itself, beside the strategy {name} with others; "
                "tables name runs by their kind. Leave it out, or run it as a scenario of its own."
            )

    def _require_distinct(self) -> None:
        """Raises ScenarioError for a satellite in two groups."""
        grouped = Counter(name for group in self.groups for name in group)
        twice = [name for name, count in grouped.items() if count > 1]
        if twice:
            raise ScenarioError(f"groups has {twice[0]} {grouped[twice[0]]} times; put every satellite into one list.")
