"""Where the satellites are over the turning Earth: ground tracks on a map, and the constellation in space."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from orbitfl.contacts.areas import Area
from orbitfl.contacts.ground import places_of
from orbitfl.experiment.result import RunResult
from orbitfl.figures import COLOURS
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.constants import EARTH_FLATTENING, EARTH_RADIUS_KM
from orbitfl.orbit.frames import earth_rotation, geodetic_position
from orbitfl.orbit.station import GroundStation
from orbitfl.report.footprints import footprints
from orbitfl.report.plots import MOST_LINES, Plot, Trace, axis, chosen, line, plot, rounded
from orbitfl.scenario import Mission

LAND = Path(__file__).with_name("land.json")
FINEST_S = 60.0
MOST_SAMPLES, MOST_WINDOWS, MOST_UPDATES = 24_000, 12_000, 5000
LONGEST_TRACK_S = 6 * 3600.0
LINKS: dict[str, tuple[str, dict[str, Any]]] = {
    "isl": ("between satellites", {"color": COLOURS[5], "width": 3}),
    "ground": ("to the ground", {"color": COLOURS[4], "width": 3, "dash": "dash"}),
}
LAND_COLOUR, SHORE_COLOUR, SEA_COLOUR = "#e9e5d6", "#8a8574", "#dfeaf2"


@dataclass(frozen=True, eq=False)
class Flight:
    """ITRS positions_km (n_sat, n_t, 3) at t_s (n_t,), evenly from the epoch to the mission's end."""

    t_s: Floats
    positions_km: Floats


def flight(mission: Mission, most_samples: int = MOST_SAMPLES) -> Flight:
    """Every minute, or so seldom that all satellites together have no more than `most_samples`.

    Raises what the constellation raises, should its file of elements be gone.
    """
    planning = mission.planning()
    satellites = planning.satellites()
    step_s = max(FINEST_S, planning.duration_s * len(satellites.names) / most_samples)
    t_s = np.linspace(0.0, planning.duration_s, ceil(planning.duration_s / step_s) + 1)
    rotation = earth_rotation(planning.epoch_utc, planning.duration_s, planning.convention)
    return Flight(t_s, rotation.to_itrs(satellites.propagator.positions(t_s), t_s))


def below(positions_km: Floats) -> tuple[Floats, Floats]:
    """Longitude and geodetic latitude in degrees (...) of ITRS positions (..., 3), as if they lay on the ground.

    So high as low orbits are, latitude is right to 0.03 degrees, well below what a map shows.
    """
    x, y, z = np.moveaxis(positions_km, -1, 0)
    latitude = np.arctan2(z, np.hypot(x, y) * (1 - EARTH_FLATTENING) ** 2)
    return np.rad2deg(np.arctan2(y, x)), np.rad2deg(latitude)


@cache
def _rings() -> list[NDArray[np.float64]]:
    """Outlines of the land (n, 2), longitude and latitude in degrees; see the file for what crosses 180 degrees."""
    rings = json.loads(LAND.read_text(encoding="utf-8"))["rings"]
    return [np.reshape(np.array(ring, float), (-1, 2)) for ring in rings]


def tracks(result: RunResult, flown: Flight) -> Plot:
    """Ground tracks, at most of the first six hours, with the stations."""
    names = result.plan.satellite_names
    shown = flown.t_s <= LONGEST_TRACK_S
    places = chosen(len(names), MOST_LINES)
    lines = [_track(names[number], place, flown.positions_km[number, shown]) for place, number in enumerate(places)]
    stations = result.scenario.ground_stations
    dots = {
        "type": "scatter",
        "mode": "markers+text",
        "name": "ground station",
        "x": [(station.longitude_deg + 180) % 360 - 180 for station in stations],
        "y": [station.latitude_deg for station in stations],
        "text": [station.name for station in stations],
        "textposition": "top center",
        "marker": {"symbol": "triangle-up", "size": 10, "color": "#000"},
    }
    return plot(
        [_land_on_map(), *_scenes_on_map(footprints(result)), *lines, *([dots] if stations else [])],
        "latitude (°)",
        "longitude (°)",
        height_px=520,
        plot_bgcolor=SEA_COLOUR,
        xaxis=axis("longitude (°)", range=[-180, 180], dtick=30),
        yaxis=axis("latitude (°)", range=[-90, 90], dtick=30),
    )


