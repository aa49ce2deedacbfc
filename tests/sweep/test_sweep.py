"""`orbitfl sweep` as its user has it: the same table from any number of workers, after a kill, and from a cluster."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from orbitfl.files import locked

SMALL = (
    "duration_s=1800",
    "model.image_px=64",
    "data.scenes=8",
    "data.size_px=64",
    "data.tile_px=64",
    "evaluation.data={kind: synthetic, scenes: 1, size_px: 64, tile_px: 64, seed: 2}",
    "evaluation.every_s=900",
    "training.session_steps=1",
    "environment.kind=battery",
)
GRID = ("exchange.min_interval_s=600,1200", "exchange.strategy.kind=gossip,isolated")


def command(repository: Path, out: Path, *more: str, grid: tuple[str, ...] = GRID) -> list[str]:
    scenario = str(repository / "constellations/first_light.yaml")
    keys = [part for key in SMALL for part in ("--set", key)]
    axes = [part for axis in grid for part in ("--grid", axis)]
    return [sys.executable, "-m", "orbitfl", "sweep", scenario, "--out", str(out), *keys, *axes, *more]


def swept(given: list[str], code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(given, capture_output=True, text=True, timeout=600)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def whole(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sweeps") / "whole"
    swept(command(repository, out, "--workers", "1"))
    return out


def test_the_table_tells_what_the_runs_recorded(whole: Path):
    table = pd.read_parquet(whole / "sweep.parquet")
    assert list(table["exchange.min_interval_s"]) == [600.0, 600.0, 1200.0, 1200.0]
    assert list(table["exchange.strategy.kind"]) == ["gossip", "isolated"] * 2
    for row in table.to_dict("records"):
        records = pd.read_parquet(whole / "runs" / row["run"] / "records.parquet")
        last = records[(records["t_s"] == 1800) & records["node"].str.startswith("sat")]
        assert row["mean"] == pytest.approx(last.loc[last["kind"] == "miou", "value"].mean())
        assert row["byte"] == last.loc[last["kind"] == "sent_byte", "value"].sum()
    assert {path.name for path in whole.glob("*.png")} == {"scores.png", "frontier.png", "time_to_target.png"}


def test_two_workers_a_killed_one_and_a_stopped_sweep_give_the_same_table(
    whole: Path, repository: Path, tmp_path: Path
):
    given = command(repository, tmp_path / "sweep", "--workers", "2")
    sweep = subprocess.Popen(given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    killed = kill_a_worker(sweep.pid, tmp_path / "sweep/runs/.running")
    wait_for_a_run(tmp_path / "sweep/runs")
    sweep.kill()
    sweep.communicate()
    assert killed
    require_no_process_of(sweep)
    told = json.loads(swept([*given, "--resume", "--json"]).stdout)
    assert told["failed"] == told["busy"] == {}
    assert (tmp_path / "sweep/sweep.parquet").read_bytes() == (whole / "sweep.parquet").read_bytes()


def kill_a_worker(parent: int, running: Path) -> bool:
    """SIGKILL one of the sweep's processes once a run is under way in it."""
    psutil = pytest.importorskip("psutil")
    for _ in range(1200):
        workers = [each for each in psutil.Process(parent).children() if "loky" in " ".join(each.cmdline())]
        if workers and running.exists() and any(running.iterdir()):
            busiest = max(workers, key=lambda each: sum(each.cpu_times()[:2]))
            busiest.kill()
            return True
        time.sleep(0.05)
    return False


def wait_for_a_run(runs: Path) -> None:
    for _ in range(2400):
        if list(runs.glob("*/run.json")):
            return
        time.sleep(0.05)
    raise AssertionError("no run was finished after a worker was killed")


def test_a_run_that_fails_is_listed_and_stops_no_other(repository: Path, tmp_path: Path):
    grid = ("data.partition={kind: iid},{kind: by_scene}", "data.scenes=8,1")
    done = swept(command(repository, tmp_path / "sweep", "--json", grid=grid), code=1)
    told = json.loads(done.stdout)
    assert len(told["runs"]) + len(told["failed"]) == 4 and told["failed"] and told["runs"]
    assert json.loads((tmp_path / "sweep/failed.json").read_text()) == told["failed"]


def test_where_all_runs_fail_each_is_listed_and_no_older_table_stays(whole: Path, repository: Path, tmp_path: Path):
    sweep = tmp_path / "sweep"
    shutil.copytree(whole, sweep)
    given = command(repository, sweep, "--resume", grid=("data.partition={kind: by_scene}", "data.scenes=1,2"))
    told = swept(given, code=1)
    failed = json.loads((sweep / "failed.json").read_text())
    assert len(failed) == 2
    listed = [line for line in told.stdout.splitlines() if line.startswith("failed: ")]
    assert listed == [f"failed: {name}: {problem}" for name, problem in failed.items()]
    assert "Traceback" not in told.stdout + told.stderr and "no run can be compared" in told.stdout
    as_json = swept([*given, "--json"], code=1).stdout
    assert json.loads(as_json) == {"answer": None, "caution": None, "failed": failed, "busy": {}, "runs": []}
    assert {path.name for path in sweep.iterdir()} == {"sweep.json", "failed.json", "runs"}
    assert sum(1 for _ in sweep.glob("runs/*/run.json")) == 4, "what an earlier grid has run stays"


