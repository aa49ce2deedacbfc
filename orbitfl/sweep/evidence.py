"""What the runs of a sweep have recorded, and costs to a target that may be missed."""

from math import inf
from pathlib import Path

from orbitfl.errors import StorageError
from orbitfl.results import AVERAGE, CONSTELLATION, GROUND, Curve, cost_to, curve_of, read_table

NOT_SATELLITES = {AVERAGE, CONSTELLATION, GROUND}


def recorded(folder: Path) -> Curve:
    """The curve of the run in `folder`, as in `orbitfl.results.curve_of`. Raises StorageError where there is no run."""
    try:
        records = read_table(folder, "records")
        return curve_of(records, sorted(set(records["node"]) - NOT_SATELLITES))
    except (StorageError, ValueError, KeyError) as error:
        raise StorageError(
            f"{folder} holds no records that can be used ({error}). Move that folder away, and go on with the sweep "
            "by --resume."
        ) from error


def cost_or_inf(curve: Curve, target_miou: float) -> dict[str, float]:
    """Seconds, bytes and joules to a target as in `orbitfl.results.cost_to`, but inf, censored, where it was missed."""
    cost = cost_to(curve, target_miou)
    spent = {"s": cost.t_s, "byte": cost.sent_byte, "joule": cost.consumed_j}
    return spent if cost.reached else dict.fromkeys(spent, inf)
