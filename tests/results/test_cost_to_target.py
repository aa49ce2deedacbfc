"""What a target cost, against a table made by hand and against a loop over evaluations."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.errors import ScenarioError, StorageError
from orbitfl.results import RECORDS, Cost, cost_to, curve_of

NAMES = ("amy", "zoe")


def records(*rows: tuple[float, str, float, float, float]) -> pd.DataFrame:
    """Rows of time, satellite, mIoU, bytes and joules; the average model and the ground are better than all of them."""
    told = [
        (t_s, node, kind, value)
        for t_s, node, *values in rows
        for kind, value in zip(("miou", "sent_byte", "consumed_j", "iou_water"), [*values, 0.0], strict=True)
    ]
    others = [(t_s, name, "miou", 100.0) for t_s in {row[0] for row in rows} for name in ("average", "ground")]
    return pd.DataFrame([*told, *others], columns=list(RECORDS)).astype(RECORDS)


BY_HAND = records(
    (0, "amy", 40, 0, 0),
    (0, "zoe", 40, 0, 0),
    (600, "amy", 50, 1000, 7),
    (600, "zoe", 60, 500, 9),
    (1200, "amy", 70, 3000, 12),
    (1200, "zoe", 60, 2500, 20),
    (1800, "amy", 40, 4000, 30),
    (1800, "zoe", 62, 3500, 40),
)


@pytest.mark.parametrize(
    ("target_miou", "expected"),
    [
        (0, Cost(True, 0, 0, 0)),
        (40, Cost(True, 0, 0, 0)),
        (40.1, Cost(True, 600, 1500, 16)),
        (55, Cost(True, 600, 1500, 16)),
        (56, Cost(True, 1200, 5500, 32)),
        (65, Cost(True, 1200, 5500, 32)),
        (65.1, Cost(False, 1800, 7500, 70)),
        (100, Cost(False, 1800, 7500, 70)),
    ],
)
def test_a_table_made_by_hand(target_miou: float, expected: Cost):
    assert cost_to(curve_of(BY_HAND, NAMES), target_miou) == expected
    assert cost_to(curve_of(BY_HAND.sample(frac=1, random_state=3), NAMES), target_miou) == expected


@pytest.mark.parametrize("target_miou", [-0.1, 100.1, float("nan"), float("inf")])
def test_a_target_that_is_no_percentage_is_told(target_miou: float):
    with pytest.raises(ScenarioError, match="0 to 100"):
        cost_to(curve_of(BY_HAND, NAMES), target_miou)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(0, 2**32 - 1), st.floats(0, 100))
def test_the_first_evaluation_at_the_target_pays(count: int, seed: int, target_miou: float):
    """And a higher target never costs less."""
    rng = np.random.default_rng(seed)
    miou = rng.uniform(0, 100, (count, 2))
    byte, joule = (np.cumsum(rng.integers(0, 10**6, (count, 2)), axis=0) for _ in range(2))
    cells = [(row, n) for row in range(count) for n in range(2)]
    table = records(*((60.0 * row, NAMES[n], miou[row, n], byte[row, n], joule[row, n]) for row, n in cells))
    row = next((row for row in range(count) if sum(miou[row]) / 2 >= target_miou), None)
    at = count - 1 if row is None else row
    found = cost_to(curve_of(table, NAMES), target_miou)
    assert found == Cost(row is not None, 60.0 * at, float(byte[at].sum()), float(joule[at].sum()))
    dearer = cost_to(curve_of(table, NAMES), min(100.0, target_miou + 5))
    assert dearer.reached <= found.reached and dearer.t_s >= found.t_s


@pytest.mark.parametrize("holes", [slice(0, 0), slice(3, None)], ids=["nothing", "one satellite is missing at launch"])
def test_records_with_holes_are_told(holes: slice):
    with pytest.raises(StorageError, match="lack scores"):
        curve_of(BY_HAND.iloc[holes], NAMES)
