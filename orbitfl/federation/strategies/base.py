"""What every strategy is: who exchanges with whom, what is offered, and what becomes of one's own model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from orbitfl.federation.rules import Letter, Rule
from orbitfl.federation.weights import Layout, Vector

Pattern = Literal["apart", "pairwise", "one_way", "gather", "ground", "ideal"]
"""apart: no links. pairwise: two satellites send at once, and both merge or none. one_way: one sends, and lets go what
the other has acknowledged. gather: letters wait, the newest of each sender, until the next session. ground: to a server
through the stations, and back. ideal: all with all, at once, at no cost."""

Parts = dict[str, NDArray]
UnderWay = Sequence[Mapping[str, NDArray]]


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A satellite's, or a server's, part in a federation.

    model: what the network runs, as its difference to the launch checkpoint, (n,). memory: what the strategy keeps
    beside it, under names of its own.
    """

    model: Vector
    memory: Mapping[str, NDArray]


class Strategy(Protocol):
    """A strategy is a frozen dataclass of its options.

    pools_data: whether one model sees every satellite's tiles. learns: whether anybody trains. dense_only: whether
    compressors that leave numbers out (`Compressor.sparse`) are refused. takes_late: whether a server can use what was
    learnt from an older model and not handed in yet. parts: the names of what is offered.
    """

    pattern: ClassVar[Pattern]
    pools_data: ClassVar[bool]
    learns: ClassVar[bool]
    dense_only: ClassVar[bool]
    takes_late: ClassVar[bool]
    parts: ClassVar[tuple[str, ...]]

    @property
    def kind(self) -> str: ...

    @property
    def conserves(self) -> bool:
        """Whether merges keep the sum of all models, rounding aside."""
        ...

    def start(self, size: int) -> Member: ...

    def offer(self, own: Member, under_way: UnderWay = ()) -> Parts:
        """What goes out at the start of an exchange; its names are `parts`.

        under_way: the exact parts of what was offered to others and is not acknowledged yet.
        """
        ...

    def sent(self, own: Member, parts_as_read: Mapping[str, NDArray]) -> Member:
        """After the peer, another satellite or the server, has acknowledged a one-way hand-over, which it read so."""
        ...

    def trained(self, own: Member, model: Vector) -> Member:
        """After a session that took the network from `own.model` to `model`."""
        ...

    def merge(self, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
        """After letters arrived; `samples` are the tiles behind `own`."""
        ...


class Ground(Strategy, Protocol):
    """A strategy with a server. The server's `Letter.version` counts its rounds."""

    def ready(self, n_letters: int, n_satellites: int) -> bool:
        """Whether letters from so many satellites close a round."""
        ...

    def aggregate(self, server: Member, letters: Sequence[Letter], layout: Layout) -> Member:
        """The server after the round."""
        ...


def is_served(strategy: Strategy) -> TypeGuard[Ground]:
    """Whether there is a server on the ground; its pattern says so, whoever wrote the strategy."""
    return strategy.pattern == "ground"


class Plain:
    """A strategy without memory, that offers its model."""

    pools_data: ClassVar[bool] = False
    learns: ClassVar[bool] = True
    dense_only: ClassVar[bool] = False
    takes_late: ClassVar[bool] = True
    parts: ClassVar[tuple[str, ...]] = ("model",)

    def start(self, size: int) -> Member:
        return Member(np.zeros(size, np.float32), {})

    def offer(self, own: Member, under_way: UnderWay = ()) -> Parts:
        return {"model": own.model}

    def sent(self, own: Member, parts_as_read: Mapping[str, NDArray]) -> Member:
        return own

    def trained(self, own: Member, model: Vector) -> Member:
        return replace(own, model=model)


def merged(rule: Rule, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
    """The model after `rule`.

    Where something was sent in the same exchange, the rule is applied to that, and the model moves by what the rule
    moves it: what was trained while the transfer ran is kept, and counted once.
    """
    if not letters:
        return own
    sent = letters[0].sent
    basis = own.model if sent is None else sent["model"]
    combined = rule.combine(basis, letters, samples, layout)
    if sent is None:
        return replace(own, model=combined)
    # In place: what a rule makes is new, and fresh memory costs several times the sums.
    combined -= basis
    combined += own.model
    return replace(own, model=combined)
