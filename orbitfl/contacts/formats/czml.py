"""Contact plans as CZML, the scenes of Cesium: satellites, stations, and links that show while a contact is open.

Grammar: github.com/AnalyticalGraphicsInc/czml-writer/wiki, "CZML Structure", "Packet" and "Position". Cesium's INERTIAL
frame is the ICRF, whose axes are those of the GCRS. Times are UTC labels of the epoch plus SI seconds; a leap second
within the span would put the labels after it one second late. The plan itself rides in custom properties, exact, so
that it can be read back.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from orbitfl.contacts.columns import COLUMNS, KINDS, Columns
from orbitfl.contacts.formats.untrusted import column_of, json_of, text_of
from orbitfl.contacts.plan import ContactPlan
from orbitfl.errors import DataError, ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.station import GroundStation

# Okabe and Ito's colours, told apart by colour-blind readers.
LINK_RGBA = {"isl": [86, 180, 233, 255], "ground": [230, 159, 0, 255]}
SATELLITE_RGBA, STATION_RGBA = [240, 228, 66, 255], [213, 94, 0, 255]
TRAIL_S = 3000
DEGREE = 5
INSIDE = tuple(name for name in COLUMNS if name not in ("kind", "a", "b"))

Packet = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Geometry:
    """Where the nodes of a plan are.

    satellites_km: (n_sat, n_t, 3) in GCRS at t_s: (n_t,), increasing SI seconds from the plan's epoch to its end at
    least; Cesium joins them by polynomials of degree 5: one every 180 s keeps a low orbit to 20 m.
    Raises ScenarioError for other shapes, numbers that are not finite and times that do not increase.
    """

    satellites_km: Floats
    t_s: Floats
    stations: tuple[GroundStation, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.t_s)
        if self.satellites_km.ndim != 3 or self.satellites_km.shape[1:] != (count, 3) or self.t_s.shape != (count,):
            raise ScenarioError(
                f"satellites_km is of shape {self.satellites_km.shape} and t_s of {self.t_s.shape}, "
                f"but they must be (n_sat, n_t, 3) and (n_t,)."
            )
        finite = np.isfinite(self.satellites_km).all() and np.isfinite(self.t_s).all()
        if not (finite and (np.diff(self.t_s) > 0).all()):
            raise ScenarioError("satellites_km and t_s must be finite numbers, and t_s must increase.")


def write(plan: ContactPlan, path: Path, geometry: Geometry) -> None:
    """Raises ScenarioError for positions of other nodes or another span than the plan's."""
    path.write_text(text_from(packets(plan, geometry)))


def text_from(scene: Iterable[Packet]) -> str:
    """One packet a line."""
    lines = [json.dumps(packet, separators=(",", ":"), allow_nan=False) for packet in scene]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def packets(plan: ContactPlan, geometry: Geometry) -> Iterator[Packet]:
    """The scene: document, plan, nodes with the ids that `node_id` gives, links. Raises as `write`."""
    _require_fit(plan, geometry)
    yield _document(plan)
    yield {"id": "plan", "name": "contact plan", "properties": {"header": json.dumps(plan.header())}}
    t_s: list[float] = [int(t) if t.is_integer() else t for t in geometry.t_s.tolist()]
    for number, path_km in enumerate(geometry.satellites_km):
        yield _satellite(plan, number, t_s, path_km)
    for number, station in enumerate(geometry.stations, start=plan.satellite_count):
        yield _station(number, station)
    yield from _links(plan)


def node_id(number: int) -> str:
    """Of a node's packet, by its place in the plan."""
    return f"node-{number}"


def _require_fit(plan: ContactPlan, geometry: Geometry) -> None:
    stations = tuple(station.name for station in geometry.stations)
    count = len(geometry.satellites_km)
    if count != plan.satellite_count or stations != plan.nodes[count:]:
        raise ScenarioError(
            f"Positions of {count} satellites and of the stations {', '.join(stations) or 'none'} are given, but the "
            f"plan has {plan.satellite_count} satellites and {', '.join(plan.nodes[plan.satellite_count :]) or 'none'}."
        )
    if not len(geometry.t_s) or geometry.t_s[0] > 0 or geometry.t_s[-1] < plan.duration_s:
        raise ScenarioError(f"Positions must be given from 0 to {plan.duration_s} s, the span of the plan; sample all.")


def _document(plan: ContactPlan) -> Packet:
    clock = {
        "interval": interval(plan, 0, plan.duration_s),
        "currentTime": instant(plan, 0),
        "multiplier": 60,
        "range": "LOOP_STOP",
        "step": "SYSTEM_CLOCK_MULTIPLIER",
    }
    return {"id": "document", "name": "contact plan", "version": "1.0", "clock": clock}


