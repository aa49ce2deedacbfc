"""The tiles of a scenario and what each satellite sees of them, before any learning. Imports no torch."""

from dataclasses import dataclass

import numpy as np

from orbitfl.data.loading import load, scenes
from orbitfl.data.partition import Holding, Overflight
from orbitfl.data.product import most_byte
from orbitfl.data.tiles import Tiles
from orbitfl.experiment.acquisition import Image, event_images, holdings, within
from orbitfl.files import cache_folder
from orbitfl.scenario import Scenario
from orbitfl.scenario.schema import Event
from orbitfl.simulation.rules import Agenda
from orbitfl.simulation.timeline import Observation


@dataclass(frozen=True)
class Survey:
    """Tiles to train on and who holds them when; the event's tiles and every image of it, if there is an event."""

    tiles: Tiles
    holdings: tuple[Holding, ...]
    event_tiles: Tiles | None
    event_images: tuple[Image, ...]

    @property
    def event_px(self) -> int:
        return 0 if self.event_tiles is None else self.event_tiles.masks.size


def survey(scenario: Scenario, satellite_count: int) -> Survey:
    """Read the data and find out when it is seen.

    Raises DataError for data that cannot be used, divided or placed on the Earth.
    """
    cache, overflown = cache_folder(), isinstance(scenario.data.partition, Overflight)
    tiles = load(scenario.data, cache)
    held = holdings(scenario, tiles, scenes(scenario.data, cache) if overflown else (), satellite_count)
    if scenario.event is None:
        return Survey(tiles, held, None, ())
    seen = within(scenes(scenario.event.data, cache), scenario.event.area)
    event_tiles = load(scenario.event.data, cache)
    there = np.flatnonzero(np.isin(event_tiles.scene, seen))
    return Survey(tiles, held, event_tiles.take(there), tuple(event_images(scenario, scenario.event)))


def is_needed(scenario: Scenario) -> bool:
    """Whether what happens when depends on the data."""
    return scenario.event is not None or isinstance(scenario.data.partition, Overflight)


def agenda(scenario: Scenario, known: Survey) -> Agenda:
    """What the engine has to know of it: seconds and bytes."""
    inference_s = scenario.seconds().inference_s
    processing_s = 0.0 if known.event_tiles is None else len(known.event_tiles) * inference_s
    return _agenda(known, processing_s, most_byte(known.event_px))


def bent_pipe_agenda(event: Event, known: Survey) -> Agenda:
    """The same without inference: raw images are sent as they are."""
    return _agenda(known, 0.0, raw_byte_of(event, known))


def raw_byte_of(event: Event, known: Survey) -> int:
    """An image of all the event's tiles as it comes from the instrument."""
    return round(known.event_px * event.raw_bit_per_px / 8)


def _agenda(known: Survey, processing_s: float, size_byte: int) -> Agenda:
    seen = (Observation(image.node, image.at_s, processing_s, size_byte) for image in known.event_images)
    return Agenda(tuple(holding.first_s for holding in known.holdings), tuple(seen))