def _land_on_map() -> Trace:
    gap = np.full((1, 2), np.nan)
    drawn = np.concatenate([part for ring in _rings() for part in (ring, gap)])
    return {
        "type": "scatter",
        "mode": "lines",
        "x": rounded(drawn[:, 0], 1),
        "y": rounded(drawn[:, 1], 1),
        "fill": "toself",
        "fillcolor": LAND_COLOUR,
        "line": {"color": SHORE_COLOUR, "width": 0.6},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _scenes_on_map(areas: list[Area]) -> list[Trace]:
    """A square where each lies: most scenes are too small to be drawn to scale."""
    squares = {
        "type": "scatter",
        "mode": "markers",
        "name": "scene",
        "x": [round((area.centre_deg[1] + 180) % 360 - 180, 2) for area in areas],
        "y": [round(area.centre_deg[0], 2) for area in areas],
        "text": [area.name for area in areas],
        "hoverinfo": "text",
        "marker": {"symbol": "square", "size": 6, "color": COLOURS[2], "line": {"color": "#000", "width": 0.5}},
    }
    return [squares] if areas else []


def _track(name: str, place: int, positions_km: Floats) -> Trace:
    longitude_deg, latitude_deg = below(positions_km)
    jumps = np.flatnonzero(np.abs(np.diff(longitude_deg)) > 180) + 1
    x, y = (np.insert(values, jumps, np.nan) for values in (longitude_deg, latitude_deg))
    return line(name, place, rounded(x, 2), rounded(y, 2))


def space(result: RunResult) -> Plot:
    """The globe and the stations; the page itself draws satellites and links at the slider's time (`sky`)."""
    return in_space([*globe(result.scenario.ground_stations), *_moving(result)])


def in_space(traces: list[Trace]) -> Plot:
    hidden = {"visible": False}
    scene = {"xaxis": hidden, "yaxis": hidden, "zaxis": hidden, "aspectmode": "data"}
    camera = {"eye": {"x": 1.15, "y": 0.75, "z": 0.65}}
    return plot(traces, "", height_px=620, scene={**scene, "camera": camera}, margin={"l": 0, "r": 0, "t": 0, "b": 0})


def globe(stations: Sequence[GroundStation]) -> list[Trace]:
    """What stays in axes that turn with the Earth: the ball, its shores and the stations."""
    return [_ball(), _shores(), _stations(stations)]


def _ball() -> Trace:
    """A ball a little smaller than the Earth, so that shores lie on it."""
    longitude_deg, latitude_deg = np.meshgrid(np.linspace(-180, 180, 121), np.linspace(-90, 90, 61))
    longitude, latitude = np.deg2rad(longitude_deg), np.deg2rad(latitude_deg)
    ball = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)
    x, y, z = ([rounded(row, 0) for row in 0.99 * EARTH_RADIUS_KM * each] for each in ball)
    return {
        "type": "surface",
        "x": x,
        "y": y,
        "z": z,
        "surfacecolor": _is_land(longitude_deg, latitude_deg).astype(int).tolist(),
        "colorscale": [[0, SEA_COLOUR], [0.5, SEA_COLOUR], [0.5, LAND_COLOUR], [1, LAND_COLOUR]],
        "showscale": False,
        "hoverinfo": "skip",
        "lighting": {"ambient": 0.9, "diffuse": 0.2, "specular": 0.0},
    }


def _is_land(longitude_deg: Floats, latitude_deg: Floats) -> NDArray[np.bool_]:
    """Within an odd number of outlines: a lake's shore is one as well."""
    places = np.stack([longitude_deg, latitude_deg], axis=-1).reshape(-1, 2)
    within = [Outline(ring).contains_points(places) for ring in _rings()]
    return np.logical_xor.reduce(within).reshape(longitude_deg.shape)


