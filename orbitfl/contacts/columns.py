"""What the columns of a contact plan are, and how they are checked, sorted and made read-only."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import DataError, ScenarioError
from orbitfl.orbit.arrays import Ints

KINDS = ("isl", "ground")
ISL, GROUND = range(len(KINDS))

COLUMNS: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {
        "kind": np.dtype("i1"),
        "a": np.dtype("i4"),
        "b": np.dtype("i4"),
        "start_s": np.dtype("f8"),
        "end_s": np.dtype("f8"),
        "truncated": np.dtype("?"),
        "range_min_km": np.dtype("f4"),
        "range_max_km": np.dtype("f4"),
        "rate_bps": np.dtype("f8"),
        "volume_bit": np.dtype("f8"),
    }
)
SORTED_BY = ("start_s", "a", "b", "end_s")

Column = NDArray[Any]
Columns = Mapping[str, Column]


class SearchedColumns(dict[str, Column]):
    """Columns from our own search: of their types and in order already, which would take a second to check."""


def columns_of(rows: Iterable[Sequence[Any]]) -> dict[str, Column]:
    """Columns from rows of values in the order of `COLUMNS`; a kind is given by its name. For few rows."""
    values = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    values[0] = tuple(KINDS.index(kind) for kind in values[0])
    return {name: np.array(given, dtype) for (name, dtype), given in zip(COLUMNS.items(), values, strict=True)}


def numbers_of(values: Iterable[Any], names: Sequence[Any]) -> Column:
    """Where each value stands in `names`, (n,). Raises DataError for one that does not."""
    number_of = {name: number for number, name in enumerate(names) if isinstance(name, str)}
    try:
        return np.array([number_of[value] for value in values], dtype="i4")
    except (KeyError, TypeError) as error:
        raise DataError(f"A contact names {str(error)[:60]}, which is not a kind or node of the plan.") from error


def checked(columns: Columns, duration_s: float, n_nodes: int) -> Columns:
    """The columns in their order and types, sorted, read-only. No copies are made of what is so already.

    An array that owns its memory is taken over and made read-only itself; of a view a copy is taken.
    Raises ScenarioError for other names, shapes or types, and for rows that no contact can have.
    """
    if isinstance(columns, SearchedColumns):
        return MappingProxyType({name: _frozen(columns[name]) for name in COLUMNS})
    typed = _typed(columns)
    _require_values(typed, duration_s, n_nodes)
    keys = [typed[name] for name in SORTED_BY]
    if not _is_sorted(keys):
        order = _sorting(keys)
        typed = {name: column[order] for name, column in typed.items()}
    return MappingProxyType({name: _frozen(column) for name, column in typed.items()})


def merged(first: dict[str, Column], second: dict[str, Column]) -> dict[str, Column]:
    """The rows of two tables, each in order, in order; made for a `second` that is much shorter.

    Rows of one start and `a` come from `first` before they come from `second`. Empties `first`, since both and
    their union would need twice the memory.
    """
    start, a = first["start_s"], first["a"]
    before, after = (np.searchsorted(start, second["start_s"], side) for side in ("left", "right"))
    place = before.copy()
    for row in np.flatnonzero(after > before):
        place[row] += np.searchsorted(a[before[row] : after[row]], second["a"][row], "right")
    return {name: np.insert(first.pop(name), place, second[name]) for name in COLUMNS}


def _typed(columns: Columns) -> dict[str, Column]:
    if set(columns) != set(COLUMNS):
        raise ScenarioError(f"A contact plan has the columns {', '.join(COLUMNS)}, but {', '.join(columns)} are given.")
    given = {name: np.asarray(columns[name]) for name in COLUMNS}
    shapes = {column.shape for column in given.values()}
    if len(shapes) != 1 or len(shapes.pop()) != 1:
        described = ", ".join(f"{name} {column.shape}" for name, column in given.items())
        raise ScenarioError(f"All columns of a contact plan must be of one length, but they are of shape {described}.")
    return {name: _cast(name, column) for name, column in given.items()}


def _cast(name: str, column: Column) -> Column:
    wanted = COLUMNS[name]
    if not len(column):
        return np.empty(0, wanted)
    if not np.can_cast(column.dtype, wanted, "same_kind"):
        raise ScenarioError(f"Column {name} of a contact plan is of type {column.dtype}, but it must be {wanted}.")
    if wanted.kind == "i" and column.dtype != wanted:
        bounds = np.iinfo(wanted)
        _require(name, column, bounds.min, bounds.max)
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused as such
        return column.astype(wanted, copy=False)


def _require_values(table: Columns, duration_s: float, n_nodes: int) -> None:
    if not len(table["kind"]):
        return
    _require("kind", table["kind"], 0, len(KINDS) - 1)
    _require("a", table["a"], 0, n_nodes - 1)
    _require("b", table["b"], 0, n_nodes - 1)
    _require("start_s", table["start_s"], 0, duration_s)
    _require("end_s", table["end_s"], 0, duration_s)
    for name in ("range_min_km", "range_max_km", "rate_bps", "volume_bit"):
        _require(name, table[name], 0, np.finfo(COLUMNS[name]).max)
    _require_order(table, "start_s", "end_s", np.less_equal)
    _require_order(table, "range_min_km", "range_max_km", np.less_equal)
    _require_order(table, "a", "b", np.less)


def _require(name: str, column: Column, lowest: float, highest: float) -> None:
    # Extremes of a column with a NaN are NaN, and then neither comparison holds.
    if not (column.min() >= lowest and column.max() <= highest):
        wrong = column[~((column >= lowest) & (column <= highest))][0]
        raise ScenarioError(f"Column {name} of a contact plan holds {wrong}, but must be from {lowest} to {highest}.")


def _require_order(table: Columns, lower: str, upper: str, compare: np.ufunc) -> None:
    fits = compare(table[lower], table[upper])
    if not fits.all():
        row = fits.argmin()
        relation = "below" if compare is np.less else "at most"
        raise ScenarioError(
            f"A contact has {lower} {table[lower][row]} and {upper} {table[upper][row]}, "
            f"but {lower} must be {relation} {upper}; swap or mend them."
        )


def _is_sorted(keys: Sequence[Column]) -> bool:
    rows = np.flatnonzero(keys[0][1:] <= keys[0][:-1])
    return not len(_falls(keys, rows, rows + 1))


def _sorting(keys: Sequence[Column]) -> Ints:
    """As np.lexsort, first key first, for a first key that is not negative; in a tenth of its time."""
    highest = keys[0].max()
    steps = 2.0 ** (63 - _row_bits(len(keys[0])))
    # Rounding down keeps the order, but for ties, which all keys then decide; so it does where all are next to nothing.
    coarse = (keys[0] * ((steps - 1) / max(highest, 1e-200))).astype(np.uint64)
    order = stable_order(coarse)
    ordered = coarse[order]
    tied = ordered[1:] == ordered[:-1]
    rows = np.flatnonzero(tied)
    wrong = rows[_falls(keys, order[rows], order[rows + 1])]
    if len(wrong):
        # Symmetric constellations tie by the million, mostly in order already: only runs that are not are sorted.
        run = np.cumsum(np.append(True, ~tied))
        among = np.isin(run, run[wrong])
        rows = order[among]
        order[among] = rows[np.lexsort([key[rows] for key in reversed(keys)])]
    return order


def _falls(keys: Sequence[Column], before: Ints, after: Ints) -> Ints:
    """Which of the rows `after` should come before their partners `before`, (n,), by the keys in turn."""
    pairs, falling = np.arange(len(before)), [np.empty(0, np.intp)]
    for key in keys:
        one, other = key[before], key[after]
        falling.append(pairs[other < one])
        equal = other == one
        pairs, before, after = pairs[equal], before[equal], after[equal]
    return np.concatenate(falling)


def stable_order(numbers: Column) -> Ints:
    """np.argsort(numbers, kind="stable") for whole numbers (n,) that leave room for n in 64 bits: three times faster,
    since number and place are sorted as one."""
    bits = np.uint64(_row_bits(len(numbers)))
    both = numbers.astype(np.uint64) << bits
    both |= np.arange(len(numbers), dtype=np.uint64)
    both.sort()
    both &= (np.uint64(1) << bits) - np.uint64(1)
    return both.view(np.intp)


def _row_bits(n: int) -> int:
    return max(n - 1, 1).bit_length()


def _frozen(column: Column) -> Column:
    column = np.ascontiguousarray(column)
    if column.base is not None:
        column = column.copy()
    column.setflags(write=False)
    return column
