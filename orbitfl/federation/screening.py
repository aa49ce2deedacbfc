"""Letters that are not merged, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from statistics import median

from orbitfl.errors import ScenarioError
from orbitfl.federation.rules import Letter
from orbitfl.federation.weights import Vector, all_finite, norm


@dataclass(frozen=True)
class Screen:
    """Which letters are not merged: what is broken, late or sent twice.

    max_age_s: the oldest snapshot that is merged. norm_factor: how many times the usual length a model may have.

    A hostile model of the usual length passes: see `rules.Clipped`.
    """

    max_age_s: float = 86_400.0
    norm_factor: float = 10.0

    def __post_init__(self) -> None:
        for name in ("max_age_s", "norm_factor"):
            if not 0 < getattr(self, name) < inf:
                raise ScenarioError(f"{name} is {getattr(self, name)}; it must be greater than 0.")

    def refusal(self, own: Vector, letter: Letter, last_version: int | None, usual_norm: float | None) -> str | None:
        """Why `letter` is not merged, in a few words; None if it may be.

        own: the model it would move. last_version: of the newest letter that was taken from this sender.
        usual_norm: see `usual_norm`; None, or 0 as before any training, allows every length.
        """
        if letter.model.shape != own.shape:
            return "wrong size"
        if not all(all_finite(part) for part in letter.parts.values()):
            return "not finite"
        if last_version is not None and letter.version <= last_version:
            return "replayed"
        if not (isfinite(letter.age_s) and letter.age_s >= 0):
            return "from the future"
        if letter.age_s > self.max_age_s:
            return "stale"
        if usual_norm and norm(letter.model) > self.norm_factor * usual_norm:
            return "too large"
        return None

    def outsized(self, letters: Sequence[Letter], usual_norm: float) -> list[Letter]:
        """Those of letters to be merged together that are too long beside the others; among two there is no telling.

        It catches what came before any length was usual, so what is not too long beside `usual_norm` stays: late in a
        mission whose steps fall, one that was long out of sight brings a change many times as long as the others'.
        """
        lengths = [norm(letter.model) for letter in letters]
        usual = max(median(lengths), usual_norm) if len(letters) > 2 else 0.0
        return [each for each, length in zip(letters, lengths, strict=True) if 0 < self.norm_factor * usual < length]


def usual_norm(own: Vector, taken: Sequence[float]) -> float:
    """The median length of one's own model and the letters `taken` last, which a single large one hardly moves."""
    return median([norm(own), *taken])
