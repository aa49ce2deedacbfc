"""What is left of a plan if satellites have few terminals for each other: first come, first served."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from orbitfl.contacts.columns import ISL
from orbitfl.contacts.plan import ContactPlan
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats, Ints


def with_terminals(plan: ContactPlan, count: int, min_duration_s: float = 0.0) -> ContactPlan:
    """The plan if every satellite has `count` terminals for other satellites, each serving one contact at a time.

    A contact between satellites begins when it opens, if both have a terminal free; otherwise as soon as both have
    one, if at least `min_duration_s` of it is left then. At one instant terminals are freed before they are taken,
    and contacts are tried in the order of the plan. Once begun, a contact keeps its terminals to its end. What begins
    late is marked `truncated`, its volume is cut in proportion to its time, and rate and ranges stay those of the
    whole window; what never begins is left out. Contacts with stations pass as they are: their antennas are others.
    Raises ScenarioError for a count below 1.
    """
    if count < 1:
        raise ScenarioError(f"count is {count}, but a satellite needs at least 1 terminal to have contacts.")
    begun_s = np.where(plan.table["kind"] == ISL, np.inf, plan.table["start_s"])
    for row, start_s in _served(plan, count, min_duration_s):
        begun_s[row] = start_s
    kept = np.isfinite(begun_s)
    return _beginning(plan, np.flatnonzero(kept), begun_s[kept], count)


def _beginning(plan: ContactPlan, rows: Ints, begun_s: Floats, count: int) -> ContactPlan:
    columns = {name: column[rows] for name, column in plan.table.items()}
    late = begun_s > columns["start_s"]
    lasted_s = columns["end_s"] - columns["start_s"]
    left = np.where(late, columns["end_s"] - begun_s, lasted_s)
    columns["volume_bit"] *= np.divide(left, lasted_s, out=np.ones_like(left), where=lasted_s > 0)
    columns["start_s"], columns["truncated"] = begun_s, columns["truncated"] | late
    provenance = {**plan.provenance, "terminals": count}
    return plan.with_columns(columns, provenance)


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


def _served(plan: ContactPlan, count: int, min_duration_s: float) -> Iterator[tuple[int, float]]:
    """The rows of contacts that get terminals, and when."""
    n_satellites = plan.satellite_count
    terminals = _Terminals(min_duration_s, [count] * n_satellites, [{} for _ in range(n_satellites)])
    for opened_s, opening in _openings(plan):
        while terminals.ends and terminals.ends[0][0] < opened_s:
            yield from _begun(terminals, terminals.ends[0][0], [])
        yield from _begun(terminals, opened_s, opening)
    while terminals.ends:
        yield from _begun(terminals, terminals.ends[0][0], [])


def _begun(terminals: _Terminals, now_s: float, opening: list[_Contact]) -> Iterator[tuple[int, float]]:
    for contact in sorted([*terminals.freed(now_s), *opening]):
        if terminals.begins(contact, now_s):
            yield contact.row, now_s


def _openings(plan: ContactPlan) -> Iterator[tuple[float, list[_Contact]]]:
    """Contacts between satellites by the instant at which they open, in the order of the plan."""
    table = plan.table
    rows = np.flatnonzero((table["kind"] == ISL) & (table["end_s"] > table["start_s"]))
    values = (table[name][rows].tolist() for name in ("a", "b", "end_s"))
    contacts = map(_Contact, rows.tolist(), *values)
    opened_s = table["start_s"][rows].tolist()
    for start_s, together in groupby(zip(opened_s, contacts, strict=True), key=itemgetter(0)):
        yield start_s, [contact for _, contact in together]
