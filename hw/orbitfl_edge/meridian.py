"""Polygons cut where the map ends: at the antimeridian, and along a pole that they enclose.

Whole numbers, so that points that are one stay one: rings may touch, and only at points.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

PER_DEGREE = 10**7
"""The unit, about a centimetre."""
HALF, TURN = 180 * PER_DEGREE, 360 * PER_DEGREE

Point = tuple[int, int]
"""Longitude and latitude in the unit."""
Ring = list[Point]
"""The last point is the first, and no other comes twice."""
Polygon = list[Ring]
"""The outer ring, then its holes."""


@dataclass(frozen=True)
class _Outer:
    """points: (n, 2) of the ring. low, high: (2,), its least and greatest longitude and latitude."""

    points: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]


def parts(polygon: Polygon) -> list[Polygon]:
    """`polygon` in parts from -180° to 180°, outer rings counterclockwise and holes clockwise.

    polygon: with any longitudes; between neighbouring points the shorter way round is meant. Where an outer ring goes
    round a pole, the pole of its own hemisphere is inside.
    """
    if all(_is_on_map(ring) for ring in polygon):
        return [_wound(polygon)]
    outer, *holes = map(_unwrapped, polygon)
    if _turn(outer):
        around = [_over_pole(ring) for ring in (outer, *holes) if _turn(ring)]
        lakes = [_shifted(hole, by) for hole in holes if not _turn(hole) for by in (-TURN, 0, TURN)]
        return _between(_wound([*around, *lakes]), 0)
    beside = [_shifted(hole, TURN * round((_middle(outer) - _middle(hole)) / TURN)) for hole in holes]
    west, east = _span(outer)
    sheets = range((west + HALF) // TURN, (east - HALF) // TURN + 2)
    return [part for sheet in sheets for part in _between(_wound([outer, *beside]), sheet)]


def _between(polygon: Polygon, sheet: int) -> list[Polygon]:
    """What lies between two antimeridians, brought to -180° to 180°."""
    first = TURN * sheet - HALF
    kept = [part for east in _split(polygon, first)[1] for part in _split(east, first + TURN)[0]]
    return [[_shifted(ring, -TURN * sheet) for ring in part] for part in kept]


def _is_on_map(ring: Ring) -> bool:
    west, east = _span(ring)
    return west >= -HALF and east <= HALF and east - west < HALF


def _span(ring: Ring) -> tuple[int, int]:
    longitudes = [longitude for longitude, _ in ring]
    return min(longitudes), max(longitudes)


def _middle(ring: Ring) -> float:
    return sum(_span(ring)) / 2


def _shifted(ring: Ring, by: int) -> Ring:
    return [(longitude + by, latitude) for longitude, latitude in ring]


def _unwrapped(ring: Ring) -> Ring:
    """Without jumps from one side of the map to the other; around a pole the last point is a whole turn further."""
    plain = [ring[0]]
    for longitude, latitude in ring[1:]:
        before = plain[-1][0]
        plain.append((before + (longitude - before + HALF) % TURN - HALF, latitude))
    return plain


def _turn(ring: Ring) -> int:
    return ring[-1][0] - ring[0][0]


def _over_pole(ring: Ring) -> Ring:
    """A ring around a pole as two turns, which cover -180° to 180° wherever it begins, and back along the pole."""
    pole = (HALF if sum(latitude for _, latitude in ring) > 0 else -HALF) // 2
    twice = [*_shifted(ring, -_turn(ring)), *ring[1:]]
    return [*twice, (twice[-1][0], pole), (twice[0][0], pole), twice[0]]


def _wound(polygon: Polygon) -> Polygon:
    outer, *holes = polygon
    return [
        outer if _area(outer) >= 0 else outer[::-1],
        *(hole if _area(hole) <= 0 else hole[::-1] for hole in holes),
    ]


def _area(ring: Ring) -> int:
    """Twice the area: above 0 where the ring runs counterclockwise."""
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairwise(ring))


def _split(polygon: Polygon, meridian: int) -> tuple[list[Polygon], list[Polygon]]:
    """West and east of a meridian."""
    runs = [run for ring in polygon for run in _runs(ring, meridian)]
    west, east = ([run for side, run in runs if side is half] for half in (False, True))
    return _joined(west), _joined(east)


def _runs(ring: Ring, meridian: int) -> list[tuple[bool, Ring]]:
    """The ring, or where it crosses the meridian its runs from crossing to crossing, and whether each lies east."""
    points = ring[:-1]
    sides = [longitude >= meridian for longitude, _ in points]
    if len(set(sides)) == 1:
        return [(sides[0], ring)]
    turned = next(k for k, side in enumerate(sides) if side is not sides[k - 1])
    points, sides = points[turned:] + points[:turned], sides[turned:] + sides[:turned]
    runs, first = [], 0
    for side, group in groupby(sides):
        end = first + len(list(group))
        came = _crossing(points[first - 1], points[first], meridian)
        left = _crossing(points[end - 1], points[end % len(points)], meridian)
        runs.append((side, [came, *points[first:end], left]))
        first = end
    return runs


def _crossing(one: Point, other: Point, meridian: int) -> Point:
    (x, y), (other_x, other_y) = sorted((one, other))
    return meridian, y + (other_y - y) * (meridian - x) // (other_x - x)


def _joined(runs: list[Ring]) -> list[Polygon]:
    """Polygons of one side of a meridian, from runs and rings that have the inside to their left."""
    rings = [ring for run in _loops(runs) for ring in _simple(run)]
    areas = [_area(ring) for ring in rings]
    found = [[ring] for ring, area in zip(rings, areas, strict=True) if area > 0]
    outers = [_measured(ring) for ring, *_ in found]
    lows = np.array([outer.low for outer in outers]).reshape(-1, 2)
    highs = np.array([outer.high for outer in outers]).reshape(-1, 2)
    for hole in (ring for ring, area in zip(rings, areas, strict=True) if area < 0):
        middle = np.array(hole[:2]).mean(axis=0)
        near = np.flatnonzero(((lows <= middle) & (middle <= highs)).all(axis=1))
        holder = next((k for k in near if _holds(outers[k], middle)), None)
        if holder is not None:
            found[holder].append(hole)
    return found


def _loops(runs: list[Ring]) -> Iterator[Ring]:
    """Closed rings: runs go on along the meridian. Its stretches that are inside lie between the southernmost end of a
    run and the southernmost start, between the second end and the second start, and so on."""
    yield from (run for run in runs if run[0] == run[-1])
    cut = [run for run in runs if run[0] != run[-1]]
    places = range(len(cut))
    ends, starts = sorted(places, key=lambda k: cut[k][-1][1]), sorted(places, key=lambda k: cut[k][0][1])
    following = dict(zip(ends, starts, strict=True))
    while following:
        at, loop = next(iter(following)), []
        while at in following:
            loop += cut[at]
            at = following.pop(at)
        yield [*loop, loop[0]]


def _simple(ring: Ring) -> Iterator[Ring]:
    """The rings that a ring consists of which comes to the same point again."""
    path: dict[Point, None] = {}
    for point in ring:
        if point in path:
            inner = [point]
            while (last := path.popitem()[0]) != point:
                inner.append(last)
            yield [point, *inner[::-1]]
        path[point] = None


def _measured(ring: Ring) -> _Outer:
    points = np.array(ring)
    return _Outer(points, points.min(axis=0), points.max(axis=0))


def _holds(outer: _Outer, spot: NDArray[np.float64]) -> bool:
    """Whether `spot`, the middle of a hole's first edge, lies inside; a corner of a hole may touch the outer ring."""
    x, y = spot
    south = outer.points[:, 1] > y
    crossed = np.flatnonzero(south[:-1] != south[1:])
    (west, first), (east, last) = outer.points[crossed].T, outer.points[crossed + 1].T
    return np.count_nonzero(x < west + (y - first) / (last - first) * (east - west)) % 2 == 1
