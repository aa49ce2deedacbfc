"""Which runs of a sweep failed, by its failed.json: files come from anywhere, so it is read with care."""

from pathlib import Path

from orbitfl.errors import StorageError, in_a_line
from orbitfl.files import read_object

MOST_TOLD = 50
LONGEST = 600
"""Characters of a name with its reason."""


def failures_in(folder: Path) -> list[str]:
    """A line for each run that failed, of many the first; or one that says why failed.json cannot be used."""
    try:
        failed = _read(folder / "failed.json")
    except StorageError as error:
        return [_printable(str(error))]
    told = [_printable(f"Failed: {name}: {reason}") for name, reason in list(failed.items())[:MOST_TOLD]]
    left = len(failed) - len(told)
    return [*told, f"{left} more failed; failed.json has all."] if left else told


def _read(path: Path) -> dict[str, str]:
    """Names and reasons, none where there is no file. Raises StorageError."""
    try:
        failed = read_object(path) if path.exists() else {}
        if not all(isinstance(reason, str) for reason in failed.values()):
            raise ValueError("its reasons are not texts")
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path} cannot be read ({error}), so runs that failed are not listed; write it anew by going on with the "
            "sweep by --resume."
        ) from error
    return failed


def _printable(told: str) -> str:
    """In a line, not too long, and of characters that a file can hold: JSON can say half of one."""
    line = in_a_line(told).encode("utf-8", "replace").decode()
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
