"""Small files from anywhere, whole: no pipe is waited for, and no device or huge file fills the memory."""

import os
import stat
from pathlib import Path

from orbitfl_edge.problems import EdgeError


def read_file(path: Path, most_byte: int, called: str, remedy: str) -> bytes:
    """Raises EdgeError unless `path` is a regular file of at most `most_byte`, a link to one included."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(most_byte + 1) if regular else b""
    except OSError as error:
        raise EdgeError(f"There is no readable {called} {path}; {remedy}.") from error
    if not regular:
        raise EdgeError(f"There is no readable {called} {path}, which is not a file; {remedy}.")
    if len(content) > most_byte:
        raise EdgeError(f"{path} is larger than {most_byte} bytes, which no {called} is; {remedy}.")
    return content
