"""Whether a run's tables say what a report asks of them: files come from anywhere."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from orbitfl.errors import StorageError
from orbitfl.experiment.result import RunResult
from orbitfl.results import AVERAGE, CONSTELLATION, RECORDS, TRANSFERS

ENERGY = {
    "node": "str",
    "activity": "str",
    "end_s": "float64",
    "consumed_j": "float64",
    "charge_end": "float64",
    "temperature_end_k": "float64",
    "eclipse_s": "float64",
}


def require_tables(result: RunResult) -> None:
    """Raises StorageError for a column that is missing or of another type, and for records that lack
    what every run has."""
    for run in result.all_runs().values():
        where = "The run" if run.folder is None else str(run.folder)
        for name, table, columns in (
            ("records", run.records, RECORDS),
            ("transfers", run.transfers, TRANSFERS),
            ("energy", run.energy, ENERGY),
        ):
            if wrong := _wrong(table, columns):
                raise StorageError(f"{where} has {name} whose column {wrong} is missing or no such data; run it anew.")
        _require_kinds(run, where)


def _require_kinds(run: RunResult, where: str) -> None:
    """What a summary is made of."""
    needed = {(node, kind) for node in run.plan.satellite_names for kind in ("miou", "steps", "sent_byte")}
    needed |= {(CONSTELLATION, "transfers done"), (AVERAGE, "miou")}
    lacking = needed.difference(zip(run.records["node"], run.records["kind"], strict=True))
    if lacking:
        node, kind = min(lacking)
        raise StorageError(f"{where} has records without {kind} of {node}, perhaps an older version's; run it anew.")


def _wrong(table: pd.DataFrame, columns: Mapping[str, str]) -> str | None:
    """The first column that is not as it should be; numbers must be finite."""
    for name, kind in columns.items():
        if name not in table:
            return name
        values = table[name].to_numpy()
        is_number = np.issubdtype(values.dtype, np.number)
        if (kind == "str") == is_number or (is_number and np.isinf(values).any()):
            return name
    return None
