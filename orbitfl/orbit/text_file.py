"""Reading small text files that nobody vouches for, and the numbers in them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path

from orbitfl.errors import DataError, StorageError

# float() would also take underscores, other scripts' digits, nan and inf.
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
WHOLE = re.compile(r"\d{1,18}", re.ASCII)


def read_text(path: Path, largest_byte: int) -> str:
    """The text of a UTF-8 file. Raises StorageError if it cannot be read, DataError if it is too large or no text."""
    try:
        with path.open("rb") as file:
            content = file.read(largest_byte + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StorageError(f"{path} could not be read: {reason}. Give the path of a file.") from error
    if len(content) > largest_byte:
        raise DataError(f"{path} is larger than {largest_byte} bytes; split it into smaller files.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text (byte {error.start}); give a text file, or convert it.") from error


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's path before whatever DataError comes of its content."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def finite(text: str) -> float | None:
    """The finite number that an ASCII text writes out, or None."""
    value = float(text) if NUMBER.fullmatch(text) else None
    return value if value is not None and isfinite(value) else None


def whole(text: str) -> int | None:
    """The natural number that an ASCII text writes out, or None."""
    return int(text) if WHOLE.fullmatch(text) else None


LONGEST_NAME = 100


def name_of(given: object, what: str) -> str:
    """A name that somebody gave `what`, such as "station 3". Raises DataError for what is none."""
    if not isinstance(given, str) or not given.strip() or len(given) > LONGEST_NAME or not given.isprintable():
        written = shown(given) if isinstance(given, str) else "not a text"
        raise DataError(
            f"name of {what} is {written}, but it must be a line of 1 to {LONGEST_NAME} characters; mend it."
        )
    return given


def shown(text: object) -> str:
    """Foreign text, fit for a sentence: quoted, on one line, cut short."""
    written = ascii(text)
    return written if len(written) <= 60 else f"{written[:57]}..."