def test_a_run_that_cannot_be_read_is_listed_and_run_anew_when_it_is_deleted(
    whole: Path, repository: Path, tmp_path: Path
):
    sweep = tmp_path / "sweep"
    shutil.copytree(whole, sweep)
    cut, lost, *_ = sorted(path.parent for path in sweep.glob("runs/*/run.json"))
    table = (cut / "records.parquet").read_bytes()
    (cut / "records.parquet").write_bytes(table[: len(table) // 2])
    (lost / "records.parquet").unlink()
    given = command(repository, sweep, "--resume", "--json")
    told = json.loads(swept(given, code=1).stdout)
    assert told["failed"].keys() == {cut.name, lost.name}
    assert all(f"{place}" in told["failed"][place.name] for place in (cut, lost))
    assert all("Delete that folder" in problem and "--resume" in problem for problem in told["failed"].values())
    assert json.loads((sweep / "failed.json").read_text()) == told["failed"]
    assert len(told["runs"]) == len(pd.read_parquet(sweep / "sweep.parquet")) == 2
    for place in (cut, lost):
        shutil.rmtree(place)
    assert json.loads(swept(given).stdout)["failed"] == {}
    assert (sweep / "sweep.parquet").read_bytes() == (whole / "sweep.parquet").read_bytes()


def test_a_cluster_gives_the_same_table(whole: Path, repository: Path, tmp_path: Path):
    pytest.importorskip("distributed")
    given = command(repository, tmp_path / "sweep")
    program = f"""
import subprocess, sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        sys.exit(subprocess.run([*{given!r}, "--dask", cluster.scheduler_address]).returncode)
"""
    (tmp_path / "cluster.py").write_text(program)
    swept([sys.executable, str(tmp_path / "cluster.py")])
    assert (tmp_path / "sweep/sweep.parquet").read_bytes() == (whole / "sweep.parquet").read_bytes()


@pytest.mark.parametrize("kills", [1, 2])
def test_a_clusters_run_is_retried_once(whole: Path, repository: Path, tmp_path: Path, kills: int):
    """Left alone after two deaths, it would end well the third time; by Dask's own count it would be begun then."""
    pytest.importorskip("distributed")
    given = command(repository, tmp_path / "sweep", "--json")
    program = f"""
import os, signal, subprocess, sys, time
from pathlib import Path
from distributed import LocalCluster, Status

def begun():
    marks = Path({str(tmp_path)!r}).glob("sweep/runs/.running/min_interval_s=600,kind=isolated*")
    return sum(mark.read_bytes().count(b".") for mark in marks)

if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        sweep = subprocess.Popen([*{given!r}, "--dask", cluster.scheduler_address])
        killed = 0
        while sweep.poll() is None:
            worker = cluster.workers[0].process
            # A nanny brings back none that dies before it has reported to it, and the cluster would be without any.
            if killed < {kills} and begun() > killed and worker and worker.status == Status.running:
                os.kill(worker.pid, signal.SIGKILL)
                killed += 1
            time.sleep(0.01)
        sys.exit(sweep.returncode if killed == {kills} else 99)
"""
    (tmp_path / "cluster.py").write_text(program)
    told = json.loads(swept([sys.executable, str(tmp_path / "cluster.py")], code=kills - 1).stdout)
    if kills == 1:
        assert (tmp_path / "sweep/sweep.parquet").read_bytes() == (whole / "sweep.parquet").read_bytes()
    else:
        ((name, problem),) = told["failed"].items()
        assert "kind=isolated" in name and "killed twice" in problem
        assert len(told["runs"]) == 3
    assert not (tmp_path / "sweep/runs/.running").exists()


def test_a_scheduler_that_goes_away_leaves_the_table_of_what_is_finished(repository: Path, tmp_path: Path):
    pytest.importorskip("distributed")
    given = command(repository, tmp_path / "sweep", "--json")
    program = f"""
import subprocess, sys, time
from pathlib import Path
from distributed import LocalCluster

if __name__ == "__main__":
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None)
    sweep = subprocess.Popen([*{given!r}, "--dask", cluster.scheduler_address])
    try:
        while sweep.poll() is None and not list(Path({str(tmp_path)!r}).glob("sweep/runs/*/run.json")):
            time.sleep(0.02)
        cluster.close()
        sys.exit(sweep.wait(timeout=60))
    finally:
        sweep.kill()
"""
    (tmp_path / "cluster.py").write_text(program)
    done = swept([sys.executable, str(tmp_path / "cluster.py")], code=1)
    told = json.loads(done.stdout)
    assert told["failed"] and all("lost" in problem for problem in told["failed"].values())
    assert len(pd.read_parquet(tmp_path / "sweep/sweep.parquet")) == len(told["runs"]) == 4 - len(told["failed"]) > 0


@pytest.mark.parametrize(
    ("send", "number", "code"),
    [(os.killpg, signal.SIGINT, 130), (os.kill, signal.SIGINT, 130), (os.kill, signal.SIGTERM, 143)],
    ids=["Ctrl-C", "SIGINT", "SIGTERM"],
)
def test_a_sweep_that_is_stopped_says_how_to_go_on_and_leaves_no_process(
    repository: Path, tmp_path: Path, send: Callable[[int, int], None], number: int, code: int
):
    given = command(repository, tmp_path / "sweep")
    sweep = subprocess.Popen(given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for_a_run(tmp_path / "sweep/runs")
    send(sweep.pid, number)
    _, said = sweep.communicate(timeout=60)
    assert sweep.returncode == code
    assert "go on with it by: orbitfl sweep" in said.splitlines()[-1] and said.splitlines()[-1].endswith("--resume")
    assert "Traceback" not in said
    require_no_process_of(sweep)


def require_no_process_of(sweep: subprocess.Popen[str]) -> None:
    """Processes whose parent is gone stay until init has buried them."""
    with pytest.raises(ProcessLookupError):
        for _ in range(200):
            os.killpg(sweep.pid, 0)
            time.sleep(0.05)


def test_a_run_that_another_process_works_on_is_busy_and_has_not_failed(whole: Path, repository: Path, tmp_path: Path):
    sweep = tmp_path / "sweep"
    shutil.copytree(whole, sweep)
    taken = min(path.parent for path in sweep.glob("runs/*/run.json"))
    (taken / "run.json").unlink()
    with locked(taken):
        told = swept(command(repository, sweep, "--resume"), code=1)
    (busy,) = [line for line in told.stdout.splitlines() if line.startswith("busy: ")]
    assert busy.startswith(f"busy: {taken.name}: ") and busy.endswith(
        "wait until that ends, or end it; then go on by --resume."
    )
    assert f"{taken.name}: busy: " in told.stderr and "failed: " not in told.stdout + told.stderr
    assert json.loads((sweep / "failed.json").read_text()) == {}


def test_an_estimate_writes_nothing_and_counts_what_dry_runs_do(whole: Path, repository: Path, tmp_path: Path):
    done = swept(command(repository, tmp_path / "sweep", "--estimate", "--json", grid=GRID[:1]))
    told, table = json.loads(done.stdout), pd.read_parquet(whole / "sweep.parquet")
    assert told["sent_byte"] == table["byte"].sum() and told["runs"] == 2
    assert told["wall_s"] > 0 and told["peak_byte"] > 100e6
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("more", "grid", "said"),
    [
        ((), GRID, "--resume"),
        (("--resume", "--set", "duration_s=2700"), GRID, "another scenario"),
        (("--resume", "--dask", "tcp://127.0.0.1:9"), ("exchange.min_interval_s=7",), "No Dask scheduler"),
        (("--resume",), ("exchange.min_interval=7",), "Did you mean"),
        (("--resume",), ("exchange.min_interval_s=600,600.0",), "the same run"),
        (("--resume", "--target", "150"), ("exchange.min_interval_s=7",), "percent"),
        (("--resume",), ("exchange.min_interval_s=soon",), "min_interval_s"),
    ],
)
def test_wrong_input_is_one_sentence_and_loses_nothing(
    whole: Path, repository: Path, more: tuple[str, ...], grid: tuple[str, ...], said: str
):
    before, runs = (whole / "sweep.parquet").read_bytes(), sorted((whole / "runs").iterdir())
    done = swept(command(repository, whole, *more, grid=grid), code=2)
    assert said in done.stderr and len(done.stderr.splitlines()) == 1
    assert sorted((whole / "runs").iterdir()) == runs
    assert (whole / "sweep.parquet").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "grid", "said"),
    [
        (("--dask", "tcp://127.0.0.1:9"), GRID, "No Dask scheduler"),
        ((), ("contacts.pairs=null,[[sat-00, nobody]]",), "nobody"),
        ((), ("faults.stragglers={},{nobody: 2}",), "nobody"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(
    repository: Path, tmp_path: Path, more: tuple[str, ...], grid: tuple[str, ...], said: str
):
    done = swept(command(repository, tmp_path / "sweep", *more, grid=grid), code=2)
    assert said in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "sweep").exists()


def test_two_sweeps_do_not_share_a_folder(whole: Path, repository: Path):
    with locked(whole):
        done = swept(command(repository, whole, "--resume"), code=2)
    assert "by another process" in done.stderr and len(done.stderr.splitlines()) == 1
