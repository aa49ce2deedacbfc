"""Is a run that was killed, at whatever moment, the run it would have been? python benchmarks/kill_and_resume.py

A small mission (made-up scenes; sparse updates over a slow and lossy link, one liar, a control) runs whole, twice.
Then, trial by trial, each with a folder and a cache of its own, it is started, killed by SIGKILL once or more, each
time at a moment drawn evenly from the whole run's wall time, and resumed. All files of the two folders have to be
equal, byte by byte. Exit code 1 if any is not. Eight minutes on one busy core.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
SCENARIO = REPOSITORY / "constellations" / "first_light.yaml"
SMALL = (
    "duration_s=14400",
    "constellation={kind: walker, total: 8, planes: 4, phasing: 1, altitude_km: 786, inclination_deg: 60}",
    "model.image_px=64",
    "model.trainable=mask_decoder_lite",
    "data.scenes=8",
    "data.size_px=64",
    "data.tile_px=64",
    "evaluation.data={kind: synthetic, scenes: 1, size_px: 64, tile_px: 64, seed: 2}",
    "evaluation.every_s=3600",
    "training.session_steps=1",
    "environment.kind=battery",
    "links.isl.rate_bps=100",
    "exchange.compressor={kind: top_k}",
    "exchange.transfer={loss: 0.1}",
    "exchange.controls=[isolated]",
    "faults.hostile={sat-2: noise}",
)
STATE_EVERY_S = 0.2
"""Of wall time: a run of seconds has to leave states, too."""
WALL_CLOCK = ("wall_s",)
"""What may differ: these values of run.json."""


@dataclass(frozen=True)
class Trial:
    """When each attempt was killed, what the folder held then, and which files are not as they should be."""

    killed_s: tuple[float, ...]
    found: tuple[str, ...]
    wrong: tuple[str, ...]

    def described(self) -> str:
        kills = ", ".join(f"{at_s:.2f} s ({what})" for at_s, what in zip(self.killed_s, self.found, strict=True))
        outcome = f"DIFFERENT: {', '.join(self.wrong)}" if self.wrong else "identical"
        return f"killed at {kills}: {outcome}"


def main() -> int:
    asked = arguments()
    os.nice(10)
    rng = np.random.default_rng(asked.seed)
    with TemporaryDirectory() as place:
        runs = [timed_whole(Path(place) / name) for name in ("whole", "again")]
        whole_s, expected = min(whole_s for whole_s, _ in runs), runs[0][1]
        wrong = ", ".join(different(runs[1][1], expected)) or "none"
        print(f"two whole runs, {whole_s:.1f} s the faster: {len(expected)} files, different: {wrong}", flush=True)
        trials = []
        for number in range(asked.trials):
            trials.append(tried(Path(place) / str(number), rng, whole_s, expected))
            print(f"{number + 1:3d}: {trials[-1].described()}", flush=True)
    found = Counter(what for trial in trials for what in trial.found)
    print(f"{found.total()} kills: {', '.join(f'{count} × {what}' for what, count in found.most_common())}")
    identical = sum(not trial.wrong for trial in trials)
    print(f"{identical} of {len(trials)} identical")
    return 0 if identical == len(trials) and wrong == "none" else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    return parser.parse_args()


def timed_whole(place: Path) -> tuple[float, dict[str, bytes]]:
    """Seconds of wall time of a run that nobody stops, and its files."""
    started_s = time.perf_counter()
    finish(place)
    return time.perf_counter() - started_s, contents(place / "run")


def tried(place: Path, rng: np.random.Generator, whole_s: float, expected: dict[str, bytes]) -> Trial:
    """Killed once, twice or thrice at moments of `whole_s`, if it does not end before, then resumed to the end."""
    killed_s, found, wanted = [], [], 1 + rng.binomial(2, 0.25)
    while len(killed_s) < wanted:
        after_s = whole_s * rng.random()
        if killed(place, after_s):
            killed_s.append(after_s)
            found.append(stage(place / "run"))
        elif killed_s:
            break
        else:
            # It was faster than the whole run had been, and nobody has stopped it: once more.
            shutil.rmtree(place)
    try:
        finish(place)
    except subprocess.CalledProcessError as error:
        return Trial(tuple(killed_s), tuple(found), (f"it did not go on: {error.stderr.strip()}",))
    return Trial(tuple(killed_s), tuple(found), different(contents(place / "run"), expected))


def killed(place: Path, after_s: float) -> bool:
    """Start or resume the run and kill it with all it has started; False if it ended by itself before."""
    process = subprocess.Popen(
        command(place),
        env=environment(place),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(after_s)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def finish(place: Path) -> None:
    """Start or resume the run and let it come to its end."""
    subprocess.run(command(place), env=environment(place), check=True, capture_output=True, text=True)


def command(place: Path) -> list[str]:
    sets = [part for each in SMALL for part in ("--set", each)]
    every = f"--state-every-s={STATE_EVERY_S}"
    return [sys.executable, "-m", "orbitfl", "run", str(SCENARIO), f"--out={place / 'run'}", "--resume", every, *sets]


def environment(place: Path) -> dict[str, str]:
    """One thread, on which the bits depend, and no help from what other attempts have kept."""
    path = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"OMP_NUM_THREADS": "1", "ORBITFL_CACHE": str(place / "cache"), "PYTHONPATH": path}


def stage(run: Path) -> str:
    """How far a run had come, from its folder."""
    if (run / "figure.png").exists():
        return "all written"
    if (run / "controls/isolated/run.json").exists():
        return "before the figure"
    if (run / "run.json").exists():
        return "in the control"
    if (run / "contacts.parquet").exists():
        return "writing results"
    if (run / "state/state.safetensors").exists():
        return "with a state"
    return "before a state" if run.exists() else "before a folder"


def contents(run: Path) -> dict[str, bytes]:
    """Every file by its name, without facts of the wall clock."""
    files = {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for name in files:
        if Path(name).name == "run.json":
            told = json.loads(files[name])
            files[name] = json.dumps({key: value for key, value in told.items() if key not in WALL_CLOCK}).encode()
    return files


def different(given: dict[str, bytes], expected: dict[str, bytes]) -> tuple[str, ...]:
    """The files that only one of two runs has, or that are not the same."""
    return tuple(sorted(name for name in given.keys() | expected.keys() if given.get(name) != expected.get(name)))


if __name__ == "__main__":
    sys.exit(main())
