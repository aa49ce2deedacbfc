"""Reading text that anybody may have written."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from orbitfl.contacts.columns import COLUMNS, Column
from orbitfl.errors import DataError

JSON_TYPES = {"b": ((bool,), "?"), "i": ((int,), "i8"), "f": ((int, float), "f8")}
"""For the kind of a NumPy type: the types of JSON that hold its values, and one wide enough for them."""
LARGEST_TEXT_BYTE = 128 * 1024**2
LARGEST_TABLE_BYTE = 4 * 1024**3


def require_size(path: Path, largest_byte: int) -> None:
    """Raises DataError for more than `largest_byte`, OSError for what is not a file."""
    size_byte = path.stat().st_size
    if size_byte > largest_byte:
        raise DataError(f"It has {size_byte} bytes, but at most {largest_byte} are read; split it or use Parquet.")


def text_of(path: Path) -> str:
    require_size(path, LARGEST_TEXT_BYTE)
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise DataError(f"Byte {error.start} is not UTF-8; save the file as UTF-8.") from error


def json_of(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"It is not JSON: {error}.") from error


def column_of(name: str, values: list[Any]) -> Column:
    """A column of numbers or booleans from values of JSON. Raises DataError for any other."""
    types, dtype = JSON_TYPES[COLUMNS[name].kind]
    wrong = [value for value in values if not isinstance(value, types) or isinstance(value, bool) != (dtype == "?")]
    if wrong:
        raise DataError(f"A contact's {name} is {str(wrong[0])[:40]}, which is missing or of the wrong type.")
    try:
        return np.array(values, dtype)
    except OverflowError as error:
        raise DataError(f"A contact's {name} is too large a number.") from error
