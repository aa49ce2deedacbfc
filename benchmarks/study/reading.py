"""What finished runs have recorded, as one table of curves: a row per run and evaluation."""

from pathlib import Path

import pandas as pd
from variants import folder_name, variants

from orbitfl.results import read_provenance
from orbitfl.sweep import recorded

Place = tuple[str, str]
"""A group and a variant of it."""


def read_curves(out: Path, seeds: int) -> pd.DataFrame:
    """group, variant, seed, and the columns of `orbitfl.results.curve_of`."""
    places = [
        (group, variant, seed, out / folder_name(group, variant, seed))
        for group, named in variants().items()
        for variant in named
        for seed in range(seeds)
    ]
    missing = [folder for *_, folder in places if not (folder / "run.json").exists()]
    if missing:
        raise SystemExit(
            f"{len(missing)} of the study's {len(places)} runs are not finished, {missing[0]} for one; "
            f"go on with benchmarks/study --out {out} --seeds {seeds}, and the page is written at its end."
        )
    found = [
        pd.DataFrame(recorded(folder)).assign(group=group, variant=variant, seed=seed)
        for group, variant, seed, folder in places
    ]
    return pd.concat(found, ignore_index=True)


def of(curves: pd.DataFrame, place: Place) -> pd.DataFrame:
    """The curves of one variant, given with its group."""
    group, variant = place
    return curves.loc[(curves["group"] == group) & (curves["variant"] == variant)]


def read_seconds(out: Path, seeds: int) -> float:
    """What all runs together took on the wall's clock."""
    told = [read_provenance(place.parent) for place in out.glob("*/*/seed-*/run.json")]
    return sum(run["wall_s"] for run in told if run["seed"] < seeds)
