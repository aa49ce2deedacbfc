"""A mission of a hundred satellites and a day, its tables drawn by lot: the page stays small."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import orbitfl
from orbitfl.experiment.result import RunResult
from orbitfl.report import page

LARGE = (
    "constellation={kind: walker, total: 100, planes: 10, phasing: 1, altitude_km: 786, inclination_deg: 98.62}",
    "duration_s=86400",
    "environment={kind: battery}",
)
TRANSFERS, SPELLS = 100_000, 100_000


@pytest.fixture(scope="module")
def large(repository: Path, tiny: tuple[str, ...], result: RunResult) -> RunResult:
    scenario = orbitfl.load(repository / "constellations/first_light.yaml", [*tiny, *LARGE])
    plan, rng = orbitfl.contact_plan(scenario), np.random.default_rng(1)
    names = np.array(plan.satellite_names)
    few = np.flatnonzero((plan.table["a"] < 8) & (plan.table["b"] < 8))
    rows, nodes = rng.choice(few, TRANSFERS), np.array(plan.nodes)
    start_s = plan.table["start_s"][rows]
    transfers = pd.DataFrame(
        {
            "from": nodes[plan.table["a"][rows]],
            "to": nodes[plan.table["b"][rows]],
            "start_s": start_s,
            "end_s": start_s + 0.123,
            "byte": rng.integers(1, 2_000_000, TRANSFERS),
            "outcome": rng.choice(["done", "cut"], TRANSFERS),
        }
    )
    energy = result.energy.sample(SPELLS, replace=True, random_state=1).assign(
        node=rng.choice(names, SPELLS),
        end_s=np.sort(rng.uniform(0, 86_400, SPELLS)),
        charge_end=rng.uniform(0, 1, SPELLS),
        temperature_end_k=rng.uniform(270, 310, SPELLS),
    )
    kinds = ("miou", "iou_water", "steps", "sent_byte", "consensus_distance", "staleness_s", "transfers done")
    records = pd.DataFrame(
        [
            (t_s, node, kind, value)
            for t_s in np.linspace(0, 86_400, 49).tolist()
            for node in (*names, "average", "constellation")
            for kind, value in zip(kinds, rng.uniform(1, 100, len(kinds)).tolist(), strict=True)
        ],
        columns=list(result.records),
    )
    return replace(
        result, scenario=scenario, plan=plan, transfers=transfers, energy=energy, records=records, controls={}
    )


def test_its_page_is_below_5_mb_with_room_for_larger_pictures(large: RunResult):
    assert len(large.plan) > 20_000
    assert len(page.html_of(large).encode()) < 4_000_000
