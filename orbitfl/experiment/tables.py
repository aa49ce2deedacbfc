"""A timeline as the tables of a run's folder."""

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from orbitfl.environment.base import Spell
from orbitfl.experiment.replay import Record
from orbitfl.results import RECORDS, TRANSFERS
from orbitfl.simulation.timeline import Exchange, Timeline


def records(rows: Sequence[Record]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(RECORDS)).astype(RECORDS)


def transfers(mission: Timeline, names: Sequence[str]) -> pd.DataFrame:
    """A row per direction of every exchange."""
    rows = [
        (names[sender], names[receiver], each.start_s, each.end_s, each.size_byte, each.outcome)
        for each in mission.happenings
        if isinstance(each, Exchange)
        for sender, receiver in ((each.a, each.b), (each.b, each.a))
    ]
    return pd.DataFrame(rows, columns=list(TRANSFERS)).astype(TRANSFERS)


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
