"""The contact plan: one sorted table of who can talk to whom, when, how far apart and how fast."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import ScenarioError

if TYPE_CHECKING:
    import pandas as pd

TABLE = np.dtype(
    [
        ("kind", "U6"),
        ("a", "i4"),
        ("b", "i4"),
        ("start_s", "f8"),
        ("end_s", "f8"),
        ("truncated", "?"),
        ("range_min_km", "f8"),
        ("range_max_km", "f8"),
        ("rate_bps", "f8"),
        ("volume_bit", "f8"),
    ]
)


@dataclass(frozen=True, slots=True)
class Contact:
    """A window in which nodes `a` and `b` can exchange up to `volume_bit` each way, at `rate_bps` on average.

    Between satellites it is of kind "isl"; in one of kind "ground" `a` is the satellite and `b` the station.
    `truncated`: the window reaches beyond the span of the plan. Times are SI seconds from the plan's epoch.
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


@dataclass(frozen=True, slots=True, eq=False)
class ContactPlan:
    """All contacts from `epoch_utc` for `duration_s` SI seconds, sorted by start.

    table: (n_contacts,) of dtype `TABLE`, read-only; `a` and `b` count in `nodes`, columns are read as
    `plan.table["start_s"]`. Columns mean what the fields of `Contact` mean.
    """

    epoch_utc: datetime
    duration_s: float
    nodes: tuple[str, ...]
    table: NDArray[Any]

    def __post_init__(self) -> None:
        order = np.lexsort((self.table["b"], self.table["a"], self.table["start_s"]))
        table = self.table[order]
        table.setflags(write=False)
        object.__setattr__(self, "table", table)

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[Contact]:
        for kind, a, b, *rest in self.table.tolist():
            yield Contact(kind, self.nodes[a], self.nodes[b], *rest)

    def between(self, first: str, second: str) -> ContactPlan:
        """The contacts of two nodes, named in either order. Raises ScenarioError for an unknown name."""
        pair = [self._number(first), self._number(second)]
        return self._where((self.table["a"] == min(pair)) & (self.table["b"] == max(pair)))

    def at(self, t_s: float) -> ContactPlan:
        """The contacts that are open at `t_s`."""
        return self._where((self.table["start_s"] <= t_s) & (t_s < self.table["end_s"]))

    def to_frame(self) -> pd.DataFrame:
        """A pandas table with the names of the nodes; epoch and span stand in its `attrs`."""
        import pandas as pd  # slow to import, and most uses of a plan need none

        frame = pd.DataFrame({column: self.table[column] for column in TABLE.names or ()})
        frame = frame.assign(a=self._named("a"), b=self._named("b"))
        frame.attrs = {"epoch_utc": self.epoch_utc.isoformat(), "duration_s": self.duration_s}
        return frame

    def _number(self, node: str) -> int:
        if node not in self.nodes:
            raise ScenarioError(f"No node is called {node}; the plan has {', '.join(self.nodes)}.")
        return self.nodes.index(node)

    def _where(self, chosen: NDArray[np.bool_]) -> ContactPlan:
        return replace(self, table=self.table[chosen])

    def _named(self, column: str) -> NDArray[np.object_]:
        return np.array(self.nodes, dtype=object)[self.table[column]]
