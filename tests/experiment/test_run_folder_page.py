"""docs/run_folder.md names every column and every kind of record that runs write, and no others."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from orbitfl.contacts.columns import COLUMNS
from orbitfl.environment.base import Spell
from orbitfl.experiment.run import run
from orbitfl.results import RECORDS, RESPONSE, TRANSFERS
from orbitfl.scenario import Scenario

PAGE = (Path(__file__).parents[2] / "docs" / "run_folder.md").read_text(encoding="utf-8")
OPEN_ENDED = ("refused", "stopped")
RARE = {"event_iou_water"}
"""Of runs with an event alone, which test_response has."""


def named(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def kinds() -> set[str]:
    rows = re.search(r"\| kind \|.*?\n\n", PAGE, re.DOTALL)
    assert rows is not None
    return {kind for row in rows[0].splitlines()[2:] if row for kind in named(row.split("|")[1])}


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "columns"),
    [
        ("records.parquet", list(RECORDS)),
        ("transfers.parquet", list(TRANSFERS)),
        ("energy.parquet", list(Spell._fields)),
        ("response.parquet", list(RESPONSE)),
    ],
)
def test_columns_are_named_in_their_order(title: str, columns: list[str]) -> None:
    told = [name for name in named(section(title)) if name in columns]
    assert list(dict.fromkeys(told)) == columns


def test_the_contact_plan_has_these_columns() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| `contacts.parquet`"))
    assert named(row)[1:] == list(COLUMNS)


def test_runs_write_these_kinds_of_records_and_no_others(asked: Callable[..., Scenario], tmp_path: Path) -> None:
    strategies = ("{kind: push_sum}", "{kind: fedavg, share: 0.25}", "{kind: neighbourhood}")
    runs = [
        run(asked(f"exchange.strategy={strategy}", "faults.hostile={sat-1: nan}"), tmp_path / str(number))
        for number, strategy in enumerate(strategies)
    ]
    written = set(pd.concat([each.records for each in runs])["kind"])
    plain = {kind for kind in kinds() if not kind.startswith(OPEN_ENDED)}
    assert plain - RARE == {kind for kind in written if not kind.startswith(OPEN_ENDED)}
    assert any(kind.startswith("refused update: ") for kind in written)
