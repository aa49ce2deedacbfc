"""The contact plan: one sorted table of who can talk to whom, when, how far apart and how fast."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from orbitfl.contacts.columns import COLUMNS, GROUND, ISL, KINDS, Columns, checked, columns_of, numbers_of
from orbitfl.errors import DataError, ScenarioError
from orbitfl.orbit.arrays import Ints

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    from plotly.graph_objects import Figure

__all__ = ["COLUMNS", "GROUND", "ISL", "KINDS", "Columns", "Contact", "ContactPlan", "columns_of"]

ITERATED_TOGETHER = 4096
LONGEST_S = 3.2e9  # a century
YEARS = range(1957, 2201)
NOWHERE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Contact:
    """A window in which nodes `a` and `b` can exchange up to `volume_bit` each way, at `rate_bps` on average.

    Between satellites it is of kind "isl"; in one of kind "ground" `a` is the satellite and `b` the station.
    It is open from `start_s` up to, but not at, `end_s`: SI seconds from the plan's epoch.
    `truncated`: the window is longer, but the span of the plan or a busy terminal cuts it at one end or both.
    """

    kind: Literal["isl", "ground"]
    a: str
    b: str
    start_s: float
    end_s: float
    truncated: bool
    range_min_km: float
    range_max_km: float
    rate_bps: float
    volume_bit: float


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class ContactPlan:
    """All contacts from `epoch_utc` for `duration_s` SI seconds, sorted by start, then a, then b.

    nodes: names, satellites first, then stations. columns: an array (n_contacts,) for every name in `COLUMNS`;
    `a` and `b` count in `nodes`, a < b, and `kind` counts in `KINDS`; they mean what the fields of `Contact` mean.
    `plan.table` maps the same names to read-only arrays of these types; arrays that own their memory are taken
    over, and are read-only from then on. provenance: where the plan comes from, values of JSON.
    satellites: how many of the nodes are satellites; left out, those before the first station that has a contact.
    Plans are equal if they say the same, wherever they come from.
    Raises ScenarioError for an epoch without time zone, a span that is not positive, equal or empty names, and
    columns that are not of one length, not of their types, not finite or beyond the span.
    """

    epoch_utc: datetime
    duration_s: float
    nodes: tuple[str, ...]
    satellite_count: int
    table: Columns
    provenance: Mapping[str, Any]

    def __init__(
        self,
        epoch_utc: datetime,
        duration_s: float,
        nodes: Sequence[str],
        columns: Columns,
        provenance: Mapping[str, Any] = NOWHERE,
        *,
        satellites: int | None = None,
    ) -> None:
        _require_epoch_and_span(epoch_utc, duration_s)
        _require_names(nodes)
        table = checked(columns, duration_s, len(nodes))
        values = {
            "epoch_utc": epoch_utc.astimezone(UTC),
            "duration_s": float(duration_s),
            "nodes": tuple(nodes),
            "satellite_count": _satellite_count(table, len(nodes), satellites),
            "table": table,
            "provenance": _json_values(provenance),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (self.epoch_utc, self.duration_s, self.nodes, dict(self.table), dict(self.provenance))
        return partial(ContactPlan, satellites=self.satellite_count), parts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ContactPlan):
            return NotImplemented
        return self._frame_of_reference() == other._frame_of_reference() and all(
            np.array_equal(self.table[name], other.table[name]) for name in COLUMNS
        )

    def __len__(self) -> int:
        return len(self.table["start_s"])

    def __iter__(self) -> Iterator[Contact]:
        return self._contacts(np.arange(len(self)))

    def __repr__(self) -> str:
        counts = Counter({kind: int((self.table["kind"] == code).sum()) for code, kind in enumerate(KINDS)})
        contacts = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        return (
            f"<ContactPlan: {len(self)} contacts ({contacts}) of {self.satellite_count} satellites and "
            f"{len(self.nodes) - self.satellite_count} stations, {self.duration_s:g} s from "
            f"{self.epoch_utc.isoformat()}>"
        )

    def _repr_html_(self) -> str:
        first = self._take(np.arange(min(len(self), 8))).to_frame()
        return f"<p>{escape(repr(self))}</p>{first.to_html(index=False)}"

    def plot(self) -> Figure:
        """A bar for every window against hours, a row for every pair of nodes; plotly shows it in a notebook.

        Of more than 60 pairs those longest in contact are drawn, and the figure says what is left out; choose others by
        `of`, `of_kind` or `between` before.
        """
        from plotly.graph_objects import Figure

        from orbitfl.contacts.gantt import gantt

        return Figure(gantt(self))

    @property
    def satellite_names(self) -> tuple[str, ...]:
        return self.nodes[: self.satellite_count]

    def between(self, first: str, second: str) -> ContactPlan:
        """The contacts of two nodes, named in either order. Raises ScenarioError for an unknown name."""
        a, b = sorted((self.number_of(first), self.number_of(second)))
        return self.where((self.table["a"] == a) & (self.table["b"] == b))

    def of(self, node: str) -> ContactPlan:
        """The contacts that `node` has part in. Raises ScenarioError for an unknown name."""
        return self.where(self._involves(node))

    def of_kind(self, kind: Literal["isl", "ground"]) -> ContactPlan:
        """The contacts between satellites ("isl") or with stations ("ground"). Raises ScenarioError otherwise."""
        if kind not in KINDS:
            raise ScenarioError(f"kind is {kind}, but a contact is of kind {' or '.join(KINDS)}.")
        return self.where(self.table["kind"] == KINDS.index(kind))

    def longer_than(self, duration_s: float) -> ContactPlan:
        """The contacts that last more than `duration_s`."""
        return self.where(self.table["end_s"] - self.table["start_s"] > duration_s)

    def at(self, t_s: float) -> ContactPlan:
        """The contacts that are open at `t_s`."""
        begun = np.searchsorted(self.table["start_s"], t_s, "right")
        return self._take(np.flatnonzero(self.table["end_s"][:begun] > t_s))

    def where(self, chosen: NDArray[np.bool_]) -> ContactPlan:
        """The contacts that a mask (n_contacts,) over the columns of `table` chooses."""
        return self._take(np.flatnonzero(chosen))

    def next_contact(self, node: str, t_s: float) -> Contact | None:
        """The first contact of `node` that is open at `t_s` or opens later; None if there is none.

        Of several that are open it is the one that opened first. Raises ScenarioError for an unknown name.
        """
        rows = np.flatnonzero(self._involves(node) & (self.table["end_s"] > t_s))
        lasting = rows[self.table["end_s"][rows] > self.table["start_s"][rows]]
        return next(self._contacts(lasting[:1]), None)

    def events(self) -> Iterator[tuple[float, bool, Contact]]:
        """Every opening (True) and closing (False) in order of time, with its contact.

        At one instant what closes comes before what opens. A contact of no length is open at no instant and left out.
        """
        rows = np.flatnonzero(self.table["end_s"] > self.table["start_s"])
        times_s = np.concatenate([self.table["end_s"][rows], self.table["start_s"][rows]])
        order = np.argsort(times_s, kind="stable")
        opens = order >= len(rows)
        contacts = self._contacts(np.concatenate([rows, rows])[order])
        for place, contact in enumerate(contacts):
            yield float(times_s[order[place]]), bool(opens[place]), contact

    def graph(self, t_s: float) -> nx.Graph:
        """The network at `t_s`: every node (attribute `station`), an edge for every open contact.

        Edges carry the fields of `Contact` but for a and b.
        """
        import networkx as nx  # slow to import, and most uses of a plan need none

        graph = nx.Graph(t_s=t_s)
        for number, name in enumerate(self.nodes):
            graph.add_node(name, station=number >= self.satellite_count)
        for contact in self.at(t_s):
            values = {name: getattr(contact, name) for name in COLUMNS if name not in ("a", "b")}
            graph.add_edge(contact.a, contact.b, **values)
        return graph

    def to_frame(self) -> pd.DataFrame:
        """A pandas table with the names of nodes and kinds; the rest of the plan stands in its `attrs`."""
        import pandas as pd  # slow to import, and most uses of a plan need none

        names = {"kind": KINDS, "a": self.nodes, "b": self.nodes}
        columns = {
            name: np.array(names[name], dtype=object)[column] if name in names else column
            for name, column in self.table.items()
        }
        frame = pd.DataFrame(columns)
        frame.attrs.update(self.header())
        return frame

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> ContactPlan:
        """What `to_frame` made, or rows chosen from it. Raises DataError for any other table."""
        import pandas as pd

        nodes = _header_values(frame.attrs)["nodes"]
        names = {"kind": KINDS, "a": nodes, "b": nodes}
        columns: dict[str, NDArray[Any]] = {}
        for name in map(str, frame):
            if name in names:
                codes, values = pd.factorize(frame[name], use_na_sentinel=False)
                columns[name] = numbers_of(values, names[name])[codes]
            else:
                columns[name] = frame[name].to_numpy()
        return cls.from_header(frame.attrs, columns)

    def header(self) -> dict[str, Any]:
        """Everything but the contacts, as values of JSON."""
        return {
            "epoch_utc": self.epoch_utc.isoformat(),
            "duration_s": self.duration_s,
            "nodes": list(self.nodes),
            "satellite_count": self.satellite_count,
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_header(cls, header: Any, columns: Columns) -> ContactPlan:
        """A plan from what a file holds; `header` is of any type, and checked. Raises DataError."""
        values = _header_values(header)
        try:
            return cls(columns=columns, **values)
        except ScenarioError as error:
            raise DataError(str(error)) from error

    def number_of(self, node: str) -> int:
        """Where `node` stands in `nodes`. Raises ScenarioError for an unknown name."""
        if node not in self.nodes:
            known = ", ".join(self.nodes[:10]) + (", ..." if len(self.nodes) > 10 else "")
            raise ScenarioError(f"No node is called {node}; the plan has {known}.")
        return self.nodes.index(node)

    def _involves(self, node: str) -> NDArray[np.bool_]:
        number = self.number_of(node)
        return (self.table["a"] == number) | (self.table["b"] == number)

    def with_columns(self, columns: Columns, provenance: Mapping[str, Any]) -> ContactPlan:
        """Other contacts of the same nodes in the same span."""
        return ContactPlan(
            self.epoch_utc, self.duration_s, self.nodes, columns, provenance, satellites=self.satellite_count
        )

    def _take(self, rows: Ints) -> ContactPlan:
        return self.with_columns({name: column[rows] for name, column in self.table.items()}, self.provenance)

    def _contacts(self, rows: Ints) -> Iterator[Contact]:
        for first in range(0, len(rows), ITERATED_TOGETHER):
            block = rows[first : first + ITERATED_TOGETHER]
            for kind, a, b, *rest in zip(*(column[block].tolist() for column in self.table.values()), strict=True):
                yield Contact(KINDS[kind], self.nodes[a], self.nodes[b], *rest)

    def _frame_of_reference(self) -> tuple[Any, ...]:
        return self.epoch_utc, self.duration_s, self.nodes, self.satellite_count


def _require_epoch_and_span(epoch_utc: datetime, duration_s: float) -> None:
    if epoch_utc.utcoffset() is None:
        raise ScenarioError(f"epoch_utc is {epoch_utc} without a time zone; add one, such as a Z at the end.")
    if epoch_utc.year not in YEARS:
        raise ScenarioError(f"epoch_utc is {epoch_utc}, but it must lie in the years {YEARS[0]} to {YEARS[-1]}.")
    if not 0 < duration_s <= LONGEST_S:
        raise ScenarioError(
            f"duration_s is {duration_s}, but a contact plan spans more than 0 and at most {LONGEST_S:g} seconds."
        )


def _require_names(nodes: Sequence[str]) -> None:
    wrong = [name for name in nodes if not (isinstance(name, str) and name and name.isprintable())]
    if wrong:
        raise ScenarioError(f"{str(wrong[0])[:40]!r} is not a name of a node; give one or more printable characters.")
    twice = sorted(name for name, count in Counter(nodes).items() if count > 1)
    if twice:
        raise ScenarioError(f"Node names must differ, but these are given twice: {', '.join(twice)}. Rename them.")


def _satellite_count(table: Columns, n_nodes: int, given: int | None) -> int:
    """As given, if the contacts agree, else from them."""
    ground = table["kind"] == GROUND
    stations = table["b"][ground]
    lowest_station = int(stations.min()) if len(stations) else n_nodes
    satellites = [table["a"], table["b"][~ground]]
    highest_satellite = max((int(column.max()) for column in satellites if len(column)), default=-1)
    count = lowest_station if given is None else given
    if not highest_satellite < count <= lowest_station:
        raise ScenarioError(
            f"{count} of the {n_nodes} nodes are taken for satellites, but contacts make node {highest_satellite} "
            f"a satellite and node {lowest_station} a station; give the satellites first, then the stations."
        )
    return count


def _json_values(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """A copy of its own. Raises ScenarioError for what JSON cannot carry."""
    try:
        return MappingProxyType(json.loads(json.dumps(dict(provenance), allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        raise ScenarioError(f"The provenance of a contact plan must be values of JSON: {error}.") from error


HEADER: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "epoch_utc": (str,),
        "duration_s": (int, float),
        "nodes": (list,),
        "satellite_count": (int,),
        "provenance": (dict,),
    }
)


def _header_values(header: Any) -> dict[str, Any]:
    """Arguments of ContactPlan from a header of any type. Raises DataError."""
    given = header if isinstance(header, dict) else {}
    for name, types in HEADER.items():
        if not isinstance(given.get(name), types) or isinstance(given[name], bool):
            raise DataError(
                f"The plan's {name} is missing or of the wrong type; write the plan again, or add {name} as "
                f"orbitfl writes it."
            )
    try:
        epoch_utc = datetime.fromisoformat(given["epoch_utc"])
    except ValueError as error:
        raise DataError(f"The plan's epoch_utc is {given['epoch_utc'][:40]}, but a time as ISO 8601 is due.") from error
    return {
        "epoch_utc": epoch_utc,
        "duration_s": given["duration_s"],
        "nodes": tuple(given["nodes"]),
        "satellites": given["satellite_count"],
        "provenance": given["provenance"],
    }
