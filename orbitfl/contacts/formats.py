"""Contact plans as files."""

import json
from collections.abc import Callable
from pathlib import Path

from orbitfl.contacts.plan import ContactPlan
from orbitfl.errors import StorageError
from orbitfl.files import replacing


def write(plan: ContactPlan, path: Path) -> None:
    """Write a plan in the format that the ending of `path` names: .csv, .json or .parquet.

    JSON and Parquet also carry epoch and span. Raises StorageError for another ending, or a place that cannot
    be written; half a file is never left.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise StorageError(
            f"{path} has no ending of a contact plan; give a name that ends in one of {', '.join(WRITERS)}."
        )
    with replacing(path) as beside:
        writer(plan, beside)


def _write_csv(plan: ContactPlan, path: Path) -> None:
    plan.to_frame().to_csv(path, index=False)


def _write_json(plan: ContactPlan, path: Path) -> None:
    frame = plan.to_frame()
    content = {**frame.attrs, "nodes": plan.nodes, "contacts": frame.to_dict(orient="records")}
    path.write_text(json.dumps(content, indent=1) + "\n")


def _write_parquet(plan: ContactPlan, path: Path) -> None:
    plan.to_frame().to_parquet(path, index=False)


WRITERS: dict[str, Callable[[ContactPlan, Path], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".parquet": _write_parquet,
}
