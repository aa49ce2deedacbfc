"""What finished runs have recorded, as one table of curves: a row per run and evaluation."""

import json
from pathlib import Path

import pandas as pd
from variants import folder_name, variants

from orbitfl.sweep import recorded

RUN = ["group", "variant", "seed"]


def read_curves(out: Path, seeds: int) -> pd.DataFrame:
    """group, variant, seed, t_s, mean, worst, average and water (% mIoU or IoU), megabyte, kilojoule.

    mean and worst are over satellites, water is their mean IoU of water, average is the average model's mIoU; bytes
    and energy are those of all satellites together since launch.
    """
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
    found = [_curve(folder).assign(group=group, variant=variant, seed=seed) for group, variant, seed, folder in places]
    return pd.concat(found, ignore_index=True)


def read_seconds(out: Path, seeds: int) -> float:
    """What all runs together took on the wall's clock."""
    told = [json.loads(place.read_text()) for place in out.glob("*/*/seed-*/run.json")]
    return sum(run["wall_s"] for run in told if run["seed"] < seeds)


def _curve(folder: Path) -> pd.DataFrame:
    curve = recorded(folder)
    shown = {name: curve[name] for name in ("t_s", "mean", "worst", "average", "water")}
    return pd.DataFrame({**shown, "megabyte": curve["byte"] / 1e6, "kilojoule": curve["joule"] / 1e3})
