"""CCSDS Orbit Ephemeris Messages in KVN, read and written. Source: CCSDS 502.0-B-3, section 5."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import hypot
from pathlib import Path
from typing import NamedTuple

import numpy as np

from orbitfl.errors import DataError, ScenarioError
from orbitfl.files import write_text
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.clock import SCALES, Instant, calendar_instant, in_tai, require_span, seconds_between, utc_texts
from orbitfl.orbit.text_file import finite, naming, read_text, shown

LARGEST_BYTE = 128_000_000
LONGEST_NAME = 100
NEAREST_KM, FARTHEST_KM, FASTEST_KM_S = 6356.0, 2_000_000.0, 50.0

# Axes of these frames by the names that messages use; realisations of ITRF lie within 0.2 m of each other.
FRAMES = {
    "gcrs": re.compile(r"GCRF|ICRF|GCRS|ICRS"),
    "eme2000": re.compile(r"EME2000|J2000"),
    "teme": re.compile(r"TEME"),
    "itrs": re.compile(r"ITRF[-\d]{0,5}", re.ASCII),
}

Numbered = tuple[int, str]


class Segment(NamedTuple):
    """States (n, 3), km and km/s, in the axes of `frame` (a key of FRAMES) at TAI instants (n,), two or more.

    useable: the first and the last TAI instant between which to interpolate.
    """

    name: str
    object_id: str
    frame: str
    instants: Instant
    position_km: Floats
    velocity_km_s: Floats
    useable: tuple[Instant, Instant]


def read_oem(path: Path) -> tuple[Segment, ...]:
    """All segments of a message, in its order; covariances and accelerations are left out.

    Raises StorageError if it cannot be read, and DataError, naming file and line, for what is not an OEM about the
    Earth in a frame and time scale known here.
    """
    text = read_text(path, LARGEST_BYTE)
    with naming(path):
        return tuple(_segments(text))


def write_oem(
    path: Path,
    name: str,
    epoch_utc: datetime,
    t_s: Floats,
    r_km: Floats,
    v_km_s: Floats,
    *,
    created_utc: datetime,
) -> None:
    """Write one satellite's GCRS states, (n, 3) each, at increasing SI seconds t_s (n,) from `epoch_utc`.

    A message is of one object; those of several, one after another in a file, make a constellation for `Oem`.
    Positions are kept to a micrometre, velocities to a nanometre per second, UTC to a microsecond.
    Raises ScenarioError for times that do not increase or leave the years known and for a name that cannot be
    written in one line, StorageError for a bad place.
    """
    if not name.isprintable() or not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise ScenarioError(f"A satellite is called {shown(name)}, but an OEM takes printable names; rename it.")
    if len(t_s) < 2 or not (np.isfinite(t_s).all() and np.all(np.diff(t_s) > 0)):
        raise ScenarioError("An OEM needs two or more times, each later than the one before; give other times.")
    require_span(epoch_utc, float(np.abs(t_s).max()))
    texts = utc_texts(epoch_utc, t_s)
    rows = zip(texts, r_km.tolist(), v_km_s.tolist(), strict=True)
    states = [f"{text} {_joined(r, 9)} {_joined(v, 12)}" for text, r, v in rows]
    write_text(path, "\n".join([*_opening(name, created_utc, texts), *states, ""]))


def _opening(name: str, created_utc: datetime, texts: Sequence[str]) -> list[str]:
    return [
        "CCSDS_OEM_VERS = 2.0",
        f"CREATION_DATE = {created_utc.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        "ORIGINATOR = ORBITFL",
        "",
        "META_START",
        f"OBJECT_NAME = {name}",
        f"OBJECT_ID = {name}",
        "CENTER_NAME = EARTH",
        "REF_FRAME = GCRF",
        "TIME_SYSTEM = UTC",
        f"START_TIME = {texts[0]}",
        f"STOP_TIME = {texts[-1]}",
        "INTERPOLATION = HERMITE",
        "INTERPOLATION_DEGREE = 7",
        "META_STOP",
        "",
    ]


def _joined(vector: Sequence[float], places: int) -> str:
    return " ".join(f"{value:.{places}f}" for value in vector)


def _segments(text: str) -> Iterator[Segment]:
    if not re.match(r"\s*CCSDS_OEM_VERS\s*=\s*[123]\.", text):
        raise DataError("this is not an OEM in KVN, which begins with CCSDS_OEM_VERS = 2.0; give another file.")
    lines = list(_content(text))
    starts = [place for place, (_, line) in enumerate(lines) if line == "META_START"]
    if not starts:
        raise DataError("the message has no META_START and so no ephemeris; give another file.")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield _segment(lines[start:end])


def _content(text: str) -> Iterator[Numbered]:
    """Lines with their numbers, but for empty lines, comments, covariances and the headers of further messages."""
    skipping_to = None
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped.startswith("CCSDS_OEM_VERS"):
            skipping_to = "META_START"
        elif stripped == "COVARIANCE_START":
            skipping_to = "COVARIANCE_STOP"
        elif stripped == skipping_to:
            skipping_to = None
            if stripped == "META_START":
                yield number, stripped
        elif stripped and not skipping_to and not stripped.startswith("COMMENT"):
            yield number, stripped


def _segment(lines: list[Numbered]) -> Segment:
    first = lines[0][0]
    stop = next((place for place, (_, line) in enumerate(lines) if line == "META_STOP"), None)
    if stop is None:
        raise DataError(f"the metadata that start in line {first} have no META_STOP; complete the file.")
    metadata = _metadata(lines[1:stop], first)
    scale = _one_of(metadata, "TIME_SYSTEM", SCALES, first)
    _one_of(metadata, "CENTER_NAME", ("EARTH",), first)
    instants, states = _states(lines[stop + 1 :], scale, first)
    ends = Instant(instants.day[0], instants.second[0]), Instant(instants.day[-1], instants.second[-1])
    return Segment(
        name=_name(metadata, "OBJECT_NAME", first),
        object_id=_name(metadata, "OBJECT_ID", first),
        frame=_frame(metadata, first),
        instants=instants,
        position_km=states[:, :3],
        velocity_km_s=states[:, 3:],
        useable=(
            _useable(metadata, "USEABLE_START_TIME", scale, first) or ends[0],
            _useable(metadata, "USEABLE_STOP_TIME", scale, first) or ends[1],
        ),
    )


def _metadata(lines: list[Numbered], first: int) -> dict[str, str]:
    pairs = [(number, *line.partition("=")) for number, line in lines]
    wrong = [number for number, _, equals, _ in pairs if not equals]
    if wrong:
        raise DataError(f"line {wrong[0]} is not of the form KEYWORD = value, as metadata from line {first} on are.")
    found: dict[str, str] = {}
    for number, key, _, value in pairs:
        if key.strip() in found:
            raise DataError(f"line {number} gives {shown(key.strip())} a second time; drop one of them.")
        found[key.strip()] = value.strip()
    return found


def _required(metadata: Mapping[str, str], key: str, first: int) -> str:
    if not metadata.get(key):
        raise DataError(f"the metadata that start in line {first} have no {key}; add it.")
    return metadata[key]


def _one_of(metadata: Mapping[str, str], key: str, known: Sequence[str], first: int) -> str:
    value = _required(metadata, key, first).upper()
    if value not in known:
        raise DataError(f"{key} after line {first} is {shown(value)}, but it must be {' or '.join(known)}; convert it.")
    return value


def _frame(metadata: Mapping[str, str], first: int) -> str:
    value = _required(metadata, "REF_FRAME", first).upper()
    for frame, names in FRAMES.items():
        if names.fullmatch(value):
            return frame
    raise DataError(
        f"REF_FRAME after line {first} is {shown(value)}, but it must be GCRF, ICRF, EME2000, TEME or ITRF; convert it."
    )


def _name(metadata: Mapping[str, str], key: str, first: int) -> str:
    name = _required(metadata, key, first)
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise DataError(f"{key} after line {first} must be printable and at most {LONGEST_NAME} characters long.")
    return name


def _useable(metadata: Mapping[str, str], key: str, scale: str, first: int) -> Instant | None:
    if key not in metadata:
        return None
    instant = calendar_instant(metadata[key])
    if instant is None:
        raise DataError(
            f"{key} after line {first} is {shown(metadata[key])}, but must read like 2026-05-18T03:21:00.5."
        )
    return in_tai(instant, scale)


def _states(lines: list[Numbered], scale: str, first: int) -> tuple[Instant, Floats]:
    """TAI instants (n,), increasing, and states (n, 6)."""
    if len(lines) < 2:
        raise DataError(f"the segment that starts in line {first} has {len(lines)} states, but needs 2 or more.")
    rows = [_row(line, number) for number, line in lines]
    calendar = Instant(np.array([row[0].day for row in rows]), np.array([row[0].second for row in rows]))
    instants, states = in_tai(calendar, scale), np.array([row[1] for row in rows])
    steps_s = seconds_between(Instant(*(part[:-1] for part in instants)), Instant(*(part[1:] for part in instants)))
    if not np.all(steps_s > 0):
        number = lines[int(np.argmin(steps_s > 0)) + 1][0]
        raise DataError(f"the time in line {number} is not later than that of the line before; sort the states.")
    return instants, states


def _row(line: str, number: int) -> tuple[Instant, list[float]]:
    texts = line.split()
    instant, numbers = calendar_instant(texts[0]), [finite(text) for text in texts[1:]]
    if instant is None or len(numbers) not in (6, 9) or None in numbers:
        raise DataError(f"line {number} is {shown(line)}, but it must hold a time, a position and a velocity.")
    state = [number for number in numbers[:6] if number is not None]
    r_km, v_km_s = hypot(*state[:3]), hypot(*state[3:])
    if not (NEAREST_KM <= r_km <= FARTHEST_KM and v_km_s <= FASTEST_KM_S):
        raise DataError(
            f"line {number} puts the object {r_km:.6g} km from the Earth's centre at {v_km_s:.6g} km/s, but it must "
            f"be {NEAREST_KM:g} to {FARTHEST_KM:g} km at up to {FASTEST_KM_S:g} km/s; write km and km/s."
        )
    return instant, state
