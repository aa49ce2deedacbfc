"""A replay written down as it goes, so that a run that is killed goes on where it was."""

import json
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from orbitfl.contacts import ContactPlan
from orbitfl.experiment import state
from orbitfl.experiment.classroom import Classroom
from orbitfl.experiment.replay import Replay
from orbitfl.results import Record
from orbitfl.scenario import Scenario, resolved_yaml
from orbitfl.simulation.timeline import Happening

LARGEST_SHARE = 0.02
"""Of wall time, that saving states may take."""


class Journal:
    """The records of one replay, and its state beside them every so often.

    Where a state is saved has no influence on any number: sessions that wait are only carried out earlier, and records
    are put in the order of what happened.
    """

    def __init__(self, replay: Replay, place: Path | None, every_s: float) -> None:
        """place: the file for the state; None to keep none. every_s: wall time between two."""
        self._replay, self._place, self._every_s = replay, place, every_s
        self._rows: list[state.Row] = []
        self._begun_s = self._saved_s = time.perf_counter()

    def keep(self, happenings: Sequence[Happening], scenario: Scenario, plan: ContactPlan) -> Iterator[float]:
        """Carry out what is left of the happenings of a mission on `plan`; yields mission seconds as they pass."""
        key = _key(scenario, self._replay.classroom, plan)
        if self._place is not None and self._place.exists():
            saved, self._rows = state.load(self._place, key)
            self._replay.go_on_from(saved)
        for rows in self._replay.carried_out(happenings):
            self._rows.extend(rows)
            if self._place is not None and time.perf_counter() >= self._saved_s + self._every_s:
                self._save(self._place, key)
            yield from (t_s for _, (t_s, *_) in rows[-1:])

    def records(self) -> list[Record]:
        """In the order of what happened."""
        return [record for _, record in sorted(self._rows, key=lambda row: row[0])]

    def wall_s(self) -> float:
        return time.perf_counter() - self._begun_s

    def _save(self, place: Path, key: str) -> None:
        started_s = time.perf_counter()
        self._rows.extend(self._replay.settled())
        state.save(place, key, self._replay.state(), self._rows)
        ended_s = time.perf_counter()
        self._saved_s = max(ended_s, started_s + (ended_s - started_s) / LARGEST_SHARE - self._every_s)


def _key(scenario: Scenario, classroom: Classroom, plan: ContactPlan) -> str:
    """What a state is of: everything a result depends on. A scenario says where tiles, weights and orbits lie, not
    which."""
    inputs = {
        "orbitfl": metadata.version("orbitfl"),
        "base": classroom.base,
        "plan": dict(plan.provenance),
        **classroom.hashes,
    }
    return resolved_yaml(scenario) + json.dumps(inputs, sort_keys=True)
