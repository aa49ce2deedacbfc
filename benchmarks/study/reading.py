"""What finished runs have recorded, as one table of curves: a row per run and evaluation."""

import json
from pathlib import Path

import pandas as pd
from variants import folder_name, variants

RUN = ["group", "variant", "seed"]


def read_curves(out: Path, seeds: int) -> pd.DataFrame:
    """group, variant, seed, t_s, mean, worst, average and water (% mIoU or IoU), megabyte, kilojoule; finished runs.

    mean and worst are over satellites, water is their mean IoU of water, average is the average model's mIoU; bytes
    and energy are those of all satellites together since launch.
    """
    places = [
        (group, variant, seed, out / folder_name(group, variant, seed))
        for group, named in variants().items()
        for variant in named
        for seed in range(seeds)
    ]
    found = [
        _curve(folder).assign(group=group, variant=variant, seed=seed)
        for group, variant, seed, folder in places
        if (folder / "run.json").exists()
    ]
    if not found:
        raise SystemExit(f"{out} holds no finished run of the study; run benchmarks/study with --out {out} first.")
    return pd.concat(found, ignore_index=True)


def read_seconds(out: Path, seeds: int) -> float:
    """What all runs together took on the wall's clock."""
    told = [json.loads(place.read_text()) for place in out.glob("*/*/seed-*/run.json")]
    return sum(run["wall_s"] for run in told if run["seed"] < seeds)


def _curve(folder: Path) -> pd.DataFrame:
    records = pd.read_parquet(folder / "records.parquet")
    of_satellites = records[~records["node"].isin(["average", "constellation"])]
    score = of_satellites[of_satellites["kind"] == "miou"].groupby("t_s")["value"]
    water = of_satellites[of_satellites["kind"] == "iou_water"].groupby("t_s")["value"]
    average = records[(records["kind"] == "miou") & (records["node"] == "average")].set_index("t_s")["value"]
    spent = of_satellites.groupby(["kind", "t_s"])["value"].sum()
    curve = {
        "mean": score.mean(),
        "worst": score.min(),
        "average": average,
        "water": water.mean(),
        "megabyte": spent["sent_byte"] / 1e6,
        "kilojoule": spent["consumed_j"] / 1e3,
    }
    return pd.DataFrame(curve).rename_axis("t_s").reset_index()
