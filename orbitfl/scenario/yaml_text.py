"""YAML in and out of files: nothing in it is run, and nothing large is parsed."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from orbitfl.errors import ScenarioError, in_a_line
from orbitfl.files import read_regular

LARGEST_DOCUMENT = 2_000_000
"""Values and characters together; the largest file that is read holds fewer, unless it repeats itself."""


MOST_MERGED = 100_000
"""Keys that `<<` brings in, each as often as it does."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2 numbers: 1e-4 is a number, not a text. What `<<` repeats is counted before it is written out."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.merged = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        self.merged += len(node.value)
        if self.merged > MOST_MERGED:
            raise yaml.constructor.ConstructorError(
                None, None, "it repeats parts of itself by `<<` beyond all bounds; write out what is meant"
            )


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


class _Dumper(yaml.SafeDumper):
    """Without anchors, which a person would have to resolve by eye."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def read(path: Path, largest_byte: int, what: str) -> str:
    """The text of a file. `what` it should be, such as "a scenario". Raises ScenarioError naming the file."""
    try:
        return read_regular(path, largest_byte).decode("utf-8")
    except OSError as error:
        raise ScenarioError(f"{path} could not be read: {error.strerror}. Give the path of {what} file.") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path} is not a text file; give the path of {what} in YAML.") from error
    except ValueError as error:
        raise ScenarioError(f"{path} cannot be used: {error}; {what} is a short YAML file.") from error


def parse(text: str, name: str) -> Any:
    """What the text holds, in plain Python. Raises ScenarioError naming `name`, the text's origin."""
    try:
        document = yaml.load(text, Loader=_Loader)
    # PyYAML lets slip the errors of its own conversions, such as `!!bool maybe` and `!!timestamp soon`.
    except (yaml.YAMLError, ValueError, RecursionError, LookupError, AttributeError, TypeError) as error:
        raise ScenarioError(f"{name} is not valid YAML: {in_a_line(error)}") from error
    if _size(document, {}) > LARGEST_DOCUMENT:
        raise ScenarioError(f"{name} repeats parts of itself by `*` beyond all bounds; write out what is meant.")
    return document


def _size(value: Any, known: dict[int, int]) -> int:
    """How many values and characters there are with every alias written out; what holds itself is too large.

    `known`: the sizes so far, by identity, so that a few lines that stand for billions are counted in no time.
    """
    if not isinstance(value, dict | list):
        return 1 + len(value) if isinstance(value, str) else 1
    if id(value) not in known:
        known[id(value)] = LARGEST_DOCUMENT
        inner = [*value, *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(each, known) for each in inner)
    return known[id(value)]


def dump(document: Any) -> str:
    """The YAML of dicts, lists, tuples and plain values, in their order."""
    return yaml.dump(_plain(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, StrEnum) else value
