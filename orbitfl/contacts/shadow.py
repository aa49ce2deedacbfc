"""When the Earth hides the Sun from satellites: the table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

import numpy as np

from orbitfl.contacts.intervals import Intervals, intervals
from orbitfl.errors import ScenarioError
from orbitfl.orbit.constellation import Constellation
from orbitfl.orbit.convention import PHYSICAL, Convention
from orbitfl.orbit.sampling import LONGEST_STEP_S, sampling
from orbitfl.orbit.shadow import SUN_RADIUS_KM, shadows
from orbitfl.orbit.sun import paseos_sun, sun

Kind = Literal["umbra", "penumbra", "centre"]

HIDDEN_RADIUS_KM = MappingProxyType({"umbra": -SUN_RADIUS_KM, "penumbra": SUN_RADIUS_KM, "centre": 0.0})


def eclipses(
    constellation: Constellation,
    *,
    epoch_utc: datetime,
    duration_s: float,
    kinds: Sequence[Kind] = ("umbra", "penumbra"),
    convention: Convention = PHYSICAL,
    step_s: float = LONGEST_STEP_S,
) -> Intervals:
    """When the Earth, a sphere without air, hides the Sun: columns kind, satellite, start_s, end_s, truncated.

    Kinds: the Sun is hidden wholly ("umbra"), at least in part ("penumbra", which spans its umbra), or its centre
    is ("centre", what skyfield's `is_sunlit` and PASEOS tell). truncated: cut by the span's start or end.
    The sphere and the Sun's place are the convention's. step_s: the longest step between sampled states; it does
    not change which eclipses are found.
    Raises ScenarioError for other kinds, a span of nothing or too long, an epoch without time zone, and satellites
    within 20 km of the sphere or more than a million km away.
    """
    if not kinds or not set(kinds) <= set(HIDDEN_RADIUS_KM) or len(set(kinds)) < len(kinds):
        raise ScenarioError(f"kinds is {list(kinds)}, but it must name, once each, some of umbra, penumbra, centre.")
    radius_km = convention.shadow_radius_km(constellation.kind)
    satellites = sampling(constellation, epoch_utc, duration_s, convention, radius_km, step_s)
    light = paseos_sun(epoch_utc) if convention.ecliptic_sun else sun(epoch_utc)
    found = [shadows(satellites, light, HIDDEN_RADIUS_KM[kind]) for kind in kinds]
    columns = {
        "kind": np.repeat(np.arange(len(kinds), dtype=np.int8), [len(windows) for windows in found]),
        "satellite": np.concatenate([windows.series for windows in found]).astype(np.int32),
        "start_s": np.concatenate([windows.start_s for windows in found]),
        "end_s": np.concatenate([windows.end_s for windows in found]),
        "truncated": np.concatenate([windows.cut_start | windows.cut_end for windows in found]),
    }
    names = {"kind": kinds, "satellite": satellites.names}
    return intervals("eclipses", epoch_utc, duration_s, names, columns)
