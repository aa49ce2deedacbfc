"""States at even nodes from positions at all of them, or at every second, third … of them.

A state is taken from the polynomial through the samples nearest to its node. With each node a sample, nine of them do.
Where samples are rare it takes more: a satellite's path holds the third harmonic of its revolution, some kilometres
high, since the Earth's bulge pulls twice per turn. There the nodes next to both ends are samples too, because a
polynomial through even places strays beyond the middle ones (Runge).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from orbitfl.orbit.arrays import Floats, Ints

POINTS_OF_ALL, POINTS_OF_SOME = 9, 27
FEWEST_STEPS = POINTS_OF_ALL - 1
STRIDES_FILLED, LONGEST_STRIDE = 3, 4
"""Beyond, samples next to the ends would stand so much closer than the others that weights lose their digits."""
INTERVALS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, eq=False)
class Stencil:
    """Weights (n_nodes, 3, n_samples) of samples in value, slope and bend, by the step between nodes.

    Every `stride`-th node is a sample, and so is each of the first and the last `filled`. head: of all samples in a row
    that the first nodes need, up to one that needs none but every `stride`-th. inner: of such samples in a row, for
    `INTERVALS_AT_ONCE` intervals between them.
    """

    stride: int
    filled: int
    head: Floats
    inner: Floats

    def samples(self, steps: int) -> Ints:
        """Which of the nodes 0 … steps are samples; `steps` is a multiple of the stride."""
        inner = np.arange(self.filled, steps - self.filled, self.stride)
        return np.concatenate([np.arange(self.filled), inner, np.arange(steps - self.filled, steps + 1)])

    def fill(self, states: Floats, samples: Floats, step_s: float) -> None:
        """Write values, slopes and bends (n_nodes, n, 3, 3) from samples (n, n_samples, 3)."""
        count, n_samples, _ = samples.shape
        rows, steps = samples.transpose(1, 0, 2).reshape(n_samples, -1), len(states) - 1
        power = (step_s ** -np.arange(3.0))[:, None]
        head, inner, reach = self.head * power, self.inner * power, len(self.head) - 1

        def write(first: int, weights: Floats, sample: int) -> None:
            nodes, _, needed = weights.shape
            block = weights.reshape(-1, needed) @ rows[sample : sample + needed]
            states[first : first + nodes] = block.reshape(nodes, 3, count, 3).transpose(0, 2, 1, 3)

        write(0, head[:reach], 0)
        for first in range(reach, steps - reach, len(inner)):
            nodes = min(len(inner), steps - reach - first)
            needed = inner.shape[2] - (len(inner) - nodes) // self.stride
            write(first, inner[:nodes, :, :needed], self.filled + (first - reach) // self.stride)
        # Seen from the end, time runs the other way, and so do slopes.
        write(steps - reach, head[::-1, :, ::-1] * np.array([1.0, -1.0, 1.0])[:, None], n_samples - head.shape[2])


def sparsest(most: int, steps: int) -> Stencil:
    """The stencil of the longest stride up to `most`; of all nodes, if so few steps leave no room between its ends."""
    stride = min(most, LONGEST_STRIDE)
    return stencil(stride if 1 < stride <= steps / (2 * STRIDES_FILLED + POINTS_OF_SOME) else 1)


@cache
def stencil(stride: int) -> Stencil:
    points, filled = (POINTS_OF_ALL, 0) if stride == 1 else (POINTS_OF_SOME, STRIDES_FILLED * stride)
    side = points // 2
    reach = filled + side * stride
    early = np.concatenate([np.arange(filled), filled + stride * np.arange(points)])
    even = stride * np.arange(-side, side + INTERVALS_AT_ONCE + (stride > 1))
    nodes = np.arange(INTERVALS_AT_ONCE * stride)
    return Stencil(stride, filled, _rows(early, np.arange(reach + 1), points), _rows(even, nodes, points))


def _rows(places: Ints, nodes: Ints, points: int) -> Floats:
    """Weights (n_nodes, 3, n_places) of the `points` places nearest to each node."""
    rows = np.zeros((len(nodes), 3, len(places)))
    for row, node in zip(rows, nodes, strict=True):
        first = max(0, np.abs(places - node).argmin() - points // 2)
        row[:, first : first + points] = _weights(places[first : first + points], node)
    return rows


def _weights(places: Ints, at: int) -> Floats:
    """Weights (3, n) of values at places (n,) in their polynomial's value, slope and bend at a place.

    Slopes: Berrut & Trefethen, Barycentric Lagrange interpolation, SIAM Review 46, 2004, eq. 9.4 and 9.5.
    """
    same = np.eye(len(places))
    apart = places[:, None] - places + same
    product = apart.prod(axis=1)
    slopes = product[:, None] / product / apart - same
    np.fill_diagonal(slopes, -slopes.sum(axis=1))
    value = np.where(same > 0, 1.0, at - places).prod(axis=1) / product
    return np.stack([value, value @ slopes, value @ slopes @ slopes])
