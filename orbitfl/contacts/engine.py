"""Two speeds, one answer: NumPy always, numba for mega-constellations."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from orbitfl.contacts.ground import Elevation
from orbitfl.contacts.measure import Spans, ranges_km
from orbitfl.contacts.visibility import PairProducts
from orbitfl.errors import ScenarioError
from orbitfl.orbit.crossings import Reached, Windows, find_windows, untold
from orbitfl.orbit.ephemeris import Ephemeris
from orbitfl.orbit.smooth import SmoothCurve

EngineName = Literal["auto", "numpy", "numba", "closed_form"]
WORTH_COMPILING = 20_000_000
"""Pairs times steps from which loading the compiled code pays, a second and some more the first time, or what spares
it: `orbitfl.contacts.shell`."""
WORTH_CALLING = 200_000
"""The same once it is loaded."""


Searched = TypeVar("Searched", contravariant=True)


class Search(Protocol[Searched]):
    """When what is searched, parts of time that follow one another, is positive."""

    def __call__(self, parts: Iterable[Searched], /, reached: Reached = untold) -> Windows: ...


class Engine(NamedTuple):
    """What finds windows and measures their ranges."""

    name: Literal["numpy", "numba"]
    pair_windows: Search[PairProducts]
    pass_windows: Search[Elevation]
    ranges_km: Callable[[Ephemeris, Spans], tuple[NDArray[np.float32], NDArray[np.float32]]]


def pass_windows(elevations: Iterable[Elevation], reached: Reached = untold) -> Windows:
    return find_windows(map(SmoothCurve, elevations), reached)


NUMPY = Engine("numpy", find_windows, pass_windows, ranges_km)


def engine_for(name: EngineName, pair_steps: int) -> Engine:
    """The engine of that name; "auto" takes numba, where it is installed, for searches that are worth loading it.

    So does "closed_form", for what it has to search for all the same.
    Raises ScenarioError if numba is asked for by name and not installed.
    """
    installed = find_spec("numba") is not None
    if name == "numba" and not installed:
        raise ScenarioError("The engine numba is not installed; run pip install 'orbitfl[numba]' or take numpy.")
    least = WORTH_CALLING if "orbitfl.contacts.compiled_ground" in sys.modules else WORTH_COMPILING
    if name == "numpy" or not installed or (name != "numba" and pair_steps < least):
        return NUMPY
    from orbitfl.contacts import compiled, compiled_ground

    return Engine("numba", compiled.pair_windows, compiled_ground.pass_windows, compiled.ranges_km)
