"""Base, isolated, gossip and centralised on real scenes, over several seeds: the table of docs/benchmarks.md.

    ORBITFL_DATA=/folder/of/train/and/val python benchmarks/esw_study.py --seeds 3 --out runs/esw

A seed decides who holds which scenes and the order of tiles. Runs that stand in the folder already are read, not run.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import pandas as pd

import orbitfl

SCENARIO = Path(__file__).parents[1] / "constellations" / "esw_walker8.yaml"
SATELLITES = [f"sat-{i}" for i in range(8)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/esw"))
    asked = parser.parse_args()
    for seed in range(asked.seeds):
        folder = asked.out / f"seed-{seed}"
        if not folder.exists():
            orbitfl.run(replace(orbitfl.load(SCENARIO), seed=seed), folder)
    print(table(asked.out, asked.seeds).to_string(float_format="{:.1f}".format))


def table(out: Path, seeds: int) -> pd.DataFrame:
    """Mean and standard deviation over seeds of the final scores, in percent; a row per strategy."""
    rows = []
    for seed in range(seeds):
        folder = out / f"seed-{seed}"
        runs = {"gossip": folder, **{path.name: path for path in sorted((folder / "controls").iterdir())}}
        rows += [{"strategy": name, "seed": seed, **final(path)} for name, path in runs.items()]
    return pd.DataFrame(rows).drop(columns="seed").groupby("strategy").agg(["mean", "std"])


def final(folder: Path) -> dict[str, float]:
    records = pd.read_parquet(folder / "records.parquet")
    first, last = (records[records["t_s"] == records["t_s"].agg(end)] for end in ("min", "max"))
    miou = last[last["kind"] == "miou"].set_index("node")["value"]
    water = last[last["kind"] == "iou_water"].set_index("node")["value"]
    return {
        "base": first.loc[(first["kind"] == "miou") & (first["node"] == "average"), "value"].iloc[0],
        "satellites": miou[SATELLITES].mean(),
        "worst": miou[SATELLITES].min(),
        "average model": miou["average"],
        "water, satellites": water[SATELLITES].mean(),
    }


if __name__ == "__main__":
    main()
