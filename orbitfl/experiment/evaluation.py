"""Scores of many models on one exam: none is taken twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import ref

from orbitfl.federation.weights import Vector, same_bits
from orbitfl.training.crew import Crew
from orbitfl.training.learner import Lessons
from orbitfl.training.scores import Confusion

APART = 1024
"""One number of so many tells two models apart; the others are compared only where all of these are alike."""


class Content:
    """A model as a key, equal to those of the same bits alone: comparing few takes less than hashing all.

    It does not keep the model, and once that is gone it is equal to none. A model is never changed in place.
    """

    def __init__(self, model: Vector) -> None:
        self.model, self._hash = ref(model), hash(model[::APART].tobytes())

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Content):
            return NotImplemented
        mine, theirs = self.model(), other.model()
        return mine is not None and theirs is not None and (mine is theirs or same_bits(mine, theirs))


@dataclass
class Evaluator:
    """Known scores by the content of the model, as long as a satellite has it."""

    crew: Crew
    exam: Lessons
    launch: Vector
    _known: dict[Content, Confusion] = field(default_factory=dict)

    def scores(self, models: Sequence[Vector]) -> list[Confusion]:
        """One for each model (n,), the difference to launch; several at once, equal ones once."""
        keys = [Content(model) for model in models]
        wanted = {key: model for key, model in zip(keys, models, strict=True) if key not in self._known}
        scored = self.crew.score_all([self.launch + model for model in wanted.values()], self.exam)
        known = {**self._known, **dict(zip(wanted, scored, strict=True))}
        self._known = {key: counts for key, counts in known.items() if key.model() is not None}
        return [known[key] for key in keys]
