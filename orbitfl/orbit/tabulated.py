"""Satellites whose states are given in tables, interpolated."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from orbitfl.errors import DataError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.frames import EarthRotation
from orbitfl.orbit.propagator import InItrs, Positions

NODES_AT_ONCE = 4
# Times are rounded on their way from calendar texts to seconds.
SLACK_S = 1e-6


class Newton(NamedTuple):
    """Polynomials in Newton's form, each through a few neighbouring nodes that count twice.

    knots: (n_pieces, 2 n_nodes) in s. coefficients: (n_pieces, 2 n_nodes, 3).
    """

    knots: Floats
    coefficients: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One satellite's states between `start_s` and `end_s`, within its nodes `t_s` (n,).

    The polynomial between two nodes meets positions and velocities at the four nearest (Hermite, degree 7), or at
    all if there are fewer. At a step h its error is up to h⁸ |r⁽⁸⁾| / 8! in the first and the last step, and
    0.32 of that between: in low orbit some 1 mm and 0.3 mm at h = 180 s.
    """

    start_s: float
    end_s: float
    t_s: Floats
    pieces: Newton

    def states(self, t_s: Floats) -> tuple[Floats, Floats]:
        """Positions in km and velocities in km/s, each (n, 3), at t_s (n,)."""
        step = np.searchsorted(self.t_s, t_s, side="right") - 1
        piece = np.clip(step - NODES_AT_ONCE // 2 + 1, 0, len(self.pieces.knots) - 1)
        return _evaluated(self.pieces.knots[piece], self.pieces.coefficients[piece], t_s)


@dataclass(frozen=True, slots=True, eq=False)
class Tabulated:
    """Satellites by their tables in GCRS axes; those of one satellite follow each other without gaps."""

    names: tuple[str, ...]
    tables: tuple[tuple[Table, ...], ...]

    @property
    def count(self) -> int:
        return len(self.tables)

    @property
    def smooth_s(self) -> float:
        """Tables are pieced together."""
        return 0.0

    def positions(self, t_s: ArrayLike) -> Floats:
        return self.states(t_s)[0]

    def over_ground(self, rotation: EarthRotation) -> Positions:
        return InItrs(self, rotation)

    def states(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        """Raises DataError, naming the satellite, for times that its tables do not cover."""
        times_s = np.asarray(t_s, dtype=np.float64)
        states = np.empty((2, self.count, len(times_s), 3))
        for satellite, (name, tables) in enumerate(zip(self.names, self.tables, strict=True)):
            self._require_covered(name, tables, times_s)
            chosen = np.searchsorted([table.start_s for table in tables[1:]], times_s, side="right")
            for number, table in enumerate(tables):
                mine = chosen == number
                states[:, satellite, mine] = table.states(times_s[mine])
        return states[0], states[1]

    def _require_covered(self, name: str, tables: tuple[Table, ...], t_s: Floats) -> None:
        first_s, last_s = tables[0].start_s, tables[-1].end_s
        outside = t_s[(t_s < first_s - SLACK_S) | (t_s > last_s + SLACK_S)]
        if len(outside):
            raise DataError(
                f"The states of {name} reach from {first_s:.3f} to {last_s:.3f} s after the epoch, but "
                f"{outside[0]:.3f} s was asked for; take a longer ephemeris or shorten the span."
            )


def table(start_s: float, end_s: float, t_s: Floats, position_km: Floats, velocity_km_s: Floats) -> Table:
    """From states (n, 3) at two or more increasing times (n,); `start_s` and `end_s` lie within them."""
    pieces = _pieces(t_s, position_km, velocity_km_s, min(NODES_AT_ONCE, len(t_s)))
    return Table(start_s, end_s, t_s, pieces)


def doubt_km(t_s: Floats, position_km: Floats, velocity_km_s: Floats) -> float:
    """How far apart polynomials lie at most that ought to agree: neighbours, in the middle of a step of both.

    For states (n, 3) at two or more times. From five states on, that is about as much as `Table` is off at most (half
    to four times, tests/orbit/test_oem.py); from fewer, the polynomials are of a lower degree, and differ by far more.
    """
    nodes = min(NODES_AT_ONCE, len(t_s) - 1)
    pieces = _pieces(t_s, position_km, velocity_km_s, nodes)
    first = np.arange(len(t_s) - nodes)
    middle_s = (t_s[first + nodes // 2] + t_s[first + nodes // 2 + 1]) / 2
    one, other = (
        _evaluated(pieces.knots[piece], pieces.coefficients[piece], middle_s)[0] for piece in (first, first + 1)
    )
    return float(np.linalg.norm(one - other, axis=-1).max())


def _pieces(t_s: Floats, position_km: Floats, velocity_km_s: Floats, nodes: int) -> Newton:
    """Through every `nodes` states in a row."""
    first = np.arange(len(t_s) - nodes + 1)
    twice = first[:, None] + np.repeat(np.arange(nodes), 2)
    return Newton(t_s[twice], _divided_differences(t_s[twice], position_km[twice], velocity_km_s[twice]))


def _divided_differences(knots: Floats, positions: Floats, velocities: Floats) -> Floats:
    """Newton coefficients of Hermite interpolation (Burden and Faires, Numerical Analysis, section 3.4).

    knots: (n, k), each node twice. positions, velocities: (n, k, 3) at the knots.
    """
    column, coefficients = positions, [positions[:, 0]]
    for order in range(1, knots.shape[1]):
        width = (knots[:, order:] - knots[:, :-order])[..., None]
        rise = np.diff(column, axis=1)
        if order == 1:  # between a node and itself the difference is the velocity
            column = np.empty_like(rise)
            column[:, ::2], column[:, 1::2] = velocities[:, ::2], rise[:, 1::2] / width[:, 1::2]
        else:
            column = rise / width
        coefficients.append(column[:, 0])
    return np.stack(coefficients, axis=1)


def _evaluated(knots: Floats, coefficients: Floats, t_s: Floats) -> tuple[Floats, Floats]:
    """Values and slopes (n, 3) of one polynomial per time (n,), by Horner's rule."""
    value, slope = coefficients[:, -1], np.zeros_like(coefficients[:, -1])
    for term in range(knots.shape[1] - 2, -1, -1):
        distance = (t_s - knots[:, term])[:, None]
        slope = slope * distance + value
        value = value * distance + coefficients[:, term]
    return value, slope
