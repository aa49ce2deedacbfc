"""How far long work has come: told to a function that is handed in, so that work knows no terminal."""

from collections.abc import Callable

Notify = Callable[[str, int, int], None]
"""Of which piece of work, how much is done, and of how much in all."""

Count = Callable[[int, int], None]
"""The same of the one piece at hand."""


def silent(what: str, done: int, total: int) -> None:
    """A `Notify` that tells nobody."""


def uncounted(done: int, total: int) -> None:
    """A `Count` that tells nobody."""
