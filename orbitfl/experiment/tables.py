"""A timeline as the tables of a run's folder."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbitfl.environment.base import Spell
from orbitfl.results import RECORDS, TRANSFERS
from orbitfl.simulation.timeline import Downlink, Exchange, Happening, Sending, Timeline

if TYPE_CHECKING:
    from orbitfl.results import Record


def records(rows: Sequence["Record"]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(RECORDS)).astype(RECORDS)


def transfers(mission: Timeline, names: Sequence[str]) -> pd.DataFrame:
    """A row per direction of every exchange, and per downlink."""
    rows = [row for each in mission.happenings for row in _sendings(each, names)]
    return pd.DataFrame(rows, columns=list(TRANSFERS)).astype(TRANSFERS)


def _sendings(happening: Happening, names: Sequence[str]) -> Iterator[tuple[object, ...]]:
    match happening:
        case Exchange(_, a, b, start_s, end_s, (there, back), outcome):
            yield names[a], names[b], start_s, end_s, there, outcome
            yield names[b], names[a], start_s, end_s, back, outcome
        case Sending(_, sender, receiver, start_s, end_s, byte, outcome, station):
            ends = [station if node == len(names) else names[node] for node in (sender, receiver)]
            yield *ends, start_s, end_s, byte, outcome
        case Downlink(_, node, contact, start_s, end_s, byte, outcome):
            yield names[node], contact.b, start_s, end_s, byte, outcome


def energy(mission: Timeline, names: Sequence[str]) -> pd.DataFrame:
    """A row per spell of activity, satellite by satellite."""
    spells = mission.energy
    node = np.fromiter((spell.node for spell in spells), np.intp, len(spells))
    order = np.lexsort((_numbers(spells, "start_s"), node))
    words = {
        "node": _words(names, node[order]),
        "activity": _told([spell.activity for spell in spells], order),
        "reason": _told([spell.reason for spell in spells], order),
    }
    return pd.DataFrame(
        {name: words[name] if name in words else _numbers(spells, name)[order] for name in Spell._fields}
    )


def _numbers(spells: Sequence[Spell], name: str) -> NDArray[np.float64]:
    return np.fromiter(map(attrgetter(name), spells), np.float64, len(spells))


def _told(values: Sequence[str | None], order: NDArray[np.intp]) -> pd.api.extensions.ExtensionArray:
    """Members of an enumeration as plain strings, None as an empty one."""
    places = {each: place for place, each in enumerate(dict.fromkeys(values))}
    place = np.fromiter(map(places.__getitem__, values), np.intp, len(values))
    return _words(["" if each is None else str(each) for each in places], place[order])


def _words(words: Sequence[str], places: NDArray[np.intp]) -> pd.api.extensions.ExtensionArray:
    """For each row the word at its place; half a million strings, one by one, would take seconds."""
    return pd.array(list(words), dtype="str").take(places)
