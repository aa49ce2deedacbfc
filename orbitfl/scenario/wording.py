"""Sentences that several refusals share."""

from collections.abc import Sequence
from difflib import get_close_matches

LONGEST_KEY = 100
"""Comparing takes time with the square of the length, and no key is longer."""


def suggestion(key: object, known: Sequence[str]) -> str:
    """The nearest of the `known` keys, or all of them."""
    near = get_close_matches(str(key)[:LONGEST_KEY], known, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known)}."
