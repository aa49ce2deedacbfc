"""A table of intervals of time: eclipses, images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Column = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Intervals between 0 and `duration_s` SI seconds from `epoch_utc`, in order of start; read-only.

    what: a word for the rows. table: columns (n,) by name, `start_s` and `end_s` among them.
    names: for every column that holds codes, what its codes count in. `intervals` makes it.
    """

    what: str
    epoch_utc: datetime
    duration_s: float
    names: Mapping[str, tuple[str, ...]]
    table: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.table["start_s"])

    def __repr__(self) -> str:
        return f"<Intervals: {len(self)} {self.what}, {self.duration_s:g} s from {self.epoch_utc.isoformat()}>"

    def to_frame(self) -> pd.DataFrame:
        """A pandas table with names instead of codes; epoch and span stand in its `attrs`."""
        import pandas as pd  # slow to import, and most uses need none

        columns = {
            name: np.array(self.names[name], dtype=object)[column] if name in self.names else column
            for name, column in self.table.items()
        }
        frame = pd.DataFrame(columns)
        frame.attrs.update(epoch_utc=self.epoch_utc.isoformat(), duration_s=self.duration_s)
        return frame


def intervals(
    what: str,
    epoch_utc: datetime,
    duration_s: float,
    names: Mapping[str, Sequence[str]],
    columns: Mapping[str, Column],
) -> Intervals:
    """The table of columns (n,) in any order: rows are sorted by start, ties by the codes in the order of `names`."""
    keys = [columns[name] for name in reversed(list(names))]
    order = np.lexsort([*keys, columns["start_s"]])
    table = {name: column[order] for name, column in columns.items()}
    for column in table.values():
        column.setflags(write=False)
    known = {name: tuple(values) for name, values in names.items()}
    return Intervals(what, epoch_utc, duration_s, MappingProxyType(known), MappingProxyType(table))
