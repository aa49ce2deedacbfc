"""What a key means, from the docstring of the dataclass that it belongs to."""

import dataclasses
import inspect
import re
from fnmatch import fnmatchcase

from orbitfl.scenario.profiles.figure import UNITS

FURTHER_UNITS = {"_px": "pixels", "_deg": "degrees", "_m": "metres", "_c": "degrees Celsius"}
NAME = r"`?[a-z][a-z0-9_]*\*?`?"
NAMES = re.compile(rf"(?:^|(?<=\s))({NAME}(?:(?:, | and ){NAME})*): ")
SENTENCE = re.compile(r"(?<=[.;])\s+")


def described(component: type) -> dict[str, str]:
    """For each key of a dataclass what its docstring says of it, or else its unit; keys without both are left out.

    A docstring says it as `key: explanation` or, failing that, in the first sentence that names the key.
    """
    texts = [" ".join(doc.split()) for doc in _docstrings(component)]
    said = {key.name: _explained(key.name, texts) or _unit(key.name) for key in dataclasses.fields(component)}
    return {name: text for name, text in said.items() if text}


def _docstrings(component: type) -> list[str]:
    """Its own, then those of the dataclasses it extends."""
    owners = [each for each in component.__mro__ if dataclasses.is_dataclass(each)]
    return [inspect.cleandoc(each.__doc__) for each in owners if each.__doc__]


def _explained(name: str, texts: list[str]) -> str | None:
    marked = (text for each in texts for names, text in _entries(each) if _is_among(name, names))
    told = (sentence for each in texts for sentence in SENTENCE.split(each) if re.search(rf"`{name}`", sentence))
    return next(marked, None) or next(told, None)


def _entries(text: str) -> list[tuple[list[str], str]]:
    """The keys before each colon, and what follows it up to the next ones."""
    pieces = NAMES.split(text)
    pairs = zip(pieces[1::2], pieces[2::2], strict=True)
    return [(re.findall(r"[a-z][a-z0-9_]*\*?", names), what.partition(" Raises ")[0].strip()) for names, what in pairs]


def _is_among(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _unit(name: str) -> str | None:
    ends = {**UNITS, **FURTHER_UNITS}
    unit = next((unit for ending, unit in ends.items() if name.endswith(ending)), None)
    return f"In {unit}." if unit else None
