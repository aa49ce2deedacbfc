"""Which satellite holds which tiles.

Dealt tiles are there from the start: every tile goes to exactly one satellite, and none is left without. Under
`Overflight` satellites hold what they have seen, when they have seen it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator

from orbitfl.data.tiles import Tiles
from orbitfl.errors import DataError

Parts = tuple[NDArray[np.intp], ...]

WATER_CLASSES = 4
"""Tiles have no class: Dirichlet partitions skew this many equally large ones, of little to much water."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Iid:
    """Tiles dealt at random, in equal numbers: every satellite sees the same mixture."""

    kind: Literal["iid"] = "iid"

    def split(self, tiles: Tiles, n_parts: int, rng: np.random.Generator) -> Parts:
        """Sorted tile indices for each of `n_parts` satellites; DataError if there are fewer tiles."""
        _check_enough(len(tiles), "tiles", n_parts)
        return _sorted(np.array_split(rng.permutation(len(tiles)), n_parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class ByScene:
    """Whole scenes to one satellite, the largest first to whoever holds fewest tiles: regions differ."""

    kind: Literal["by_scene"] = "by_scene"

    def split(self, tiles: Tiles, n_parts: int, rng: np.random.Generator) -> Parts:
        """Sorted tile indices for each of `n_parts` satellites; DataError if there are fewer scenes."""
        scenes, sizes = np.unique(tiles.scene, return_counts=True)
        _check_enough(len(scenes), "scenes with tiles", n_parts)
        shuffled = rng.permutation(len(scenes))
        order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
        held, owner = np.zeros(n_parts, int), np.zeros(len(tiles.scene_names), int)
        for scene in order:
            owner[scenes[scene]] = held.argmin()
            held[held.argmin()] += sizes[scene]
        return tuple(np.flatnonzero(owner[tiles.scene] == part) for part in range(n_parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirichlet:
    """Label skew by water: each of four classes of water share (quartiles of the tiles by rank) is divided
    among the satellites in proportions drawn from Dirichlet(alpha, ..., alpha), after Hsu, Qi & Brown (arXiv
    1909.06335).

    alpha: how evenly they are divided. If it is small, some satellites see hardly any water; if it is large, it is
    close to `Iid`.
    """

    kind: Literal["dirichlet"] = "dirichlet"
    alpha: float = 0.3

    def __post_init__(self) -> None:
        if not 0 < self.alpha < np.inf:
            raise DataError(f"alpha is {self.alpha}; a Dirichlet partition needs a positive number, such as 0.3.")

    def split(self, tiles: Tiles, n_parts: int, rng: np.random.Generator) -> Parts:
        """Sorted tile indices for each of `n_parts` satellites; DataError if there are fewer tiles.

        A satellite that drew nothing gets one tile of the one that holds most.
        """
        _check_enough(len(tiles), "tiles", n_parts)
        by_water = np.lexsort((rng.permutation(len(tiles)), tiles.water_share()))
        owner = np.empty(len(tiles), int)
        for members in np.array_split(by_water, WATER_CLASSES):
            bounds = np.cumsum(rng.dirichlet(np.full(n_parts, self.alpha)))[:-1] * len(members)
            part = np.searchsorted(np.rint(bounds), np.arange(len(members)), "right")
            owner[rng.permutation(members)] = part
        _share_out(owner, n_parts, rng)
        return tuple(np.flatnonzero(owner == part) for part in range(n_parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Overflight:
    """A scene comes to every satellite whose instrument has passed over all of its box in daylight, when it has.

    The scenario's `imaging` says what the instrument sees, and from which height of the Sun. Several satellites may
    hold one scene, and some none.
    """

    kind: Literal["overflight"] = "overflight"


@dataclass(frozen=True, slots=True, eq=False)
class Holding:
    """What one satellite holds in the course of a mission: tiles `index` (n,), each from `since_s` (n,) on."""

    index: NDArray[np.intp]
    since_s: NDArray[np.float64]

    def at(self, t_s: float) -> NDArray[np.intp]:
        """The tiles held by then."""
        return self.index[self.since_s <= t_s]

    def fewer(self, most: int, rng: np.random.Generator) -> "Holding":
        """At most so many of these tiles, drawn by lot."""
        if len(self.index) <= most:
            return self
        kept = np.sort(rng.choice(len(self.index), most, replace=False))
        return Holding(self.index[kept], self.since_s[kept])

    @property
    def first_s(self) -> float:
        """From when there is any tile; infinite if never."""
        return float(self.since_s.min(initial=np.inf))


Dealt = Iid | ByScene | Dirichlet
Partition = Annotated[Iid | ByScene | Dirichlet | Overflight, Discriminator("kind")]


def from_the_start(parts: Parts) -> tuple[Holding, ...]:
    return tuple(Holding(part, np.zeros(len(part))) for part in parts)


def pooled(holdings: Sequence[Holding], t_s: float) -> NDArray[np.intp]:
    """The tiles that any satellite holds by then, in order."""
    return np.unique(np.concatenate([holding.at(t_s) for holding in holdings]))


def _share_out(owner: NDArray[np.intp], n_parts: int, rng: np.random.Generator) -> None:
    """Give each part without a tile one of the largest part, in place."""
    for part in np.flatnonzero(np.bincount(owner, minlength=n_parts) == 0):
        largest = np.bincount(owner, minlength=n_parts).argmax()
        owner[rng.choice(np.flatnonzero(owner == largest))] = part


def _sorted(parts: list[NDArray[np.intp]]) -> Parts:
    return tuple(np.sort(part) for part in parts)


def _check_enough(count: int, what: str, n_parts: int) -> None:
    if n_parts < 1:
        raise DataError(f"{n_parts} satellites are asked for; data can be divided among one or more.")
    if count < n_parts:
        raise DataError(
            f"{count} {what} cannot be divided among {n_parts} satellites so that each has one. "
            "Take more data, smaller tiles or fewer satellites."
        )
