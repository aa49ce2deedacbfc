"""How soon a useful map of a flood is on the ground, over several seeds: the table of docs/benchmarks.md.

    ORBITFL_DATA=/folder/of/esw/and/rs2024_flood python benchmarks/flood_response.py --seeds 3 --out runs/flood

A seed decides the order of tiles and which images are clouded. Runs that stand in the folder already are read, not run.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import pandas as pd

import orbitfl
from orbitfl.experiment.response import BENT_PIPE, ONBOARD, first_maps
from orbitfl.scenario import Scenario

SCENARIO = Path(__file__).parents[1] / "constellations" / "flood_response.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/flood"))
    asked = parser.parse_args()
    scenario = orbitfl.load(SCENARIO)
    for seed in range(asked.seeds):
        if not _folder(asked, seed).exists():
            orbitfl.run(replace(scenario, seed=seed), _folder(asked, seed))
    rows = pd.concat([_told(scenario, _folder(asked, seed)) for seed in range(asked.seeds)])
    shown = {"float_format": "{:.2f}".format, "na_rep": "never"}
    print("every seed:", rows.to_string(**shown), sep="\n")
    print("\nmean over seeds; hours are means of those seeds in which it came to pass, `reached` of how many it did:")
    print(_summary(rows).to_string(**shown))


def _folder(asked: argparse.Namespace, seed: int) -> Path:
    return asked.out / f"seed-{seed}"


def _told(scenario: Scenario, folder: Path) -> pd.DataFrame:
    """A row per strategy and one for the bent pipe, as `RunResult.first_maps` gives them."""
    event = scenario.event
    if event is None:
        raise ValueError("the scenario has no event")
    event_s = scenario.since_epoch_s(event.time_utc)
    runs = {"gossip": folder, **{path.name: path for path in sorted((folder / "controls").iterdir())}}
    tables = {name: pd.read_parquet(path / "response.parquet") for name, path in runs.items()}
    rows = {name: first_maps(event_s, table, ONBOARD) for name, table in tables.items()}
    rows[BENT_PIPE] = first_maps(event_s, tables["gossip"], BENT_PIPE)
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.insert(0, "seed", int(folder.name.removeprefix("seed-")))
    return frame


def _summary(rows: pd.DataFrame) -> pd.DataFrame:
    grouped = rows.groupby(level=0, sort=False)
    means = grouped.mean().drop(columns="seed")
    means["reached"] = grouped["useful map h"].count()
    return means


if __name__ == "__main__":
    main()
