"""What a node is between two happenings of a mission: all that learning and merging can change of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from orbitfl.federation.rules import Letter
from orbitfl.federation.strategies import Member
from orbitfl.training.flat import Moments


@dataclass
class Node:
    """A satellite, or the ground.

    member: its model, as the difference to launch, and what its strategy remembers. moments, drawn: of its optimiser
    and of its tiles. steps: batches trained so far; steps_apart: since it last merged. version: how often its model has
    changed. inbox: letters by sender, not merged yet. last_version: of each sender, the newest that was taken.
    sources: who trained what its model knows; pending_sources: what letters know that are not merged yet, by sender.
    lengths: of the last models that it took.
    """

    member: Member
    moments: Moments | None = None
    drawn: int = 0
    steps: int = 0
    steps_apart: int = 0
    version: int = 0
    inbox: dict[int, Letter] = field(default_factory=dict)
    last_version: dict[int, int] = field(default_factory=dict)
    sources: frozenset[int] = frozenset()
    pending_sources: dict[int, frozenset[int]] = field(default_factory=dict)
    lengths: list[float] = field(default_factory=list)

    def changed(self, member: Member) -> None:
        self.member = member
        self.version += 1

    def learnt_of(self, letters: Sequence[Letter]) -> None:
        """What the senders of `letters` knew is now known here; what else was read is forgotten."""
        self.sources = self.sources.union(*(self.pending_sources[letter.sender] for letter in letters))
        self.pending_sources.clear()
