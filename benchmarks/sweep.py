"""What does a sweep take besides its runs, and what does a second worker save? python benchmarks/sweep.py

The same 60 small runs (5 intervals, 3 strategies, 4 seeds; made-up scenes of 64 px), each time into a new folder but
with one warm cache: one after another in a bare loop of one process, swept with one worker, swept with two, and swept
with two, killed by SIGKILL half-way with all it has started, and resumed. The three tables have to be equal, byte by
byte. Exit code 1 if they are not. The figures hold on a quiet machine of two cores alone; the load is told with them.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).resolve().parents[1]
SCENARIO = REPOSITORY / "constellations" / "first_light.yaml"
SMALL = (
    "model.image_px=64",
    "data.scenes=8",
    "data.size_px=64",
    "data.tile_px=64",
    "evaluation.data={kind: synthetic, scenes: 1, size_px: 64, tile_px: 64, seed: 2}",
    "evaluation.every_s=900",
    "training.session_steps=1",
    "environment.kind=battery",
)
GRID = ("exchange.min_interval_s=300,600,900,1200,1800", "exchange.strategy.kind=gossip,isolated,two_level")
BARE = """
import json, sys
from pathlib import Path
import torch
from orbitfl.experiment.run import run
from orbitfl.sweep import Axis, trials_of
torch.set_num_threads(1)
scenario, out, (overrides, grid, seeds) = Path(sys.argv[1]), Path(sys.argv[2]), map(json.loads, sys.argv[3:])
for trial in trials_of(scenario, overrides, [Axis.from_text(text) for text in grid], seeds):
    run(trial.scenario, out / trial.name)
"""


@dataclass(frozen=True)
class Measured:
    """Wall times in seconds. speedup: of two workers over one. overhead: of one worker over the bare loop, in wall time
    and in CPU time, which other work on the machine disturbs less; both hold the start and the figures, whatever the
    number of runs.
    """

    runs: int
    bare_s: float
    one_worker_s: float
    two_workers_s: float
    overhead: float
    cpu_overhead: float
    speedup: float
    is_same_table: bool
    is_same_table_resumed: bool
    load_before: float
    load_after: float


def main() -> int:
    asked = arguments()
    with TemporaryDirectory() as place:
        os.environ |= {"ORBITFL_CACHE": str(Path(place) / "cache"), "OMP_NUM_THREADS": "1"}
        found = measured(Path(place), overrides(asked.minutes), asked.seeds)
    print(json.dumps(asdict(found)) if asked.json else described(found))
    return 0 if found.is_same_table and found.is_same_table_resumed else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4, help="15 runs each")
    parser.add_argument("--minutes", type=int, default=60, help="of each run's mission")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def overrides(minutes: int) -> list[str]:
    return [*SMALL, f"duration_s={60 * minutes}"]


def measured(place: Path, given: list[str], seeds: int) -> Measured:
    load_before = os.getloadavg()[0]
    timed(bare(place / "warm", given, [axis.partition(",")[0] for axis in GRID], 1))
    bare_s, bare_cpu_s = timed(bare(place / "bare", given, GRID, seeds))
    one_s, one_cpu_s = timed(swept(place / "1", given, seeds, 1))
    two_s, _ = timed(swept(place / "2", given, seeds, 2))
    stopped = swept(place / "stopped", given, seeds, 2)
    kill_midway(stopped, place / "stopped" / "runs", 15 * seeds // 2)
    timed([*stopped, "--resume"])
    tables = [(place / name / "sweep.parquet").read_bytes() for name in ("1", "2", "stopped")]
    return Measured(
        runs=15 * seeds,
        bare_s=bare_s,
        one_worker_s=one_s,
        two_workers_s=two_s,
        overhead=one_s / bare_s - 1,
        cpu_overhead=one_cpu_s / bare_cpu_s - 1,
        speedup=one_s / two_s,
        is_same_table=tables[0] == tables[1],
        is_same_table_resumed=tables[0] == tables[2],
        load_before=load_before,
        load_after=os.getloadavg()[0],
    )


def bare(out: Path, given: Sequence[str], grid: Sequence[str], seeds: int) -> list[str]:
    return [sys.executable, "-c", BARE, str(SCENARIO), str(out), json.dumps(given), json.dumps(grid), str(seeds)]


def swept(out: Path, given: list[str], seeds: int, workers: int) -> list[str]:
    keys = [part for key in given for part in ("--set", key)] + [part for axis in GRID for part in ("--grid", axis)]
    counts = ["--seeds", str(seeds), "--workers", str(workers)]
    return [sys.executable, "-m", "orbitfl", "sweep", str(SCENARIO), "--out", str(out), *keys, *counts]


def timed(command: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a command and all that it started and waited for."""
    started_s, started_cpu_s = time.perf_counter(), cpu_s()
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:6])} … failed: {done.stderr.strip()}")
    took = time.perf_counter() - started_s, cpu_s() - started_cpu_s
    print(f"{took[0]:.1f} s, {took[1]:.1f} s of CPU", file=sys.stderr, flush=True)
    return took


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def kill_midway(command: list[str], runs: Path, finished: int) -> None:
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while process.poll() is None and len(list(runs.glob("*/run.json"))) < finished:
        time.sleep(0.05)
    if process.poll() is not None:
        raise SystemExit("The sweep that was to be killed ended by itself.")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def described(found: Measured) -> str:
    return (
        f"{found.runs} runs: {found.bare_s:.1f} s in a bare loop, {found.one_worker_s:.1f} s with one worker "
        f"({found.overhead:+.1%}; CPU {found.cpu_overhead:+.1%}), "
        f"{found.two_workers_s:.1f} s with two ({found.speedup:.2f} times as fast)\n"
        f"same table with two workers: {found.is_same_table}; killed and resumed: {found.is_same_table_resumed}\n"
        f"load of the machine: {found.load_before:.1f} before, {found.load_after:.1f} after"
    )


if __name__ == "__main__":
    sys.exit(main())
