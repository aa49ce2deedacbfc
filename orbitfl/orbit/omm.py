"""Mean elements from CCSDS Orbit Mean-Elements Messages, and constellations made of them.

Source: CCSDS 502.0-B-3, section 4, for names, units and the XML and KVN forms; the JSON and CSV forms are those
of CelesTrak and Space-Track, which use the same names.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from xml.parsers import expat

from orbitfl.errors import DataError
from orbitfl.orbit.clock import calendar_instant
from orbitfl.orbit.constellation import Satellites
from orbitfl.orbit.convention import PHYSICAL, Convention
from orbitfl.orbit.mean_elements import MeanElements
from orbitfl.orbit.sgp4_orbits import sgp4_satellites
from orbitfl.orbit.text_file import finite, naming, read_text, shown, whole

LARGEST_BYTE = 64_000_000
LONGEST_NAME = 100

# What a message may say about itself; one that says nothing is taken to mean the first.
SUPPORTED = {
    "CENTER_NAME": ("EARTH",),
    "REF_FRAME": ("TEME",),
    "TIME_SYSTEM": ("UTC",),
    "MEAN_ELEMENT_THEORY": ("SGP4", "SGP/SGP4"),
    "EPHEMERIS_TYPE": ("0", "2", "3"),  # 4 is SGP4-XP, another theory
}
NUMBERS = {
    "mean_motion_rev_day": "MEAN_MOTION",
    "eccentricity": "ECCENTRICITY",
    "inclination_deg": "INCLINATION",
    "raan_deg": "RA_OF_ASC_NODE",
    "argp_deg": "ARG_OF_PERICENTER",
    "mean_anomaly_deg": "MEAN_ANOMALY",
    "bstar": "BSTAR",
}

KEYWORDS = ("OBJECT_NAME", "NORAD_CAT_ID", "EPOCH", *SUPPORTED, *NUMBERS.values())
"""What is read of an OMM; the rest may be anything."""
KINDS_OF_JSON = {bool: "true or false", list: "a list", dict: "a mapping", int: "a number of more than 18 digits"}

MESSAGE_START = re.compile(r"^[ \t]*CCSDS_OMM_VERS\s*=", re.MULTILINE)

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Omm:
    """The satellites of a file of mean elements (OMM in JSON, CSV, XML or KVN), propagated by SGP4.

    path: the file; a relative path in a scenario counts from the scenario's own folder.

    Each takes its OBJECT_NAME; where several share one, or have none, NORAD_CAT_ID follows it.
    """

    kind: Literal["omm"] = "omm"
    path: str

    def satellites(self, epoch_utc: datetime, duration_s: float, convention: Convention = PHYSICAL) -> Satellites:
        """Raises what `read_omm` and `sgp4_satellites` raise."""
        path = Path(self.path)
        elements = read_omm(path)
        with naming(path):
            return sgp4_satellites(elements, epoch_utc, duration_s, convention)


def read_omm(path: Path) -> tuple[MeanElements, ...]:
    """All element sets of a file, in its order; its form is told from its first characters.

    Raises StorageError if it cannot be read, and DataError, naming file, object and field, for what is not an OMM
    for SGP4.
    """
    text = read_text(path, LARGEST_BYTE)
    with naming(path):
        return tuple(_elements(fields, number) for number, fields in enumerate(_form_of(text)(text), start=1))


def _form_of(text: str) -> Callable[[str], Iterator[Fields]]:
    start = text.lstrip()[:20_000]
    if start.startswith(("[", "{")):
        return _from_json
    if start.startswith("<"):
        return _from_xml
    if MESSAGE_START.search(start):
        return _from_kvn
    if "MEAN_MOTION" in start.partition("\n")[0]:
        return _from_csv
    raise DataError("this is not an OMM: JSON begins with [ or {, XML with <, KVN with CCSDS_OMM_VERS, CSV with keys.")


def _from_json(text: str) -> Iterator[Fields]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"it is not valid JSON ({error}); save it again from its source.") from error
    for number, record in enumerate(document if isinstance(document, list) else [document], start=1):
        if not isinstance(record, dict):
            raise DataError(f"it holds {shown(record)} where an OMM was expected: a mapping of keywords to values.")
        given = [(key, value) for key, value in record.items() if key in KEYWORDS and value is not None]
        yield {key: _plain(value, f"element set {number}: {key}") for key, value in given}


def _plain(value: Any, what: str) -> str:
    """What JSON holds as the text that the other forms hold."""
    if isinstance(value, str):
        return value
    # repr() of an integer of thousands of digits is refused by Python itself.
    is_number = isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**18)
    if is_number and not isinstance(value, bool):
        return repr(value)
    raise DataError(f"{what} is {KINDS_OF_JSON[type(value)]}, but it must be a text or a number; mend it.")


def _from_csv(text: str) -> Iterator[Fields]:
    """Keys, then a line of values for each object; blank lines may come before the keys as well."""
    lines = text.splitlines()
    blank = next(place for place, line in enumerate(lines) if line.strip())
    rows = csv.DictReader(lines[blank:], strict=True)
    try:
        for row in rows:
            if None in row:
                raise DataError(f"line {blank + rows.line_num} has more values than there are keys; check its commas.")
            yield {key: value for key, value in row.items() if value}
    except csv.Error as error:
        raise DataError(f"it is not valid CSV ({error}); save it again from its source.") from error


def _from_kvn(text: str) -> Iterator[Fields]:
    """`KEYWORD = value [unit]` lines; each message begins with its version."""
    for message in MESSAGE_START.split(text)[1:]:
        lines = [line.strip() for line in message.split("\n")[1:]]
        parts = [line.partition("=") for line in lines if "=" in line and not line.startswith("COMMENT")]
        pairs = [(key.strip(), value.strip()) for key, _, value in parts]
        if twice := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
            raise DataError(f"a message gives {shown(twice[0])} more than once; drop all but one.")
        yield {key: _without_unit(key, value) for key, value in pairs}


def _without_unit(key: str, value: str) -> str:
    """Only numbers have units; a name may well end with brackets."""
    return value.partition("[")[0] if key in NUMBERS.values() else value


def _from_xml(text: str) -> Iterator[Fields]:
    reader = _XmlReader()
    try:
        reader.parser.Parse(text, True)
    except expat.ExpatError as error:
        raise DataError(f"it is not valid XML ({error}); save it again from its source.") from error
    yield from reader.records


class _XmlReader:
    """Collects the texts of all elements within each <segment>. Document types are refused: they define entities."""

    def __init__(self) -> None:
        self.records: list[dict[str, str]] = []
        self._fields: dict[str, str] = {}
        self._text: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._open
        self.parser.CharacterDataHandler = self._text.append
        self.parser.EndElementHandler = self._close

    def _refuse(self, *_: object) -> None:
        raise DataError("it declares a document type, which an OMM never needs; remove the <!DOCTYPE …> part.")

    def _open(self, tag: str, _: object) -> None:
        if tag == "segment":
            self._fields = {}
        self._text.clear()

    def _close(self, tag: str) -> None:
        if tag == "segment":
            self.records.append(self._fields)
        else:
            self._fields[tag] = "".join(self._text).strip()
        self._text.clear()


def _elements(fields: Fields, number: int) -> MeanElements:
    label = f"element set {number} ({shown(fields.get('OBJECT_NAME', 'without OBJECT_NAME'))})"
    for key, known in SUPPORTED.items():
        if fields.get(key, known[0]).strip().upper() not in known:
            raise DataError(f"{label}: {key} is {shown(fields[key])}, but only {' or '.join(known)} can be propagated.")
    catalogue_id = whole(_field(fields, "NORAD_CAT_ID", label))
    epoch = calendar_instant(_field(fields, "EPOCH", label))
    if catalogue_id is None:
        raise DataError(f"{label}: NORAD_CAT_ID is {shown(fields['NORAD_CAT_ID'])}, but it must be a natural number.")
    if epoch is None:
        raise DataError(f"{label}: EPOCH is {shown(fields['EPOCH'])}, but it must read like 2026-05-18T03:21:00.5.")
    numbers = {name: _number(fields, key, label) for name, key in NUMBERS.items()}
    return MeanElements(name=_name(fields, label), catalogue_id=catalogue_id, epoch=epoch, **numbers)


def _field(fields: Fields, key: str, label: str) -> str:
    if key not in fields:
        raise DataError(f"{label}: {key} is missing; take an OMM with all mean elements and SGP4 parameters.")
    return fields[key].strip()


def _number(fields: Fields, key: str, label: str) -> float:
    value = finite(_field(fields, key, label))
    if value is None:
        raise DataError(f"{label}: {key} is {shown(fields[key])}, but it must be a finite number.")
    return value


def _name(fields: Fields, label: str) -> str:
    name = fields.get("OBJECT_NAME", "").strip()
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise DataError(f"{label}: OBJECT_NAME must be printable and at most {LONGEST_NAME} characters long.")
    return name
