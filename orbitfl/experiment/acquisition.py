"""What the satellites' instruments bring home: data to train on, and images of the event."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from orbitfl.contacts import Area, imaging_windows
from orbitfl.data.boxes import Box, box_of
from orbitfl.data.folder import Scene
from orbitfl.data.partition import Holding, Overflight, from_the_start
from orbitfl.data.tiles import Tiles
from orbitfl.errors import DataError
from orbitfl.purposes import Purpose
from orbitfl.scenario import Scenario
from orbitfl.scenario.schema import Event


class Image(NamedTuple):
    """Satellite `node` has taken an image of the whole of area number `area` by `at_s`."""

    node: int
    area: int
    at_s: float


def holdings(scenario: Scenario, tiles: Tiles, scenes: Sequence[Scene], satellite_count: int) -> tuple[Holding, ...]:
    """The tiles of each satellite, and from when it holds them.

    Raises DataError for too few tiles to divide, and for scenes without georeference under the partition overflight.
    """
    held = _held_by(scenario, tiles, scenes, satellite_count)
    most_tiles = scenario.training.most_tiles
    if most_tiles is None:
        return held
    rng = np.random.default_rng([scenario.seed, Purpose.FEWER_TILES])
    return tuple(holding.fewer(most_tiles, rng) for holding in held)


def _held_by(scenario: Scenario, tiles: Tiles, scenes: Sequence[Scene], satellite_count: int) -> tuple[Holding, ...]:
    partition = scenario.data.partition
    if not isinstance(partition, Overflight):
        rng = np.random.default_rng([scenario.seed, Purpose.PARTITION])
        return from_the_start(partition.split(tiles, satellite_count, rng))
    areas = [Area(name=scene.name, **box_of(scene)._asdict()) for scene in scenes]
    seen_s = np.full((satellite_count, len(scenes)), np.inf)
    for image in reversed(clear_images(scenario, areas, Purpose.SCENE_CLOUDS)):
        seen_s[image.node, image.area] = image.at_s
    return tuple(_held(first_s[tiles.scene]) for first_s in seen_s)


def event_images(scenario: Scenario, event: Event) -> list[Image]:
    """Those of the event's area, taken whole after it began, in order of time."""
    since_s = scenario.since_epoch_s(event.time_utc)
    return [image for image in clear_images(scenario, [event.area], Purpose.EVENT_CLOUDS) if image.at_s > since_s]


def clear_images(scenario: Scenario, areas: Sequence[Area], purpose: Purpose) -> list[Image]:
    """Every image of a whole area by daylight that clouds do not hide, in order of time; taken when its pass ends."""
    imaging = scenario.imaging
    windows = imaging_windows(
        scenario.constellation,
        areas,
        imaging.instrument,
        epoch_utc=scenario.epoch_utc,
        duration_s=scenario.duration_s,
        min_sun_elevation_deg=imaging.min_sun_elevation_deg,
    ).table
    clouded = np.random.default_rng([scenario.seed, purpose]).random(len(windows["end_s"]))
    whole = windows["whole"] & (clouded >= imaging.cloud_probability)
    columns = (windows[name][whole].tolist() for name in ("satellite", "area", "end_s"))
    return sorted((Image(*row) for row in zip(*columns, strict=True)), key=lambda image: image.at_s)


def within(scenes: Sequence[Scene], area: Area) -> list[int]:
    """Which of the scenes touch the area. Raises DataError if none does, and for a scene without georeference."""
    found = [number for number, scene in enumerate(scenes) if _touch(box_of(scene), area)]
    if not found:
        raise DataError(
            f"None of the {len(scenes)} scenes around {scenes[0].image_path} lies in the event's area {area.name}; "
            "choose other scenes, or the area around these."
        )
    return found


def _touch(box: Box, area: Area) -> bool:
    eastward_deg = (box.west_deg - area.west_deg) % 360
    width_deg = (box.east_deg - box.west_deg) % 360
    overlaps = eastward_deg <= area.width_deg or eastward_deg + width_deg >= 360
    return overlaps and box.south_deg <= area.north_deg and box.north_deg >= area.south_deg


def _held(first_s: np.ndarray) -> Holding:
    index = np.flatnonzero(np.isfinite(first_s))
    return Holding(index, first_s[index])
