"""The table: sorted, read-only, selectable, and the same after a round trip through files."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbitfl.contacts import Contact, ContactPlan, write
from orbitfl.contacts.plan import TABLE
from orbitfl.errors import ScenarioError, StorageError

EPOCH_UTC = datetime(2018, 5, 18, 3, 21, tzinfo=UTC)
NODES = ("sat-0", "sat-1", "svalbard")
ROWS = [
    ("ground", 1, 2, 700.5, 1300.25, False, 800.0, 2800.0, 1e6, 5.9975e8),
    ("isl", 0, 1, 0.0, 900.0, True, 5000.0, 5400.0, 1e8, 9e10),
    ("ground", 0, 2, 700.5, 1000.0, False, 900.0, 2700.0, 1e6, 2.995e8),
]


@pytest.fixture
def plan() -> ContactPlan:
    return ContactPlan(EPOCH_UTC, 3600.0, NODES, np.array(ROWS, dtype=TABLE))


def test_contacts_come_in_order_and_by_name(plan: ContactPlan):
    assert len(plan) == 3
    assert list(plan) == [
        Contact("isl", "sat-0", "sat-1", 0.0, 900.0, True, 5000.0, 5400.0, 1e8, 9e10),
        Contact("ground", "sat-0", "svalbard", 700.5, 1000.0, False, 900.0, 2700.0, 1e6, 2.995e8),
        Contact("ground", "sat-1", "svalbard", 700.5, 1300.25, False, 800.0, 2800.0, 1e6, 5.9975e8),
    ]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=20))
def test_any_order_of_rows_gives_the_same_plan(keys: list[tuple[int, int, int]]):
    def build(keys) -> list[Contact]:
        table = np.zeros(len(keys), dtype=TABLE)
        for row, key in enumerate(keys):
            table[["start_s", "a", "b"]][row] = key
        return list(ContactPlan(EPOCH_UTC, 3600.0, NODES, table))

    assert build(keys) == build(keys[::-1])
    assert [contact.start_s for contact in build(keys)] == sorted(start for start, _, _ in keys)


def test_the_table_cannot_be_changed(plan: ContactPlan):
    with pytest.raises(ValueError, match="read-only"):
        plan.table["start_s"][0] = 1.0
    with pytest.raises(AttributeError):
        plan.duration_s = 1.0  # pyright: ignore[reportAttributeAccessIssue]


def test_a_plan_keeps_no_tie_to_what_it_was_made_from():
    rows = np.array(ROWS, dtype=TABLE)
    plan = ContactPlan(EPOCH_UTC, 3600.0, NODES, rows)
    rows["start_s"] = -1
    assert plan.table["start_s"].tolist() == [0.0, 700.5, 700.5]


def test_contacts_of_two_nodes_in_either_order(plan: ContactPlan):
    assert [contact.start_s for contact in plan.between("svalbard", "sat-1")] == [700.5]
    assert list(plan.between("sat-1", "svalbard")) == list(plan.between("svalbard", "sat-1"))
    assert len(plan.between("sat-0", "sat-0")) == 0
    with pytest.raises(ScenarioError, match="No node is called sat-9; the plan has sat-0, sat-1, svalbard"):
        plan.between("sat-0", "sat-9")


@pytest.mark.parametrize(("t_s", "open_count"), [(-1, 0), (0, 1), (700.5, 3), (900, 2), (1299, 1), (1300.25, 0)])
def test_contacts_open_at_an_instant(plan: ContactPlan, t_s: float, open_count: int):
    assert len(plan.at(t_s)) == open_count


def test_a_csv_file_holds_the_table(plan: ContactPlan, tmp_path: Path):
    write(plan, tmp_path / "plan.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "plan.csv"), plan.to_frame(), check_dtype=False)


def test_a_parquet_file_holds_the_table_and_its_epoch(plan: ContactPlan, tmp_path: Path):
    write(plan, tmp_path / "new" / "plan.parquet")
    frame = pd.read_parquet(tmp_path / "new" / "plan.parquet")
    pd.testing.assert_frame_equal(frame, plan.to_frame())
    assert frame.attrs == {"epoch_utc": "2018-05-18T03:21:00+00:00", "duration_s": 3600.0}


def test_a_json_file_holds_everything(plan: ContactPlan, tmp_path: Path):
    write(plan, tmp_path / "plan.json")
    content = json.loads((tmp_path / "plan.json").read_text())
    assert datetime.fromisoformat(content["epoch_utc"]) == EPOCH_UTC
    assert (content["duration_s"], tuple(content["nodes"])) == (3600.0, NODES)
    assert [Contact(**contact) for contact in content["contacts"]] == list(plan)


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".json"])
def test_an_empty_plan_can_be_written(ending: str, tmp_path: Path):
    empty = ContactPlan(EPOCH_UTC, 60.0, NODES, np.empty(0, dtype=TABLE))
    write(empty, tmp_path / f"plan{ending}")
    assert (tmp_path / f"plan{ending}").stat().st_size > 0


def test_an_unknown_ending_is_refused_and_nothing_written(plan: ContactPlan, tmp_path: Path):
    with pytest.raises(StorageError, match=r"ends in one of \.csv, \.json, \.parquet\.$"):
        write(plan, tmp_path / "plan.xlsx")
    assert list(tmp_path.iterdir()) == []
