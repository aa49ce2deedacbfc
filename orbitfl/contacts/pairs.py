"""Which pairs of satellites a search looks at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from orbitfl.contacts.rules import ContactRules
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.propagator import Positions

SAMPLES = 48
MOST_FOR_ALL_PAIRS = 20_000
"""Their 200 million pairs take 5 GB before a single window is found."""
EQUALLY_NEAR_KM2 = 1e-3


class Pairs(NamedTuple):
    """Satellites `a` < `b`, each (n_pairs,), ordered by a, then b."""

    a: NDArray[np.int32]
    b: NDArray[np.int32]


def chosen_pairs(names: Sequence[str], propagator: Positions, duration_s: float, rules: ContactRules) -> Pairs:
    """The pairs that `rules` ask for. Raises ScenarioError for names that no satellite has, and for too many pairs."""
    if rules.pairs is not None:
        return _named(names, rules.pairs)
    if rules.neighbours is not None:
        return nearest(propagator.positions(np.linspace(0.0, duration_s, SAMPLES)), rules.neighbours)
    if len(names) > MOST_FOR_ALL_PAIRS:
        raise ScenarioError(
            f"All pairs of {len(names)} satellites are more than memory holds; give contacts.neighbours or "
            f"contacts.pairs, or up to {MOST_FOR_ALL_PAIRS} satellites."
        )
    return _pairs(*np.triu_indices(len(names), k=1))


def count_of_pairs(satellites: int, rules: ContactRules) -> int:
    """How many pairs `rules` ask for, at most."""
    if rules.pairs is not None:
        return len(rules.pairs)
    others = satellites - 1
    return satellites * min(rules.neighbours, others) if rules.neighbours else satellites * others // 2


def blocks(pairs: Pairs, most: int) -> Iterator[Pairs]:
    """Runs of at most so many pairs."""
    for first in range(0, len(pairs.a), most):
        yield Pairs(pairs.a[first : first + most], pairs.b[first : first + most])


def nearest(position_km: Floats, count: int) -> Pairs:
    """Pairs of which one is among the `count` nearest of the other, by the mean squared distance, then by number.

    position_km: (n_sat, n_t, 3). The mean of |r₁ − r₂|² is |r₁|² + |r₂|² − 2 r₁·r₂ on average, so all pairs cost
    one product of matrices.
    """
    n = len(position_km)
    count = min(count, n - 1)
    if count < 1:
        return _pairs(np.empty(0), np.empty(0))
    flat = position_km.reshape(n, -1) / np.sqrt(position_km.shape[1])
    square = np.einsum("si,si->s", flat, flat)
    near = np.concatenate([_nearest_rows(flat, square, first, count) for first in range(0, n, 1024)])
    one, other = np.repeat(np.arange(n), count), near.ravel()
    return _pairs(*np.divmod(np.unique(np.minimum(one, other) * n + np.maximum(one, other)), n))


def _nearest_rows(flat: Floats, square: Floats, first: int, count: int) -> Ints:
    """The numbers (rows, count) of the nearest; among those that are equally near, the lowest."""
    rows = np.arange(first, min(first + 1024, len(flat)))
    distance = square[rows, None] + square - 2 * flat[rows] @ flat.T
    distance[rows - first, rows] = np.inf
    farthest = np.partition(distance, count - 1, axis=1)[:, count - 1]
    row, other = np.nonzero(distance <= farthest[:, None] + EQUALLY_NEAR_KM2)
    # Which of two equally near ones counts must not hang on the last bit of a sum.
    order = np.lexsort((other, np.rint(distance[row, other] / EQUALLY_NEAR_KM2), row))
    begin = np.searchsorted(row, np.arange(len(rows)))
    return other[order[begin[:, None] + np.arange(count)]]


def _named(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Pairs:
    number = {name: place for place, name in enumerate(names)}
    unknown = sorted({name for pair in pairs for name in pair if name not in number})
    if unknown:
        known = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise ScenarioError(f"pairs names {', '.join(unknown[:5])}, but the satellites are {known}.")
    twins = sorted({first for first, second in pairs if first == second})
    if twins:
        raise ScenarioError(f"pairs holds {twins[0]} with itself; name two different satellites.")
    chosen = sorted({tuple(sorted((number[first], number[second]))) for first, second in pairs})
    numbers = np.array(chosen, dtype=np.intp).reshape(-1, 2)
    return _pairs(numbers[:, 0], numbers[:, 1])


def _pairs(a: NDArray[Any], b: NDArray[Any]) -> Pairs:
    """One type of numbers for all: compiled loops are compiled once."""
    return Pairs(a.astype(np.int32), b.astype(np.int32))