def _satellite(plan: ContactPlan, number: int, t_s: list[float], path_km: Floats) -> Packet:
    path_m = np.rint(1000 * path_km).astype(np.int64).tolist()
    position = {
        "epoch": instant(plan, 0),
        "referenceFrame": "INERTIAL",
        "interpolationAlgorithm": "LAGRANGE",
        "interpolationDegree": DEGREE,
        "cartesian": [value for t, place_m in zip(t_s, path_m, strict=True) for value in (t, *place_m)],
    }
    trail = {"leadTime": 0, "trailTime": TRAIL_S, "width": 1, "material": solid(SATELLITE_RGBA)}
    return {**_body(number, plan.nodes[number], SATELLITE_RGBA), "position": position, "path": trail}


def _station(number: int, station: GroundStation) -> Packet:
    place = [round(station.longitude_deg, 6), round(station.latitude_deg, 6), round(station.altitude_m, 1)]
    return {**_body(number, station.name, STATION_RGBA), "position": {"cartographicDegrees": place}}


def _body(number: int, name: str, rgba: list[int]) -> Packet:
    label = {
        "text": name,
        "font": "11pt sans-serif",
        "horizontalOrigin": "LEFT",
        "pixelOffset": {"cartesian2": [8, 0]},
    }
    return {"id": node_id(number), "name": name, "point": {"pixelSize": 7, "color": {"rgba": rgba}}, "label": label}


def _links(plan: ContactPlan) -> Iterator[Packet]:
    """A line for every pair in contact, available while one of its contacts is open."""
    order = np.lexsort((plan.table["start_s"], plan.table["b"], plan.table["a"]))
    a, b = plan.table["a"][order], plan.table["b"][order]
    firsts = np.flatnonzero(np.diff(a, prepend=-1) | np.diff(b, prepend=-1))
    for rows in np.split(order, firsts[1:]):
        if len(rows):
            yield _link(plan, {name: column[rows].tolist() for name, column in plan.table.items()})


def _link(plan: ContactPlan, contacts: dict[str, list[Any]]) -> Packet:
    a, b, kind = contacts["a"][0], contacts["b"][0], KINDS[contacts["kind"][0]]
    spans = zip(contacts["start_s"], contacts["end_s"], strict=True)
    return {
        "id": f"link-{a}-{b}",
        "name": f"{plan.nodes[a]} – {plan.nodes[b]}",
        "availability": [interval(plan, start_s, end_s) for start_s, end_s in spans],
        "polyline": {
            "positions": {"references": ends(a, b)},
            "arcType": "NONE",
            "width": 2,
            "material": solid(LINK_RGBA[kind]),
        },
        "properties": {"kind": kind, "a": a, "b": b, "contacts": json.dumps({name: contacts[name] for name in INSIDE})},
    }


def ends(a: int, b: int) -> list[str]:
    """What a line from one node to another refers to."""
    return [f"{node_id(a)}#position", f"{node_id(b)}#position"]


def solid(rgba: list[int]) -> Packet:
    return {"solidColor": {"color": {"rgba": rgba}}}


def interval(plan: ContactPlan, start_s: float, end_s: float) -> str:
    """Two instants of mission time as CZML writes them."""
    return f"{instant(plan, start_s)}/{instant(plan, end_s)}"


def instant(plan: ContactPlan, t_s: float) -> str:
    """A time in ISO 8601, to the millisecond."""
    return (plan.epoch_utc + timedelta(seconds=t_s)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def read(path: Path) -> ContactPlan:
    """Raises DataError for what `write` did not write, OSError for what cannot be read."""
    packets = json_of(text_of(path))
    if not isinstance(packets, list):
        raise DataError("CZML is a list of packets, but this is none.")
    custom = [_properties(packet) for packet in packets]
    headers = [properties["header"] for properties in custom if "header" in properties]
    if len(headers) != 1:
        raise DataError("It is not a scene that orbitfl wrote: no packet, or more than one, holds a plan's header.")
    links = [_columns(properties) for properties in custom if "contacts" in properties]
    columns = {
        name: np.concatenate([np.empty(0, dtype), *(link[name] for link in links)]) for name, dtype in COLUMNS.items()
    }
    return ContactPlan.from_header(_object(headers[0]), columns)


def _properties(packet: Any) -> Packet:
    properties = packet.get("properties") if isinstance(packet, dict) else None
    return properties if isinstance(properties, dict) else {}


def _object(text: Any) -> Packet:
    value = json_of(text) if isinstance(text, str) else None
    if not isinstance(value, dict):
        raise DataError("A plan's custom property is not a JSON object in a string.")
    return value


def _columns(properties: Packet) -> Columns:
    contacts = _object(properties["contacts"])
    if not all(isinstance(contacts.get(name), list) for name in INSIDE):
        raise DataError(f"The contacts of a link need lists of {', '.join(INSIDE)}.")
    inside = {name: column_of(name, contacts[name]) for name in INSIDE}
    length = len(inside["start_s"])
    kind = properties.get("kind")
    ends = {
        "kind": KINDS.index(kind) if kind in KINDS else None,
        "a": properties.get("a"),
        "b": properties.get("b"),
    }
    return {**{name: column_of(name, length * [end]) for name, end in ends.items()}, **inside}
