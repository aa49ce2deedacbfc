"""A number with its source."""

from dataclasses import dataclass
from reprlib import repr as shown

from orbitfl.errors import ScenarioError

LARGEST = 1e30
"""Beyond every quantity of a satellite, and far from where products of two would overflow."""

UNITS = {
    "_s": "seconds",
    "_w": "watts",
    "_j": "joules",
    "_byte": "bytes",
    "_bps": "bits per second",
    "_km": "kilometres",
    "_ghz": "gigahertz",
    "_kg_k": "joules per kilogram and kelvin",
    "_db_k": "decibels per kelvin",
    "_kg": "kilograms",
    "_k": "kelvins",
    "_m2": "square metres",
    "_dbw": "decibel-watts",
    "_db": "decibels",
}
"""The unit that the end of a key names; the first that fits counts."""


@dataclass(frozen=True)
class Figure:
    """A number with its source.

    value: the number, in the unit that its key names. source: where it comes from, or `estimate` and how it was made.
    """

    value: float
    source: str

    def __post_init__(self) -> None:
        require_number("value", self.value)
        require_source(self.source)


@dataclass(frozen=True)
class Steps:
    """As `Figure`, of several numbers that rise.

    value: the numbers, in the unit that their key names. source: where they come from, or `estimate` and how they were
    made.
    """

    value: tuple[float, ...]
    source: str

    def __post_init__(self) -> None:
        for each in self.value:
            require_number("value", each)
        require_source(self.source)


def require_number(key: str, value: object) -> None:
    """Raises ScenarioError unless `value` is a finite number."""
    # The comparison also turns away NaN.
    if isinstance(value, bool) or not (isinstance(value, int | float) and -LARGEST <= value <= LARGEST):
        raise ScenarioError(f"{key} is {shown(value)}; it must be {plain_number(key)}.")


def require_source(source: object) -> None:
    """Raises ScenarioError unless `source` is a text that says something."""
    if not (isinstance(source, str) and source.strip()):
        raise ScenarioError(
            f"source is {shown(source)}; say where the number comes from, or write estimate and how it was made."
        )


def require_positive(key: str, figure: Figure | None) -> None:
    """Raises ScenarioError for a figure of 0 or less; None, for a key left out, passes."""
    if figure is not None and figure.value <= 0:
        raise ScenarioError(f"{key}.value is {figure.value:g}; it must be {plain_number(key)} greater than 0.")


def plain_number(key: str) -> str:
    """What the value of `key` has to be, in words."""
    name = key.removesuffix(".value")
    unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), None)
    return f"a plain number of {unit}" if unit else "a plain number"
