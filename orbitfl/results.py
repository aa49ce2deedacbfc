"""A run's folder: written whole or not at all, read back as tables.

Files and columns are a contract (docs/design.md). Wall-clock figures stand in run.json alone, so that equal runs
give equal bytes everywhere else.
"""

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from orbitfl.errors import StorageError
from orbitfl.files import write_text

RECORDS = {"t_s": "float64", "node": "str", "kind": "str", "value": "float64"}
TRANSFERS = {"from": "str", "to": "str", "start_s": "float64", "end_s": "float64", "byte": "int64", "outcome": "str"}


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder beside `folder` to fill; it takes the name `folder` when the block ends well.

    Raises StorageError if `folder` holds something already, or cannot be written; nothing is left behind then.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StorageError(f"{folder} exists and is not empty; give --out another folder, or move this one away first.")
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        beside.mkdir(parents=True)
        yield beside
        if folder.is_dir():
            folder.rmdir()
        beside.rename(folder)
    except OSError as error:
        raise StorageError(
            f"The run folder {folder} could not be written: {error.strerror or error}. Free some space or choose another place with --out."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_table(folder: Path, name: str, rows: list[tuple] | pd.DataFrame, columns: Mapping[str, str] | None = None) -> None:
    """Write `name`.parquet from rows in the columns' order and types."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows, columns=list(columns or ()))
    frame = frame.astype(dict(columns)) if columns else frame
    frame.to_parquet(folder / f"{name}.parquet", index=False)


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Raises StorageError if the folder holds no such table."""
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise StorageError(f"{folder} holds no {name}.parquet; give the folder of a finished run.")
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} is not a readable table ({error}); run the scenario again.") from error


def write_provenance(folder: Path, provenance: Mapping[str, Any]) -> None:
    write_text(folder / "run.json", json.dumps(provenance, indent=2, sort_keys=True) + "\n")


def read_provenance(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(f"{folder} holds no readable run.json; give the folder of a finished run.") from error
