"""The study of docs/study.md: run everything, then write the page and its figures.

    ORBITFL_DATA=/folder/of/train/and/val python benchmarks/study --out runs/study --page docs

Stopped, it goes on where it was: runs that are finished are read, not run. --page DIR then writes DIR/study.md and
DIR/study/*.png.
"""

import argparse
import sys
import time
from pathlib import Path

from variants import SCENARIO, folder_name, variants

import orbitfl
from orbitfl.errors import OrbitflError
from orbitfl.sweep import Trial, carried_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/study"))
    parser.add_argument("--seeds", type=_count, default=5)
    parser.add_argument("--workers", type=_count, default=2)
    parser.add_argument("--groups", nargs="+", choices=list(variants()), default=list(variants()), help="Only these.")
    parser.add_argument("--page", type=Path, help="Where to write study.md and its figures.")
    asked = parser.parse_args()
    try:
        failed = run_all(asked.out, asked.groups, asked.seeds, asked.workers)
    except OrbitflError as error:
        print(error, file=sys.stderr)
        sys.exit(error.code)
    if asked.page is not None and not failed:
        from page import write_page

        write_page(asked.out, asked.page, asked.seeds)
    sys.exit(1 if failed else 0)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no count; give a whole number from 1 on")
    return int(text)


def run_all(out: Path, groups: list[str], seeds: int, workers: int) -> bool:
    """Whether any run failed; each is told."""
    trials = [
        Trial(folder_name(group, variant, seed), orbitfl.load(SCENARIO, (*keys, f"seed={seed}")))
        for group in groups
        for variant, keys in variants()[group].items()
        for seed in range(seeds)
    ]
    missing = [trial for trial in trials if not (out / trial.name / "run.json").exists()]
    started_s, failed = time.monotonic(), False
    for done, outcome in enumerate(carried_out(missing, out, workers), start=1):
        spent_min = (time.monotonic() - started_s) / 60
        left_min = spent_min / done * (len(missing) - done)
        failed |= outcome.problem is not None
        said = outcome.problem or "done"
        print(f"{done}/{len(missing)} {outcome.name}: {said} ({spent_min:.0f} min, {left_min:.0f} left)", flush=True)
    return failed


if __name__ == "__main__":
    main()
