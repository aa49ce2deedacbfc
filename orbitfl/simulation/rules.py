"""What a mission's timeline follows from, besides the sky: its fixed quantities and its agenda."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Literal

from orbitfl.environment.base import PRIORITIES, Activity
from orbitfl.simulation.timeline import Observation

Pattern = Literal["pairwise", "gather", "one_way", "ground", "ideal"]
NOBODY: Mapping[int, float] = MappingProxyType({})


@dataclass(frozen=True)
class Wire:
    """How an update crosses a link.

    update_byte: one message. preamble_byte: manifest and list of missing chunks, which open every contact of a
    transfer. chunk_byte: what is verified as a whole, so that a cut transfer leaves whole chunks behind. resumes:
    whether the next contact of the two goes on with them. keep_s: after that a half-sent message is written anew.
    loss: the share of chunks that have to be sent again. relays: how many messages of others travel with one's own.
    """

    update_byte: int
    preamble_byte: int = 0
    chunk_byte: int = 65_536
    resumes: bool = True
    keep_s: float = inf
    loss: float = 0.0
    relays: int = 0


@dataclass(frozen=True)
class Meetings:
    """Who exchanges with whom.

    pattern: "pairwise" and "gather" exchange both ways at once, "one_way" in turns, "ground" with the ground through
    stations, and "ideal" all with all at every beat, whatever the sky and the batteries say. every_s: least time
    between two exchanges of a pair; across_every_s: between pairs of two groups, if other. group_of: by satellite.
    closes: whether so many updates from so many satellites make the ground aggregate. takes_late: whether it has a use
    for what a satellite learnt from an older model and did not hand in; if not, the newer model takes its place.
    """

    every_s: float
    pattern: Pattern = "pairwise"
    across_every_s: float | None = None
    group_of: tuple[int, ...] = ()
    closes: Callable[[int, int], bool] = lambda updates, satellites: updates >= satellites
    takes_late: bool = True

    def interval_s(self, pair: tuple[int, int]) -> float:
        if self.across_every_s is None or self.group_of[pair[0]] == self.group_of[pair[1]]:
            return self.every_s
        return max(self.every_s, self.across_every_s)


@dataclass(frozen=True)
class Rules:
    """The mission's fixed quantities.

    duration_s: length of the mission. A session is session_steps batches of step_s seconds on the board; sessions of a
    satellite begin at least session_every_s apart, None for a strategy that never learns. slowdown: by satellite, how
    many times as long its batches take, where not once. retry_s: pause after a refusal. wire: what an update is on a
    link. meetings: None for a strategy that never meets. lost_at_s: by satellite, when it falls silent for good.
    evaluate_every_s: time between evaluations. *_w: power drawn in each activity.
    priorities: every activity but standby, first what comes first. seed: of the chunks that get lost.
    """

    duration_s: float
    session_steps: int
    session_every_s: float | None
    step_s: float
    retry_s: float
    train_w: float
    exchange_w: float
    inference_w: float
    downlink_w: float
    standby_w: float
    wire: Wire
    meetings: Meetings | None
    evaluate_every_s: float
    priorities: tuple[Activity, ...] = PRIORITIES
    slowdown: Mapping[int, float] = field(default_factory=lambda: NOBODY)
    lost_at_s: Mapping[int, float] = field(default_factory=lambda: NOBODY)
    seed: int = 0

    def rank(self, activity: Activity) -> int:
        """Its place in `priorities`."""
        return self.priorities.index(activity)

    def step_s_of(self, node: int) -> float:
        return self.step_s * self.slowdown.get(node, 1.0)


@dataclass(frozen=True)
class Agenda:
    """What the instruments bring to a mission.

    learns_from_s: per satellite, when it first holds data to train on; infinite if it never does.
    observations: images of what cannot wait.
    """

    learns_from_s: tuple[float, ...]
    observations: tuple[Observation, ...] = ()
