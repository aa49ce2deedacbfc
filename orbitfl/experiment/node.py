"""What a node is between two happenings of a mission: all that learning and merging can change of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from orbitfl.federation.rules import Letter
from orbitfl.federation.strategies import Member
from orbitfl.federation.weights import same_bits
from orbitfl.training.flat import Moments


@dataclass
class Node:
    """A satellite, or the ground.

    member: its model, as the difference to launch, and what its strategy remembers. moments, drawn: of its optimiser
    and of its tiles. steps: batches trained so far; steps_apart: since it last merged. version: how often its model has
    changed. inbox: letters by sender, not merged yet. last_version: of each sender, the newest that was taken.
    heard: version and moment of the last message that each sender handed over itself, for those who gather.
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
    heard: dict[int, tuple[int, float]] = field(default_factory=dict)
    sources: frozenset[int] = frozenset()
    pending_sources: dict[int, frozenset[int]] = field(default_factory=dict)
    lengths: list[float] = field(default_factory=list)

    def changed(self, member: Member) -> None:
        self.member = member
        self.version += 1

    def merged(self, member: Member, letters: Sequence[Letter]) -> Sequence[Letter]:
        """Become `member` by `letters`; returns those that count: none where a rule kept all of them out.

        What the senders of these knew is now known here; what else was read is forgotten.
        """
        counted = () if _kept_out(self.member, member, letters) else letters
        self.changed(member)
        self.sources = self.sources.union(*(self.pending_sources[letter.sender] for letter in counted))
        self.pending_sources.clear()
        return counted


def _kept_out(before: Member, after: Member, letters: Sequence[Letter]) -> bool:
    """Whether the model is the very same, though letters said otherwise: those that agree with it change nothing."""
    if not same_bits(before.model, after.model):
        return False
    return not all(same_bits(letter.model, letter.sent["model"] if letter.sent else before.model) for letter in letters)
