"""How several models become one.

A rule moves a satellite's own model towards letters, other satellites' models. All vectors are differences to the one
launch checkpoint, which is what makes averages of them mean something.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite
from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator

from orbitfl.errors import ScenarioError
from orbitfl.federation.weights import Layout, Vector, all_finite, norm, stretches


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """An update that arrived and may be merged.

    sender: a satellite's number. version: the sender's count of updates. age_s: how old the snapshot is when merged.
    samples: tiles behind it. parts: what the sender offered, "model" always. sent: what this side sent in the same
    exchange, as the peer read it; None where nothing went the other way.
    """

    sender: int
    version: int
    age_s: float
    samples: int
    parts: Mapping[str, NDArray]
    sent: Mapping[str, NDArray] | None = None

    @property
    def model(self) -> Vector:
        return self.parts["model"]


class Rule(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def conserves(self) -> bool:
        """Whether a pair that merges each other's models, both of one age, keeps their sum, rounding aside."""
        ...

    @property
    def least_members(self) -> int:
        """With fewer models, its own included, a satellite keeps what it has."""
        ...

    def combine(self, own: Vector, letters: Sequence[Letter], samples: int, layout: Layout) -> Vector:
        """A new vector, (n,); `samples` are the tiles behind `own`. Without letters it equals `own`."""
        ...


@dataclass(frozen=True)
class _Rule:
    @property
    def conserves(self) -> bool:
        return False

    @property
    def least_members(self) -> int:
        return 2


@dataclass(frozen=True)
class Mean(_Rule):
    """All k + 1 models count alike, 1/(k + 1) (Östman et al. 2023, arXiv 2305.04059)."""

    kind: Literal["mean"] = "mean"

    @property
    def conserves(self) -> bool:
        return True

    def combine(self, own: Vector, letters: Sequence[Letter], samples: int, layout: Layout) -> Vector:
        return _towards(own, letters, [1 / (len(letters) + 1)] * len(letters))


@dataclass(frozen=True)
class SampleWeighted(_Rule):
    """Models count by the tiles behind them (McMahan et al. 2017, arXiv 1602.05629, algorithm 1).

    If nobody has any, all count alike. Between two satellites with unequal tiles this does not keep the sum: who holds
    more, moves less.
    """

    kind: Literal["sample_weighted"] = "sample_weighted"

    def combine(self, own: Vector, letters: Sequence[Letter], samples: int, layout: Layout) -> Vector:
        total = samples + sum(letter.samples for letter in letters)
        if total == 0:
            return Mean().combine(own, letters, samples, layout)
        return _towards(own, letters, [letter.samples / total for letter in letters])


@dataclass(frozen=True)
class StalenessWeighted(_Rule):
    """A letter of age t moves the model by (1 + t/scale_s)^-exponent of what `mean` would.

    scale_s: the age at which a letter counts 2^-exponent of a fresh one. exponent: how fast letters lose weight with
    age.

    The polynomial weight of FedAsync (Xie et al. 2019, arXiv 1903.03934), on mission time instead of rounds.
    """

    kind: Literal["staleness_weighted"] = "staleness_weighted"
    scale_s: float = 3600.0
    exponent: float = 0.5

    def __post_init__(self) -> None:
        _require("scale_s", self.scale_s, 0 < self.scale_s < inf, "greater than 0 seconds")
        _require("exponent", self.exponent, 0 <= self.exponent < inf, "0 or more")

    @property
    def conserves(self) -> bool:
        return True

    def combine(self, own: Vector, letters: Sequence[Letter], samples: int, layout: Layout) -> Vector:
        fresh = [(1 + max(letter.age_s, 0) / self.scale_s) ** -self.exponent for letter in letters]
        return _towards(own, letters, [each / (len(letters) + 1) for each in fresh])


@dataclass(frozen=True)
class LDawa(_Rule):
    """Each layer of a letter counts by its cosine to one's own (Rehman et al. 2023, arXiv 2307.07393).

    normalise: whether layers are divided by the sum of their cosines, opposed ones left out. Published is a division by
    k + 1, which shrinks every layer on which models disagree.

    Two adaptations of ours. The cosine is that of differences to the launch checkpoint: whole fine-tuned weights are
    nearly parallel, and the rule would do nothing. And the reference is the satellite's own layer: there is no server.
    Layers of one number, and layers that are zero on either side, count fully.
    """

    kind: Literal["l_dawa"] = "l_dawa"
    normalise: bool = True

    @property
    def conserves(self) -> bool:
        return self.normalise

    def combine(self, own: Vector, letters: Sequence[Letter], samples: int, layout: Layout) -> Vector:
        merged = own.copy()
        for span in layout.slices().values():
            layers = [letter.model[span] for letter in letters]
            merged[span] = self._layer(own[span], layers)
        return merged

    def _layer(self, own: Vector, layers: Sequence[Vector]) -> Vector:
        cosines = [1.0 if own.size <= 1 else _cosine(own, layer, undefined=1.0) for layer in layers]
        weights = [max(each, 0.0) for each in cosines] if self.normalise else cosines
        divisor = 1 + sum(weights) if self.normalise else 1 + len(layers)
        total = own.astype(np.float64)
        for weight, layer in zip(weights, layers, strict=True):
            total += weight * layer
        return (total / divisor).astype(np.float32)


