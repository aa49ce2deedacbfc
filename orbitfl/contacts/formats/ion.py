"""Contact plans of ION, JPL's implementation of delay-tolerant networking: files for `ionadmin`.

Grammar and rules: ionrc(5) of ION 4 (github.com/nasa-jpl/ION-DTN, ici/doc/pod5/ionrc.pod). Times are whole seconds
after the reference time "@"; a contact is one-way, at bytes per second; a range, in whole light seconds, of a lower to
a higher node number holds both ways; contacts of two nodes must not overlap; node numbers begin at 1.

What is lost: fractions of a second (a window begins later and ends earlier, never the reverse, and one that holds no
whole second is left out), fractions of a byte per second (and with them a window that carries less than one), ranges
but for whole light seconds, rounded up, whether a window was truncated, and provenance. Names and span ride in
comments, which ION ignores.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np

from orbitfl.contacts.columns import GROUND, ISL, Column
from orbitfl.contacts.formats.untrusted import json_of, text_of
from orbitfl.contacts.plan import ContactPlan
from orbitfl.errors import DataError, StorageError
from orbitfl.orbit.constants import LIGHT_KM_S

ION_TIME = "%Y/%m/%d-%H:%M:%S"
# ionadmin reads lines into a buffer of 256 bytes, and would take the rest of a longer comment for a command.
LONGEST_LINE_BYTE = 254
NO_PLAN = frozenset("1semvwhilr?")
"""Commands of ionadmin that say nothing of contacts."""
OUR_COMMENT = re.compile(r'# (?:(span|satellites) ([0-9]{1,15})|node ([0-9]{1,15}) (".*"))')


def write(plan: ContactPlan, path: Path) -> None:
    """Raises StorageError for a name that is too long for a line, or contacts of one pair that overlap."""
    lines = [*_comments(plan), f"@ {_reference(plan):{ION_TIME}}", *_commands(plan)]
    longest = max(lines, key=lambda line: len(line.encode()))
    if len(longest.encode()) > LONGEST_LINE_BYTE:
        raise StorageError(f"ION reads lines of {LONGEST_LINE_BYTE} bytes, but this is longer: {longest[:60]}...")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _reference(plan: ContactPlan) -> datetime:
    return plan.epoch_utc.replace(microsecond=0)


def _comments(plan: ContactPlan) -> Iterator[str]:
    yield "# Contact plan by orbitfl: rates in bytes per second, times in whole seconds."
    yield f"# span {ceil(plan.duration_s + plan.epoch_utc.microsecond / 1e6)}"
    yield f"# satellites {plan.satellite_count}"
    for number, name in enumerate(plan.nodes, start=1):
        yield f"# node {number} {_quoted(name)}"


def _quoted(name: str) -> str:
    """On one line, whatever the name: as JSON."""
    return json.dumps(name, ensure_ascii=False)


def _commands(plan: ContactPlan) -> Iterator[str]:
    offset_s = plan.epoch_utc.microsecond / 1e6
    start_s = np.ceil(plan.table["start_s"] + offset_s).astype(np.int64)
    end_s = np.floor(plan.table["end_s"] + offset_s).astype(np.int64)
    rate_byte_s = (plan.table["rate_bps"] // 8).astype(np.int64)
    light_s = np.maximum(np.ceil(plan.table["range_max_km"].astype(np.float64) / LIGHT_KM_S), 1).astype(np.int64)
    kept = (end_s > start_s) & (rate_byte_s > 0)
    a, b = plan.table["a"].astype(np.int64) + 1, plan.table["b"].astype(np.int64) + 1
    chosen = [column[kept] for column in (start_s, end_s, a, b, rate_byte_s, light_s)]
    _require_apart(*chosen[:4])
    for start, end, low, high, rate, light in zip(*(column.tolist() for column in chosen), strict=True):
        yield f"a contact +{start} +{end} {low} {high} {rate}"
        yield f"a contact +{start} +{end} {high} {low} {rate}"
        yield f"a range +{start} +{end} {low} {high} {light}"


def _require_apart(start_s: Column, end_s: Column, a: Column, b: Column) -> None:
    order = np.lexsort((start_s, b, a))
    start_s, end_s, a, b = (column[order] for column in (start_s, end_s, a, b))
    overlap = (a[1:] == a[:-1]) & (b[1:] == b[:-1]) & (start_s[1:] < end_s[:-1])
    if overlap.any():
        row = overlap.argmax()
        raise StorageError(
            f"Nodes {a[row]} and {b[row]} have contacts that overlap at {start_s[row + 1]} s, which ION refuses; "
            f"join them first or write another format."
        )


@dataclass
class _Read:
    """What a file has said so far. Times are seconds after `epoch_utc`, the first reference time."""

    epoch_utc: datetime | None = None
    reference_s: int = 0
    span_s: int | None = None
    satellites: int | None = None
    names: dict[int, str] = field(default_factory=dict)
    contacts: dict[tuple[int, int, int, int], int] = field(default_factory=dict)
    ranges: dict[tuple[int, int], list[tuple[int, int, int]]] = field(default_factory=dict)


def read(path: Path) -> ContactPlan:
    """A plan of whole seconds; each contact must be there in both directions, at one rate, with a range.

    A node's contacts with itself, over which ION reaches its own, are passed over. Ranges lie between 0 and the light
    seconds. Names come from comments "# node 1 "name"", else they are node-1 and so on.
    Raises DataError for anything else, OSError for what cannot be read.
    """
    found = _Read()
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        try:
            _take(found, line.strip())
        except DataError as error:
            raise DataError(f"Line {number}: {error}") from error
    return _plan(found)


def _take(found: _Read, line: str) -> None:
    words = line.split()
    match words:
        case []:
            pass
        case ["#", *_]:
            _note(found, line)
        case ["@", time]:
            _refer(found, time)
        case ["a", "contact", start, end, source, target, rate, *rest] if len(rest) <= 1:
            key = (_time_s(found, start), _time_s(found, end), _whole(source, 1), _whole(target, 1))
            _require_new(found.contacts, key)
            found.contacts[key] = _whole(rate, 1)
        case ["a", "range", start, end, one, other, light]:
            pair = _whole(one, 1), _whole(other, 1)
            span = _time_s(found, start), _time_s(found, end), _whole(light)
            found.ranges.setdefault(pair, []).append(span)
        case [word, *_] if word.startswith("#") or word in NO_PLAN:
            pass
        case _:
            raise DataError(f"{line[:60]!r} is not a command that adds a contact or a range.")


def _whole(word: str, lowest: int = 0) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", word) or int(word) < lowest:
        raise DataError(f"{word[:40]!r} stands where a whole number from {lowest} is due.")
    return int(word)


def _note(found: _Read, comment: str) -> None:
    """Keep what a comment of ours tells; others are nobody's business."""
    match = OUR_COMMENT.fullmatch(comment)
    if match is None:
        return
    key, value, number, name = match.groups()
    if key == "span":
        found.span_s = int(value)
    elif key == "satellites":
        found.satellites = int(value)
    else:
        found.names[_whole(number, 1)] = json_of(name)


