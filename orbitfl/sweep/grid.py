"""Which runs a sweep is made of: keys of a scenario, each with the values to try, and seeds."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from orbitfl.contacts import require_plannable
from orbitfl.errors import ScenarioError
from orbitfl.experiment.mission import require_names
from orbitfl.scenario import Scenario, load, resolved_yaml

MOST_RUNS = 100_000
LONGEST_NAME = 120
DIGEST = 8
"""Letters at the end of a name."""


@dataclass(frozen=True)
class Axis:
    """A key of the scenario, and the values it takes, each as a text of YAML."""

    key: str
    values: tuple[str, ...]

    @classmethod
    def from_text(cls, text: str) -> "Axis":
        """From `key.path=v1,v2,…`; commas within brackets or braces belong to a value. Raises ScenarioError."""
        key, equals, listed = text.partition("=")
        values = tuple(value.strip() for value in _split(listed))
        if not equals or not key.strip() or not all(values):
            raise ScenarioError(f"The grid {text!r} is not a key with values; write it as key.path=value,value,….")
        if len(set(values)) < len(values):
            raise ScenarioError(f"The grid {text!r} has a value twice; name each once, and ask for --seeds to repeat.")
        return cls(key.strip(), values)


@dataclass(frozen=True)
class Trial:
    """A run, the name of its folder, and the values by key that make it this one of the sweep."""

    name: str
    scenario: Scenario
    setting: tuple[tuple[str, str], ...] = ()


def trials_of(path: Path, overrides: Sequence[str], axes: Sequence[Axis], seeds: int) -> list[Trial]:
    """Every combination with every seed, counted from the scenario's own. All are checked before one is run.

    Raises ScenarioError for keys and values that no scenario takes, or no contact plan, satellites that are not there,
    a grid without end, or one with a run twice; and what the constellation raises.
    """
    keys = [axis.key for axis in axes]
    if len(set(keys)) < len(keys) or "seed" in keys:
        raise ScenarioError("A key of the grid comes twice, or is seed; name each once, and ask for --seeds instead.")
    count = seeds
    for axis in axes:
        count *= len(axis.values)
    if not 1 <= count <= MOST_RUNS:
        raise ScenarioError(f"The grid makes {count} runs; it must make from 1 to {MOST_RUNS}.")
    first = load(path, overrides).seed
    trials = list(_trials(path, overrides, axes, range(first, first + seeds)))
    _require_distinct(trials)
    _require_missions(trials)
    return trials


def _trials(path: Path, overrides: Sequence[str], axes: Sequence[Axis], seeds: Iterable[int]) -> Iterator[Trial]:
    for values in product(*(axis.values for axis in axes)):
        setting = tuple(zip((axis.key for axis in axes), values, strict=True))
        given = [*overrides, "exchange.controls=[]", *(f"{key}={value}" for key, value in setting)]
        for seed in seeds:
            scenario = load(path, [*given, f"seed={seed}"])
            yield Trial(_name(setting, scenario), scenario, setting)


def _require_distinct(trials: Sequence[Trial]) -> None:
    """A run that came twice, as 600 and 600.0, would count as two seeds and feign confidence."""
    known = dict[str, Trial]()
    for trial in trials:
        twin = known.setdefault(trial.name[-DIGEST:], trial)
        if twin is not trial and twin.scenario == trial.scenario:
            raise ScenarioError(
                f"{_shown(twin)} and {_shown(trial)} of the grid are the same run; name each value once, in one way."
            )


def _require_missions(trials: Sequence[Trial]) -> None:
    """What only the satellites tell: else runs would be refused one by one, each when it begins."""
    names = dict[str, tuple[str, ...]]()
    for trial in trials:
        planning = trial.scenario.planning()
        if (asked := repr(planning)) not in names:
            names[asked] = require_plannable(planning).names
        require_names(trial.scenario, names[asked])


def _shown(trial: Trial) -> str:
    return ", ".join(f"{key}={value}" for key, value in trial.setting)


def _name(setting: Sequence[tuple[str, str]], scenario: Scenario) -> str:
    """Readable, and another for every other scenario, so that a grid can grow in its folder."""
    parts = [f"{key.rpartition('.')[2]}={value}" for key, value in setting]
    words = re.sub(r"[^A-Za-z0-9=.,_+-]+", "-", ",".join([*parts, f"seed={scenario.seed}"]))
    digest = hashlib.sha256(resolved_yaml(scenario).encode()).hexdigest()
    return f"{words[:LONGEST_NAME]}-{digest[:DIGEST]}"


def _split(listed: str) -> list[str]:
    """At commas outside of brackets and braces."""
    parts, depth = [""], 0
    for letter in listed:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