@dataclass(frozen=True)
class TrimmedMean(_Rule):
    """Of every number, the mean without the `trim` largest and smallest (Yin et al. 2018, arXiv 1803.01498).

    trim: how many of the largest, and how many of the smallest, are left out.

    It withstands `trim` hostile models among at least 2 trim + 1, one's own included. Among fewer there is no telling
    who is hostile, and the satellite keeps its own model: `least_members` says so beforehand.
    """

    kind: Literal["trimmed_mean"] = "trimmed_mean"
    trim: int = 1

    def __post_init__(self) -> None:
        _require("trim", self.trim, self.trim >= 1, "1 or more")

    @property
    def least_members(self) -> int:
        return 2 * self.trim + 1

    def combine(self, own: Vector, letters: Sequence[Letter], samples: int, layout: Layout) -> Vector:
        members = [own, *(letter.model for letter in letters)]
        if len(members) < self.least_members:
            return own.copy()
        ordered = np.sort(members, axis=0)[self.trim : len(members) - self.trim]
        return ordered.mean(axis=0, dtype=np.float64).astype(np.float32)


@dataclass(frozen=True)
class Clipped(_Rule):
    """Self-centred clipping, x + sum_j clip(x_j - x, radius)/(k + 1) (He, Karimireddy & Jaggi 2022, arXiv 2202.01545).

    factor: the longest radius, in lengths of one's own difference to the launch checkpoint.
    least_cosine: a letter whose cosine to one's own model lies below it counts as one's own.

    Their radius follows from distances that no satellite knows. Ours is the smaller of `factor` times the length of
    one's own difference to the launch checkpoint, and the lower median of the letters' distances: of two neighbours
    none pulls farther than the nearer one. A letter that is not finite counts as one's own as well. So a satellite that
    has not trained yet takes nothing: it could not tell friend from foe.
    """

    kind: Literal["clipped"] = "clipped"
    factor: float = 0.3
    least_cosine: float = 0.0

    def __post_init__(self) -> None:
        _require("factor", self.factor, 0 < self.factor < inf, "greater than 0")
        _require("least_cosine", self.least_cosine, -1 <= self.least_cosine < 1, "from -1 to below 1")

    def combine(self, own: Vector, letters: Sequence[Letter], samples: int, layout: Layout) -> Vector:
        pulls = [letter.model - own for letter in letters if self._trusts(own, letter.model)]
        if not pulls:
            return own.copy()
        lengths = [norm(pull) for pull in pulls]
        radius = min(self.factor * norm(own), sorted(lengths)[ceil(len(lengths) / 2) - 1])
        total = own.astype(np.float64)
        for pull, length in zip(pulls, lengths, strict=True):
            total += min(1.0, radius / length if length > 0 else 1.0) / (len(letters) + 1) * pull
        return total.astype(np.float32)

    def _trusts(self, own: Vector, model: Vector) -> bool:
        return all_finite(model) and _cosine(own, model, undefined=-inf) >= self.least_cosine


AnyRule = Annotated[Mean | SampleWeighted | StalenessWeighted | LDawa | TrimmedMean | Clipped, Discriminator("kind")]


def _towards(own: Vector, letters: Sequence[Letter], weights: Sequence[float]) -> Vector:
    """(1 - sum w_j) own + sum w_j x_j, summed in float64."""
    merged, kept = np.empty(own.shape, np.float32), 1 - sum(weights)
    for part in stretches(len(own)):
        total = own[part].astype(np.float64)
        total *= kept
        for weight, letter in zip(weights, letters, strict=True):
            moved = letter.model[part].astype(np.float64)
            moved *= weight
            total += moved
        merged[part] = total
    return merged


def _cosine(first: Vector, second: Vector, undefined: float) -> float:
    lengths = norm(first) * norm(second)
    if not 0 < lengths < inf:
        return undefined
    return float(np.clip(np.einsum("i,i", first, second, dtype=np.float64) / lengths, -1, 1))


def _require(name: str, value: float, holds: bool, expected: str) -> None:
    if not (holds and isfinite(value)):
        raise ScenarioError(f"{name} is {value}; it must be {expected}.")
