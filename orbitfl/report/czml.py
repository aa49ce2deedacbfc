"""A run as a scene for Cesium: its contact plan, dressed with what the satellites knew, sent and had in store."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from orbitfl.contacts.areas import Area
from orbitfl.contacts.formats.czml import Packet, ends, instant, interval, node_id, packets, solid, text_from
from orbitfl.experiment.result import RunResult
from orbitfl.orbit.arrays import Floats
from orbitfl.report.footprints import footprints
from orbitfl.report.plots import thinned

SHOWN_S = 60.0
"""An update crosses a link in a blink; its arrow stays so long that it is seen at a minute to the second."""
ARROW_RGBA, SCENE_RGBA = [213, 94, 0, 255], [0, 158, 115, 160]
RIM = {"outlineColor": {"rgba": [255, 255, 255, 255]}, "outlineWidth": 1}
MOST_CHARGES = 500


def czml_of(result: RunResult) -> str:
    """Satellites coloured by mIoU (cividis, from the run's lowest to its highest) with mIoU and charge in their labels,
    links while they are open, an arrow for each update, stations, and the scenes where they are known."""
    scene = packets(result.plan, result.scenario.planning().geometry())
    return text_from([*_dressed(result, scene), *_updates(result), *_scenes(footprints(result))])


def _dressed(result: RunResult, scene: Iterator[Packet]) -> Iterator[Packet]:
    scores, ramp = _scores(result), _Ramp(result.satellites().to_numpy())
    spells = dict(iter(result.energy.groupby("node")))
    satellites = {node_id(number): name for number, name in enumerate(result.plan.satellite_names)}
    for packet in scene:
        if packet["id"] == "document":
            yield {**packet, "name": result.scenario.name}
        elif packet["id"] in satellites:
            name = satellites[packet["id"]]
            yield _satellite(result, packet, scores[name], _charges(result, spells.get(name)), ramp)
        else:
            yield packet


def _scores(result: RunResult) -> dict[str, pd.Series]:
    """mIoU of each satellite by mission time."""
    table = result.satellites()
    columns = zip(result.plan.satellite_names, table.to_numpy().T, strict=True)
    return {name: pd.Series(values, index=table.index) for name, values in columns}


class _Ramp:
    """Colours from the lowest to the highest of some scores; cividis reads the same to colour-blind eyes."""

    def __init__(self, scores: Floats) -> None:
        self.lowest, self.highest = float(np.nanmin(scores)), float(np.nanmax(scores))

    def rgba(self, score: float) -> list[int]:
        from matplotlib import colormaps

        span = self.highest - self.lowest
        return [round(255 * part) for part in colormaps["cividis"]((score - self.lowest) / span if span else 0.0)]


def _satellite(result: RunResult, packet: Packet, scores: pd.Series, charges: Floats, ramp: _Ramp) -> Packet:
    """charges: (2, n), times in s and states of charge."""
    times_s = scores.index.to_numpy()
    spans = list(pairwise([*times_s, max(result.scenario.duration_s, times_s[-1])]))
    told: list[tuple[str, float, float]] = [
        (interval(result.plan, start_s, end_s), float(score), float(np.interp(start_s, *charges)))
        for (start_s, end_s), score in zip(spans, scores, strict=True)
        if end_s > start_s
    ]
    label = [
        {"interval": span, "string": f"{packet['name']}: mIoU {score:.0f} %, charge {100 * charge:.0f} %"}
        for span, score, charge in told
    ]
    colours = [{"interval": span, "rgba": ramp.rgba(score)} for span, score, _ in told]
    return {
        **packet,
        "point": {**packet["point"], "pixelSize": 10, "color": colours, **RIM},
        "label": {**packet["label"], "text": label},
        "properties": {
            "miou": [{"interval": span, "number": round(score, 3)} for span, score, _ in told],
            "state_of_charge": {
                "epoch": instant(result.plan, 0.0),
                "number": [round(value, 4) for pair in charges.T.tolist() for value in pair],
            },
        },
    }


def _charges(result: RunResult, spells: pd.DataFrame | None) -> Floats:
    start = [[0.0], [result.scenario.environment.initial_charge]]
    if spells is None:
        return np.array(start)
    shown = thinned(spells.drop_duplicates("end_s", keep="last"), MOST_CHARGES)
    return np.hstack([start, [shown["end_s"].to_numpy(), shown["charge_end"].to_numpy()]])


def _updates(result: RunResult) -> Iterator[Packet]:
    """An arrow for each direction of each pair, while something is under way and a little longer."""
    number = {name: place for place, name in enumerate(result.plan.nodes)}
    for (sender, receiver), spans_s in _under_way(result).items():
        if sender in number and receiver in number:
            yield {
                "id": f"updates-{number[sender]}-{number[receiver]}",
                "name": f"updates of {sender} to {receiver}",
                "availability": [interval(result.plan, *span) for span in _merged(spans_s)],
                "polyline": {
                    "positions": {"references": ends(number[sender], number[receiver])},
                    "arcType": "NONE",
                    "width": 8,
                    "material": {"polylineArrow": {"color": {"rgba": ARROW_RGBA}}},
                },
            }


def _under_way(result: RunResult) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """By sender and receiver, when an arrow shows."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for sender, receiver, start_s, end_s in result.transfers[["from", "to", "start_s", "end_s"]].to_numpy():
        until_s = max(end_s, min(start_s + SHOWN_S, result.scenario.duration_s))
        found.setdefault((sender, receiver), []).append((start_s, until_s))
    return found


def _merged(spans_s: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans that overlap as one, in order of time; those without length are left out."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans_s):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        elif end > start:
            merged.append((start, end))
    return merged


def _scenes(areas: list[Area]) -> Iterator[dict[str, Any]]:
    for number, area in enumerate(areas):
        west_deg, east_deg = ((edge + 180) % 360 - 180 for edge in (area.west_deg, area.east_deg))
        latitude_deg, longitude_deg = area.centre_deg
        yield {
            "id": f"scene-{number}",
            "name": area.name,
            "position": {"cartographicDegrees": [longitude_deg, latitude_deg, 0]},
            "point": {"pixelSize": 4, "color": {"rgba": SCENE_RGBA}},
            "rectangle": {
                "coordinates": {"wsenDegrees": [west_deg, area.south_deg, east_deg, area.north_deg]},
                "material": solid(SCENE_RGBA),
            },
        }
