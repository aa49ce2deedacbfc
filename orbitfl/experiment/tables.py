"""A timeline as the tables of a run's folder."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import pandas as pd

from orbitfl.environment.base import Spell
from orbitfl.experiment.replay import Record
from orbitfl.results import RECORDS, TRANSFERS
from orbitfl.simulation.timeline import Downlink, Exchange, Happening, Sending, Timeline


def records(rows: Sequence[Record]) -> pd.DataFrame:
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
        case Downlink(node=node, station=station, start_s=start_s, end_s=end_s, sent_byte=byte, outcome=outcome):
            yield names[node], station, start_s, end_s, byte, outcome


def energy(mission: Timeline, names: Sequence[str]) -> pd.DataFrame:
    """A row per spell of activity, satellite by satellite."""
    frame = pd.DataFrame([asdict(spell) for spell in mission.energy], columns=list(Spell.__dataclass_fields__))
    frame["node"] = [names[node] for node in frame["node"]]
    frame["activity"] = frame["activity"].astype(str)
    frame["reason"] = frame["reason"].fillna("").astype(str)
    order = {name: place for place, name in enumerate(names)}
    return frame.sort_values(
        ["node", "start_s"],
        key=lambda column: column.map(order) if column.name == "node" else column,
        kind="stable",
        ignore_index=True,
    )
