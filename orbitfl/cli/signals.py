"""What else ends a command but its own end."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn


@contextmanager
def on_sigterm(end: Callable[..., NoReturn]) -> Iterator[None]:
    """Have SIGTERM, by which schedulers and shutdowns end what runs, call `end` while the block runs."""
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
