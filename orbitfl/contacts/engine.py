"""Two speeds, one answer: NumPy always, numba for mega-constellations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Literal, NamedTuple

from orbitfl.contacts.measure import Spans, ranges_km
from orbitfl.contacts.visibility import PairProducts
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.crossings import Windows, find_windows
from orbitfl.orbit.ephemeris import Ephemeris

EngineName = Literal["auto", "numpy", "numba"]
WORTH_COMPILING = 20_000_000
"""Pairs times steps from which loading the compiled code, some seconds the first time, pays."""


class Engine(NamedTuple):
    """What finds windows of pairs and measures their ranges."""

    name: Literal["numpy", "numba"]
    pair_windows: Callable[[Iterable[PairProducts]], Windows]
    ranges_km: Callable[[Ephemeris, Spans], tuple[Floats, Floats]]


NUMPY = Engine("numpy", find_windows, ranges_km)


def engine_for(name: EngineName, pair_steps: int) -> Engine:
    """The engine of that name; "auto" takes numba for large searches, where it is installed.

    Raises ScenarioError if numba is asked for by name and not installed.
    """
    installed = find_spec("numba") is not None
    if name == "numba" and not installed:
        raise ScenarioError("The engine numba is not installed; run pip install 'orbitfl[numba]' or take numpy.")
    if name == "numpy" or not installed or (name == "auto" and pair_steps < WORTH_COMPILING):
        return NUMPY
    from orbitfl.contacts import compiled

    return Engine("numba", compiled.pair_windows, compiled.ranges_km)
