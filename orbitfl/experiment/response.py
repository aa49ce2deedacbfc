"""How soon a useful map of the disaster reaches the ground, from onboard and through the bent pipe."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np
import pandas as pd

from orbitfl.contacts.channel import Channel
from orbitfl.experiment.acquisition import Image
from orbitfl.orbit.arrays import Floats
from orbitfl.results import RESPONSE
from orbitfl.scenario.schema import Event
from orbitfl.simulation.timeline import Downlink, Timeline

ONBOARD, BENT_PIPE = "onboard", "bent pipe"


@dataclass(frozen=True)
class WaterMap:
    """What one inference made: the bytes of its compressed mask, its IoU of water in percent, and when it was there."""

    size_byte: int
    iou_water: float
    made_s: float


def onboard_response(
    event: Event,
    images: Sequence[Image],
    mission: Timeline,
    channel: Channel,
    maps: Mapping[int, WaterMap],
    names: Sequence[str],
) -> pd.DataFrame:
    """A row per image of the event, in order of time; what did not happen within the mission is NaN.

    channel: the mission's own. maps: by number of the observation. A map is there when the last byte of its mask is:
    the downlink was booked for more.
    """
    parts, rows = _parts(mission), []
    for number, image in enumerate(images):
        made = maps.get(number)
        delivered_s = nan if made is None else _delivered_s(parts[number], channel, made.size_byte)
        size_byte, iou, made_s = (nan,) * 3 if made is None else (made.size_byte, made.iou_water, made.made_s)
        useful = delivered_s < inf and iou >= event.target_iou_water
        rows.append((ONBOARD, names[image.node], image.at_s, made_s, delivered_s, size_byte, iou, useful))
    return _table(rows)


def bent_pipe_response(
    event: Event, images: Sequence[Image], mission: Timeline, channel: Channel, raw_byte: int, names: Sequence[str]
) -> pd.DataFrame:
    """The same for raw images, each segmented on the ground after it has come down.

    Its map counts as useful whatever the model on the ground may be worth: a bound in favour of the bent pipe.
    """
    parts, rows = _parts(mission), []
    for number, image in enumerate(images):
        mapped_s = _delivered_s(parts[number], channel, raw_byte) + event.ground_processing_s
        rows.append((BENT_PIPE, names[image.node], image.at_s, mapped_s, mapped_s, raw_byte, nan, mapped_s < inf))
    return _table(rows)


def first_maps(event_s: float, response: pd.DataFrame, how: str) -> dict[str, float]:
    """Hours from the event to the first image, the first map on the ground and the first useful one; NaN if never.

    With them the IoU of water, in percent, and the bytes of the first map. how: ONBOARD or BENT_PIPE.
    """
    rows = response.loc[response["how"] == how]
    maps = rows.loc[np.isfinite(rows["delivered_s"])].sort_values("delivered_s", kind="stable")
    delivered_s, useful = maps["delivered_s"].to_numpy(), maps["useful"].to_numpy()
    return {
        "first image h": _first_h(rows["imaged_s"].to_numpy(), event_s),
        "first map h": _first_h(delivered_s, event_s),
        "useful map h": _first_h(delivered_s[useful], event_s),
        "first IoU": float(maps["iou_water"].to_numpy()[0]) if len(maps) else nan,
        "first kB": float(maps["byte"].to_numpy()[0]) / 1e3 if len(maps) else nan,
        "maps": len(maps),
        "useful maps": int(useful.sum()),
    }


def _parts(mission: Timeline) -> dict[int, list[Downlink]]:
    parts = defaultdict[int, list[Downlink]](list)
    for each in mission.happenings:
        if isinstance(each, Downlink):
            parts[each.observation].append(each)
    return parts


def _delivered_s(parts: Sequence[Downlink], channel: Channel, size_byte: int) -> float:
    """When so many bytes have come down in these downlinks; NaN if they never have."""
    left_byte = size_byte
    for part in parts:
        if part.sent_byte >= left_byte:
            return channel.finish_s(part.contact, part.start_s, 8 * left_byte)
        left_byte -= part.sent_byte
    return nan


def _table(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(RESPONSE)).astype(RESPONSE)


def _first_h(at_s: Floats, event_s: float) -> float:
    """Hours from the event to the first of these; NaN if there is none."""
    known_s = at_s[np.isfinite(at_s)]
    return float(known_s.min() - event_s) / 3600 if len(known_s) else nan