def _refer(found: _Read, time: str) -> None:
    if found.epoch_utc is None:
        found.epoch_utc = _instant(time)
    else:
        found.reference_s = _time_s(found, time)


def _instant(time: str) -> datetime:
    try:
        return datetime.strptime(time, ION_TIME).replace(tzinfo=UTC)
    except ValueError as error:
        raise DataError(f"{time[:40]!r} is not a time like 2018/05/18-03:21:00.") from error


def _time_s(found: _Read, time: str) -> int:
    if found.epoch_utc is None:
        raise DataError("A time stands before any reference time; begin with a line like @ 2018/05/18-03:21:00.")
    if time.startswith("+"):
        return found.reference_s + _whole(time[1:])
    return round((_instant(time) - found.epoch_utc).total_seconds())


def _require_new(contacts: Mapping[tuple[int, int, int, int], int], key: tuple[int, int, int, int]) -> None:
    if key in contacts:
        raise DataError("This contact has been added before.")


def _plan(found: _Read) -> ContactPlan:
    if found.epoch_utc is None:
        raise DataError("It has no reference time; begin with a line like @ 2018/05/18-03:21:00.")
    between = [key for key in found.contacts if key[2] != key[3]]
    rows = sorted(key for key in between if key[2] < key[3])
    if 2 * len(rows) != len(between):
        raise DataError("Some contact has no twin in the other direction; contacts here serve both.")
    _require_no_overlap(rows)
    for spans in found.ranges.values():
        spans.sort()
    start_s, end_s, a, b = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    # Numbers past the largest named node, or past all, count as nodes of their own.
    numbers = sorted({*found.names, *a.tolist(), *b.tolist()})
    place = {number: index for index, number in enumerate(numbers)}
    satellites = len(numbers) if found.satellites is None else found.satellites
    rate_bps = 8.0 * np.array([_both_ways(found, row) for row in rows], dtype=np.float64)
    # Whole km, so that single precision does not round them up past the light second.
    range_max_km = floor(LIGHT_KM_S) * np.array([_light_s(found, row) for row in rows], dtype=np.float64)
    b_place = np.array([place[number] for number in b.tolist()], dtype="i4")
    columns = {
        "kind": np.where(b_place >= satellites, GROUND, ISL).astype("i1"),
        "a": np.array([place[number] for number in a.tolist()], dtype="i4"),
        "b": b_place,
        "start_s": start_s.astype(np.float64),
        "end_s": end_s.astype(np.float64),
        "truncated": np.zeros(len(rows), dtype=bool),
        "range_min_km": np.zeros(len(rows)),
        "range_max_km": range_max_km,
        "rate_bps": rate_bps,
        "volume_bit": rate_bps * (end_s - start_s),
    }
    header: dict[str, Any] = {
        "epoch_utc": found.epoch_utc.isoformat(),
        "duration_s": found.span_s or int(end_s.max(initial=1)),
        "nodes": [found.names.get(number, f"node-{number}") for number in numbers],
        "satellite_count": satellites,
        "provenance": {},
    }
    return ContactPlan.from_header(header, columns)


def _require_no_overlap(rows: list[tuple[int, int, int, int]]) -> None:
    by_pair = sorted((a, b, start, end) for start, end, a, b in rows)
    for before, after in pairwise(by_pair):
        if before[:2] == after[:2] and after[2] < before[3]:
            raise DataError(f"Contacts of nodes {after[0]} and {after[1]} overlap at {after[2]} s.")


def _both_ways(found: _Read, row: tuple[int, int, int, int]) -> int:
    start, end, a, b = row
    rate = found.contacts[row]
    if found.contacts.get((start, end, b, a)) != rate:
        raise DataError(f"The contact of nodes {a} and {b} at {start} s is not the same in both directions.")
    return rate


def _light_s(found: _Read, row: tuple[int, int, int, int]) -> int:
    """Of the range that covers the contact."""
    start, end, a, b = row
    ranges = found.ranges.get((a, b), [])
    place = bisect_right(ranges, start, key=lambda span: span[0]) - 1
    if place < 0 or ranges[place][1] < end:
        raise DataError(f"No range of nodes {a} and {b} covers their contact at {start} s.")
    return ranges[place][2]
