"""What is left of windows if satellites have few terminals for each other: first come, first served."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from orbitfl.contacts.pairs import Pairs
from orbitfl.orbit.crossings import Windows


def served(windows: Windows, bodies: Pairs, count: int, min_duration_s: float = 0.0) -> Windows:
    """The windows between satellites, `bodies` of each (n,), in which both have one of their `count` terminals free.

    A window is served from when it opens, if both satellites have a terminal free; otherwise from when both have one,
    if at least `min_duration_s` of it is left then. At one instant terminals are freed before they are taken, and
    windows are tried in their order. Once served, a window keeps its terminals to its end. One that is served late
    begins then, and counts as cut; one that never is, is left out. They come in order again.
    """
    begun_s = np.full(len(windows), np.inf)
    for row, start_s in _served(windows, bodies, count, min_duration_s):
        begun_s[row] = start_s
    rows = np.flatnonzero(np.isfinite(begun_s))
    rows = rows[np.lexsort((windows.series[rows], begun_s[rows]))]
    left, start_s = windows.where(rows), begun_s[rows]
    return replace(left, start_s=start_s, cut_start=left.cut_start | (start_s > left.start_s))


class _Contact(NamedTuple):
    row: int
    a: int
    b: int
    end_s: float


@dataclass(slots=True)
class _Terminals:
    """Who has how many terminals free, which contacts wait for one (by satellite and row), which end when.

    shortest_s: what has to be left of a contact that begins.
    """

    shortest_s: float
    free: list[int]
    waiting: list[dict[int, _Contact]]
    ends: list[tuple[float, _Contact]] = field(default_factory=list)

    def freed(self, now_s: float) -> list[_Contact]:
        """Free the terminals of what has ended by `now_s`; the contacts that waited for one of them."""
        tried: dict[int, _Contact] = {}
        while self.ends and self.ends[0][0] <= now_s:
            ended = heappop(self.ends)[1]
            for node in (ended.a, ended.b):
                self.free[node] += 1
                tried |= self.waiting[node]
        return list(tried.values())

    def begins(self, contact: _Contact, now_s: float) -> bool:
        """Whether `contact` gets its terminals at `now_s`; if not, it waits unless too little is left of it."""
        open_still = contact.end_s > now_s and contact.end_s - now_s >= self.shortest_s
        both_free = self.free[contact.a] > 0 and self.free[contact.b] > 0
        for node in (contact.a, contact.b):
            if open_still and not both_free:
                self.waiting[node][contact.row] = contact
            else:
                self.waiting[node].pop(contact.row, None)
        if open_still and both_free:
            self.free[contact.a] -= 1
            self.free[contact.b] -= 1
            heappush(self.ends, (contact.end_s, contact))
        return open_still and both_free


def _served(windows: Windows, bodies: Pairs, count: int, min_duration_s: float) -> Iterator[tuple[int, float]]:
    """The rows of windows that get terminals, and when."""
    n_satellites = 1 + int(bodies.b.max(initial=-1))
    terminals = _Terminals(min_duration_s, [count] * n_satellites, [{} for _ in range(n_satellites)])
    for opened_s, opening in _openings(windows, bodies):
        while terminals.ends and terminals.ends[0][0] < opened_s:
            yield from _begun(terminals, terminals.ends[0][0], [])
        yield from _begun(terminals, opened_s, opening)
    while terminals.ends:
        yield from _begun(terminals, terminals.ends[0][0], [])


def _begun(terminals: _Terminals, now_s: float, opening: list[_Contact]) -> Iterator[tuple[int, float]]:
    for contact in sorted([*terminals.freed(now_s), *opening]):
        if terminals.begins(contact, now_s):
            yield contact.row, now_s


def _openings(windows: Windows, bodies: Pairs) -> Iterator[tuple[float, list[_Contact]]]:
    """The windows by the instant at which they open, in their order."""
    columns = (bodies.a.tolist(), bodies.b.tolist(), windows.end_s.tolist())
    contacts = map(_Contact, range(len(windows)), *columns)
    for start_s, together in groupby(zip(windows.start_s.tolist(), contacts, strict=True), key=itemgetter(0)):
        yield start_s, [contact for _, contact in together]
