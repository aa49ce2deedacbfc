"""Two-line element sets, with or without a line for the name, and constellations made of them.

Source: NORAD two-line element set format, CelesTrak (https://celestrak.org/NORAD/documentation/tle-fmt.php);
Alpha-5 catalogue ids, Space-Track (https://www.space-track.org/documentation#tle-alpha5).
"""

import re
from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from orbitfl.errors import DataError
from orbitfl.orbit.clock import DAY_S, Instant
from orbitfl.orbit.constellation import Satellites
from orbitfl.orbit.convention import PHYSICAL, Convention
from orbitfl.orbit.mean_elements import MeanElements
from orbitfl.orbit.sgp4_orbits import sgp4_satellites
from orbitfl.orbit.text_file import naming, read_text, shown

LARGEST_BYTE = 64_000_000
LINE_LENGTH = 69
LONGEST_NAME = 100
FIRST_TWO_DIGIT_YEAR = 57
ALPHA_5 = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # for 10 to 33; I and O look like digits

FIRST = re.compile(
    r"1 (?P<id>[ \dA-HJ-NP-Z][ \d]{3}\d)[A-Z ] [ -~]{8} (?P<year>\d\d)(?P<day>[ \d]{3})(?P<fraction>\.\d{8}) "
    r"[ +-][.]\d{8} [ +-][ \d]{5}[+-]\d (?P<bstar>[ +-][ \d]{5}[+-]\d) (?P<theory>[ \d]) [ \d]{4}\d",
    re.ASCII,
)
SECOND = re.compile(
    r"2 (?P<id>[ \dA-HJ-NP-Z][ \d]{3}\d) (?P<inclination>[ \d]{3}\.\d{4}) (?P<raan>[ \d]{3}\.\d{4}) "
    r"(?P<eccentricity>[ \d]{6}\d) (?P<argp>[ \d]{3}\.\d{4}) (?P<anomaly>[ \d]{3}\.\d{4}) "
    r"(?P<motion>[ \d]{2}\.\d{8})[ \d]{5}\d",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tle:
    """The satellites of a file of two-line elements, propagated by SGP4. Prefer OMM: new objects get no TLE.

    path: the file; a relative path in a scenario counts from the scenario's own folder.

    Each takes the name on the line above it; where several share one, or have none, the catalogue id follows it.
    """

    kind: Literal["tle"] = "tle"
    path: str

    def satellites(self, epoch_utc: datetime, duration_s: float, convention: Convention = PHYSICAL) -> Satellites:
        """Raises what `read_tle` and `sgp4_satellites` raise."""
        path = Path(self.path)
        elements = read_tle(path)
        with naming(path):
            return sgp4_satellites(elements, epoch_utc, duration_s, convention)


def read_tle(path: Path) -> tuple[MeanElements, ...]:
    """All element sets of a file of TLE or 3LE, in its order; empty lines and comments (#) are skipped.

    Raises StorageError if it cannot be read, and DataError, naming file and line, for what is not a TLE.
    """
    text = read_text(path, LARGEST_BYTE)
    with naming(path):
        return tuple(_elements_of(text))


def _elements_of(text: str) -> Iterator[MeanElements]:
    lines = [(number, line.rstrip()) for number, line in enumerate(text.split("\n"), start=1)]
    kept = iter([(number, line) for number, line in lines if line and not line.startswith("#")])
    for number, line in kept:
        name = ""
        if not line.startswith(("1 ", "2 ")):
            name = _name(line, number)
            number, line = next(kept, (number + 1, ""))
        first = _checked(FIRST, line, number)
        number, line = next(kept, (number + 1, ""))
        yield _elements(name, first, _checked(SECOND, line, number), number)


def _name(line: str, number: int) -> str:
    name = line.removeprefix("0 ").strip()
    if len(name) > LONGEST_NAME or not (name.isascii() and name.isprintable()):
        raise DataError(f"line {number} is {shown(line)}, but a name is ASCII text of {LONGEST_NAME} letters at most.")
    return name


def _checked(form: re.Pattern[str], line: str, number: int) -> re.Match[str]:
    expected = "1" if form is FIRST else "2"
    if not line.startswith(f"{expected} "):
        raise DataError(f"line {number} is {shown(line)}, but line {expected} of a TLE was expected there.")
    if len(line) != LINE_LENGTH:
        raise DataError(f"line {number} is {len(line)} characters long, but a line of a TLE has {LINE_LENGTH}.")
    found = form.fullmatch(line)
    if not found:
        raise DataError(f"line {number} is {shown(line)}: its columns are not those of a TLE; copy it unchanged.")
    if int(line[-1]) != _checksum(line):
        raise DataError(
            f"line {number} ends with checksum {line[-1]}, but it adds up to {_checksum(line)}; copy it unchanged."
        )
    return found


def _checksum(line: str) -> int:
    """Digits count as themselves and minus signs as 1, modulo 10."""
    return sum(1 if letter == "-" else int(letter) for letter in line[:-1] if letter in "-0123456789") % 10


def _elements(name: str, first: re.Match[str], second: re.Match[str], number: int) -> MeanElements:
    if first["id"] != second["id"]:
        raise DataError(f"line {number} is of object {second['id']}, but the line before of object {first['id']}.")
    if first["theory"] not in " 023":
        raise DataError(f"line {number - 1} is of ephemeris type {first['theory']}, but only SGP4's (0) is propagated.")
    try:
        return MeanElements(
            name=name,
            catalogue_id=_catalogue_id(first["id"]),
            epoch=_epoch(int(first["year"]), int(first["day"]), float(first["fraction"])),
            mean_motion_rev_day=float(second["motion"]),
            eccentricity=float(f"0.{second['eccentricity'].lstrip().zfill(7)}"),
            inclination_deg=float(second["inclination"]),
            raan_deg=float(second["raan"]),
            argp_deg=float(second["argp"]),
            mean_anomaly_deg=float(second["anomaly"]),
            bstar=_decimal(first["bstar"]),
        )
    except DataError as error:
        raise DataError(f"line {number}: {error}") from error
    except ValueError as error:
        raise DataError(f"line {number} or the one before has spaces within a number; copy it unchanged.") from error


def _catalogue_id(text: str) -> int:
    if text[0] in ALPHA_5:
        return (ALPHA_5.index(text[0]) + 10) * 10_000 + int(text[1:])
    return int(text)


def _epoch(year: int, day_of_year: int, fraction: float) -> Instant:
    full_year = year + (1900 if year >= FIRST_TWO_DIGIT_YEAR else 2000)
    days = 365 + isleap(full_year)
    if not 1 <= day_of_year <= days:
        raise DataError(f"its epoch lies on day {day_of_year} of {full_year}, which has days 1 to {days}.")
    return Instant(date(full_year, 1, 1).toordinal() + day_of_year - 1, fraction * DAY_S)


def _decimal(text: str) -> float:
    """ " 28098-4" is 0.28098e-4."""
    return float(f"{text[0].strip()}0.{text[1:6].strip().zfill(5)}e{text[6:]}")