def _shores() -> Trace:
    gap = np.full((1, 3), np.nan)
    rings = [ring for ring in _rings() if np.abs(ring[:, 0]).max() <= 180 or ring[:, 0].min() >= -20]
    outlines = [part for ring in rings for part in (_on_ground(ring[ring[:, 1] > -89]), gap)]
    x, y, z = (rounded(column, 0) for column in np.concatenate(outlines).T)
    pen = {"color": SHORE_COLOUR, "width": 2}
    return points("land", x, y, z, mode="lines", line=pen, hoverinfo="skip", showlegend=False)


def _on_ground(places_deg: Floats) -> Floats:
    return np.array([geodetic_position(latitude, longitude, 0.0) for longitude, latitude in places_deg])


def _stations(stations: Sequence[GroundStation]) -> Trace:
    x, y, z = (rounded(column, 0) for column in places_of(stations).position_km.T)
    marker = {"symbol": "diamond", "size": 5, "color": "#000"}
    names = [station.name for station in stations]
    return points("ground station", x, y, z, mode="markers+text", text=names, marker=marker)


def _moving(result: RunResult) -> list[Trace]:
    """Still empty: windows between satellites, windows to the ground, links in use, satellites."""
    used = {"color": COLOURS[1], "width": 8}
    scores = result.satellites().to_numpy()
    scale = {"colorscale": "Cividis", "cmin": float(scores.min()), "cmax": float(scores.max()) + 1e-6}
    bar = {"title": {"text": "mIoU (%)"}, "thickness": 14, "len": 0.6}
    marker = {"size": 6, "showscale": True, "colorbar": bar, "line": {"color": "#000", "width": 1}, **scale}
    names = list(result.plan.satellite_names)
    return [
        *(link(kind, [], [], []) for kind in LINKS),
        points("update under way", [], [], [], mode="lines", line=used, hoverinfo="skip"),
        points("satellite", [], [], [], mode="markers", text=names, hoverinfo="text", marker=marker),
    ]


def link(kind: str, x: list[Any], y: list[Any], z: list[Any]) -> Trace:
    """Strokes between the ends of open windows of a kind."""
    name, pen = LINKS[kind]
    return points(f"window {name}", x, y, z, mode="lines", line=pen, hoverinfo="skip")


def points(name: str, x: list[float], y: list[float], z: list[float], **more: Any) -> Trace:
    return {"type": "scatter3d", "name": name, "x": x, "y": y, "z": z, **more}


def sky(result: RunResult, flown: Flight) -> dict[str, Any]:
    """What the page needs to draw any time of the mission: numbers of nodes as in the plan, times in whole seconds.

    km: per satellite x, y and z in turn. windows, updates: a, b, start, end in turn. scores: per evaluation, each
    satellite's mIoU.
    """
    plan, stations = result.plan, places_of(result.scenario.ground_stations).position_km
    number, scores = {node: place for place, node in enumerate(plan.nodes)}, result.satellites()
    windows = np.stack([np.rint(plan.table[name]).astype(int) for name in ("a", "b", "start_s", "end_s")], axis=1)
    sent = result.transfers[["from", "to", "start_s", "end_s"]].itertuples(index=False)
    updates = [
        (number[sender], number[receiver], round(start_s), round(end_s))
        for sender, receiver, start_s, end_s in sent
        if sender in number and receiver in number
    ]
    return {
        "epoch_ms": round(1000 * plan.epoch_utc.timestamp()),
        "t_s": np.rint(flown.t_s).astype(int).tolist(),
        "km": [np.rint(path).astype(int).ravel().tolist() for path in flown.positions_km],
        "stations_km": np.rint(stations).astype(int).tolist(),
        "windows": windows[chosen(len(windows), MOST_WINDOWS)].ravel().tolist(),
        "updates": [value for place in chosen(len(updates), MOST_UPDATES) for value in updates[place]],
        "scored_s": np.rint(scores.index.to_numpy()).astype(int).tolist(),
        "scores": [rounded(row, 2) for row in scores.to_numpy()],
    }
