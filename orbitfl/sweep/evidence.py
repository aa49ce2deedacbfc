"""What the runs of a sweep have recorded, and costs to a target that may be missed."""

from collections.abc import Iterable
from math import inf
from pathlib import Path

from orbitfl.errors import StorageError, in_a_line
from orbitfl.results import AVERAGE, CONSTELLATION, GROUND, Curve, cost_to, curve_of, read_table

NOT_SATELLITES = {AVERAGE, CONSTELLATION, GROUND}


def recorded(folder: Path) -> Curve:
    """The curve of the run in `folder`, as in `orbitfl.results.curve_of`. Raises StorageError where there is no run."""
    try:
        records = read_table(folder, "records")
        return curve_of(records, sorted(set(records["node"]) - NOT_SATELLITES))
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{folder} holds no records that can be used ({in_a_line(error)}). Delete that folder, and go on with "
            "the sweep by --resume."
        ) from error


def all_recorded(folders: Iterable[Path]) -> tuple[dict[str, Curve], dict[str, str]]:
    """By the name of their folder, curves of the runs that have finished, and of those that cannot be read, why."""
    curves, problems = dict[str, Curve](), dict[str, str]()
    for folder in folders:
        if (folder / "run.json").exists():
            try:
                curves[folder.name] = recorded(folder)
            except StorageError as error:
                problems[folder.name] = str(error)
    return curves, problems


def cost_or_inf(curve: Curve, target_miou: float) -> dict[str, float]:
    """Seconds, bytes and joules to a target as in `orbitfl.results.cost_to`, but inf, censored, where it was missed."""
    cost = cost_to(curve, target_miou)
    spent = {"s": cost.t_s, "byte": cost.sent_byte, "joule": cost.consumed_j}
    return spent if cost.reached else dict.fromkeys(spent, inf)
