"""A run that was stopped, at whatever moment, goes on to the bytes it would have had."""

import json
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import orbitfl
from orbitfl.data.loading import load as load_tiles
from orbitfl.errors import ScenarioError, StorageError
from orbitfl.experiment import classroom
from orbitfl.experiment.result import RunResult
from orbitfl.models import checkpoint
from orbitfl.models.mobile_sam import build
from orbitfl.scenario import Scenario, load, resolved_yaml

SMALL = (
    "duration_s=7200",
    "model.image_px=64",
    "data.scenes=8",
    "data.size_px=64",
    "data.tile_px=64",
    "evaluation.data={kind: synthetic, scenes: 1, size_px: 64, tile_px: 64, seed: 2}",
    "evaluation.every_s=3600",
    "training.session_steps=1",
    "environment.kind=battery",
    "links.isl.rate_bps=2.0e+4",
    "constellation={kind: walker, total: 8, planes: 4, phasing: 1, altitude_km: 786, inclination_deg: 60}",
    "exchange.controls=[isolated]",
)


@pytest.fixture(scope="module")
def scenario(repository: Path) -> Scenario:
    return load(repository / "constellations/first_light.yaml", SMALL)


VARIANTS = {
    "gossip": (),
    "top_k": ("exchange.compressor={kind: top_k}", "links.isl.rate_bps=400"),
    "relays": ("exchange.strategy.kind=neighbourhood", "exchange.transfer={relays: 2, loss: 0.1}"),
    "ground": ("exchange.strategy={kind: diloco, share: 0.25}", "links.ground.rate_bps=3.0e+4"),
    "push_sum": ("exchange.strategy.kind=push_sum",),
    "noloco": ("exchange.strategy.kind=noloco",),
}


class Stopped(Exception):  # noqa: N818, since nothing went wrong
    """The power goes out."""


def stop_after(calls: int, what_it_does: str = "learning"):
    """A listener that stops the run the n-th time that it tells of learning."""
    left = [calls]

    def notify(what: str, done: int, total: int) -> None:
        left[0] -= what.startswith(what_it_does)
        if left[0] == 0:
            raise Stopped

    return notify


def files_of(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "run.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(paths)}


@pytest.mark.parametrize("variant", VARIANTS)
def test_goes_on_to_the_same_bytes(repository: Path, tmp_path: Path, variant: str):
    """Stopped three times, with a state after every record, and each time begun again from the folder alone."""
    asked = load(
        repository / "constellations/first_light.yaml",
        (*SMALL, "exchange.controls=[]", "faults.hostile={sat-2: noise}", *VARIANTS[variant]),
    )
    whole = orbitfl.run(asked, tmp_path / "whole")
    for calls in (7, 11, 4):
        with pytest.raises(Stopped):
            orbitfl.run(asked, tmp_path / "stopped", stop_after(calls), resume=True, state_every_s=0.0)
    orbitfl.run(asked, tmp_path / "stopped", resume=True)
    assert files_of(tmp_path / "stopped") == files_of(tmp_path / "whole")
    assert (whole.transfers["outcome"] == "cut").to_numpy().any(), "no transfer was under way over a stop"


def test_controls_go_on_too(scenario: Scenario, tmp_path: Path):
    with pytest.raises(Stopped):
        orbitfl.run(scenario, tmp_path / "stopped", stop_after(3, "learning: isolated"), state_every_s=0.0)
    assert (tmp_path / "stopped/run.json").exists(), "the first strategy should be through"
    assert not (tmp_path / "stopped/controls/isolated/run.json").exists()
    resumed = orbitfl.run(scenario, tmp_path / "stopped", resume=True)
    orbitfl.run(scenario, tmp_path / "whole")
    assert files_of(tmp_path / "stopped") == files_of(tmp_path / "whole")
    assert list(resumed.controls) == ["isolated"]


def test_a_finished_run_is_read_not_run(scenario: Scenario, tmp_path: Path):
    result = orbitfl.run(scenario, tmp_path / "run")
    before = (tmp_path / "run/run.json").read_bytes()
    again = orbitfl.run(scenario, tmp_path / "run", resume=True)
    assert (tmp_path / "run/run.json").read_bytes() == before
    assert again.summary().equals(result.summary())
    assert RunResult.from_folder(tmp_path / "run").records.equals(result.records)


def test_controls_read_again_are_in_the_scenarios_order_and_so_drawn_alike(scenario: Scenario, tmp_path: Path):
    """As after a kill between the last control and the picture."""
    exchange = replace(scenario.exchange, controls=("isolated", "centralised"))
    asked = replace(scenario, duration_s=1800.0, exchange=exchange)
    result = orbitfl.run(asked, tmp_path / "run")
    figure = tmp_path / "run/figure.png"
    before = figure.read_bytes()
    figure.unlink()
    again = orbitfl.run(asked, tmp_path / "run", resume=True)
    assert list(again.controls) == list(result.controls) == ["isolated", "centralised"]
    assert figure.read_bytes() == before


def test_an_unfinished_run_is_not_overwritten(scenario: Scenario, tmp_path: Path):
    with pytest.raises(Stopped):
        orbitfl.run(scenario, tmp_path / "run", stop_after(3), state_every_s=0.0)
    kept = files_of(tmp_path / "run")
    with pytest.raises(StorageError, match="--resume"):
        orbitfl.run(scenario, tmp_path / "run")
    with pytest.raises(ScenarioError, match="another scenario or seed"):
        orbitfl.run(replace(scenario, seed=8), tmp_path / "run", resume=True)
    with pytest.raises(StorageError, match="no finished run"):
        RunResult.from_folder(tmp_path / "run")
    assert files_of(tmp_path / "run") == kept


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[:-9],
        lambda b: b"x" * len(b),
        lambda b: b"",
        lambda b: b[:8] + b"{" * 99,
        lambda b: b[:-100] + bytes([b[-100] ^ 1]) + b[-99:],
    ],
    ids=["cut", "overwritten", "empty", "no header", "one bit"],
)
def test_a_damaged_state_is_told(scenario: Scenario, tmp_path: Path, damage):
    with pytest.raises(Stopped):
        orbitfl.run(scenario, tmp_path / "run", stop_after(3), state_every_s=0.0)
    state = tmp_path / "run/state/state.safetensors"
    state.write_bytes(damage(state.read_bytes()))
    with pytest.raises(StorageError, match="damaged"):
        orbitfl.run(scenario, tmp_path / "run", resume=True)


def test_a_state_of_other_launch_weights_is_refused(scenario: Scenario, tmp_path: Path):
    weights = tmp_path / "launch.safetensors"
    asked = replace(scenario, model=replace(scenario.model, weights=str(weights)))
    # Fresh weights, other ones each time.
    checkpoint.save(build(asked.model.kind, asked.model.image_px), weights)
    with pytest.raises(Stopped):
        orbitfl.run(asked, tmp_path / "run", stop_after(3), state_every_s=0.0)
    checkpoint.save(build(asked.model.kind, asked.model.image_px), weights)
    with pytest.raises(StorageError, match="other tiles or launch weights"):
        orbitfl.run(asked, tmp_path / "run", resume=True)


def test_a_state_of_other_tiles_is_refused(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Stopped):
        orbitfl.run(scenario, tmp_path / "run", stop_after(3), state_every_s=0.0)
    monkeypatch.setattr(classroom, "load", lambda data, cache: load_tiles(replace(data, seed=9), cache))
    with pytest.raises(StorageError, match="other tiles or launch weights"):
        orbitfl.run(scenario, tmp_path / "run", resume=True)


ORBITS = (
    "constellation={kind: tle, path: %s}",
    "epoch_utc=2026-10-01T12:00:00Z",
    "links.ground.rate_bps=1.0e+7",
    "exchange.strategy.kind=fedavg",
)


def flying(repository: Path, elements: Path, *overrides: str) -> Scenario:
    """The scenario on the elements in a file, which at first are those of Sentinel-2."""
    elements.write_text((repository / "constellations/sentinel_2.tle").read_text())
    return load(repository / "constellations/first_light.yaml", (*SMALL, ORBITS[0] % elements, *ORBITS[1:], *overrides))


def move(elements: Path) -> None:
    """Take one of the satellites out of the file."""
    elements.write_text("\n".join(elements.read_text().splitlines()[:-3]) + "\n")


def test_a_state_on_other_orbits_is_refused(repository: Path, tmp_path: Path):
    elements = tmp_path / "orbits.tle"
    asked = flying(repository, elements, "exchange.controls=[]")
    with pytest.raises(Stopped):
        orbitfl.run(asked, tmp_path / "run", stop_after(5), state_every_s=0.0)
    move(elements)
    with pytest.raises(StorageError, match="on other orbits"):
        orbitfl.run(asked, tmp_path / "run", resume=True)


def test_controls_fly_the_orbits_of_the_finished_run(repository: Path, tmp_path: Path):
    elements = tmp_path / "orbits.tle"
    asked = flying(repository, elements)
    with pytest.raises(Stopped):
        orbitfl.run(asked, tmp_path / "run", stop_after(1, "learning: isolated"))
    move(elements)
    with pytest.raises(StorageError, match="on other orbits"):
        orbitfl.run(asked, tmp_path / "run", resume=True)


HALF = ".{}.0123abcd.part"
"""What `orbitfl.files.replacing` calls a file until it is whole."""


def test_killed_before_it_had_begun(scenario: Scenario, tmp_path: Path):
    """With nothing in its folder but half of scenario.yaml, or all of it, the same command begins the run."""
    short = replace(scenario, duration_s=900.0, exchange=replace(scenario.exchange, controls=()))
    for folder, name in ((tmp_path / "half", HALF.format("scenario.yaml")), (tmp_path / "whole", "scenario.yaml")):
        folder.mkdir()
        (folder / name).write_text(resolved_yaml(short) if name == "scenario.yaml" else "name: fir")
        orbitfl.run(short, folder)
    assert files_of(tmp_path / "half") == files_of(tmp_path / "whole")


def test_killed_while_it_cleared_up(scenario: Scenario, tmp_path: Path):
    """run.json is there, the picture is not, and the states still are."""
    orbitfl.run(scenario, tmp_path / "run")
    before = files_of(tmp_path / "run")
    for folder in (tmp_path / "run", tmp_path / "run/controls/isolated"):
        (folder / "state").mkdir()
        (folder / "state/state.safetensors").write_bytes(b"a state")
        (folder / "state" / HALF.format("state.safetensors")).write_bytes(b"half a state")
    (tmp_path / "run/figure.png").rename(tmp_path / "run" / HALF.format("figure.png"))
    orbitfl.run(scenario, tmp_path / "run", resume=True)
    assert files_of(tmp_path / "run") == before


@pytest.mark.parametrize("name", [HALF.format("letter"), ".letter.part", "letter"])
def test_what_is_not_of_a_run_stays(scenario: Scenario, tmp_path: Path, name: str):
    (tmp_path / "scenario.yaml").write_text(resolved_yaml(replace(scenario, seed=8)))
    (tmp_path / name).write_text("Dear all,")
    with pytest.raises(StorageError, match="not empty"):
        orbitfl.run(scenario, tmp_path)
    with pytest.raises(ScenarioError, match="another scenario"):
        orbitfl.run(scenario, tmp_path, resume=True)
    assert (tmp_path / name).read_text() == "Dear all,"


def test_a_scenario_that_is_no_text_is_another_one(scenario: Scenario, tmp_path: Path):
    (tmp_path / "scenario.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match="another scenario"):
        orbitfl.run(scenario, tmp_path, resume=True)


FULL = """
import resource, sys
import orbitfl
from orbitfl.errors import StorageError
asked = orbitfl.load(sys.argv[1], sys.argv[3:])
told = [0]
def notify(what, done, total):
    told[0] += what.startswith("learning")
    if told[0] == 12:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    orbitfl.run(asked, sys.argv[2], notify, state_every_s=0.0)
except StorageError as error:
    print(error)
    sys.exit(2)
"""


def test_a_full_disk_leaves_the_last_state(repository: Path, scenario: Scenario, tmp_path: Path):
    """No file may grow beyond 100 kB from the twelfth record on, which is what a full disk looks like."""
    arguments = [repository / "constellations/first_light.yaml", tmp_path / "run", *SMALL]
    done = subprocess.run([sys.executable, "-c", FULL, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 2 and "could not be written" in done.stdout, done.stderr
    assert not list((tmp_path / "run").rglob("*.part")), "something half-written was left"
    orbitfl.run(scenario, tmp_path / "run", resume=True)
    orbitfl.run(scenario, tmp_path / "whole")
    assert files_of(tmp_path / "run") == files_of(tmp_path / "whole")
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 100_000


KEEPER = """
import sys, time
from pathlib import Path
from orbitfl.files import locked
with locked(Path(sys.argv[1])):
    print("kept", flush=True)
    time.sleep(600)
"""


def test_two_do_not_work_in_one_folder(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("orbitfl.files.LETTING_GO_S", 0.1)
    place = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", KEEPER, place], stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout is not None and keeper.stdout.readline() == b"kept\n"
        for resume in (False, True):
            with pytest.raises(StorageError, match="by another process"):
                orbitfl.run(scenario, place, resume=resume)
        keeper.kill()
    assert [path.name for path in place.iterdir()] == [".lock"], "what a killed process leaves"
    with pytest.raises(Stopped):
        orbitfl.run(scenario, place, stop_after(1))
    assert not (place / ".lock").exists()


def test_controls_learn_from_the_tiles_and_weights_of_the_finished_run(scenario: Scenario, tmp_path: Path):
    weights = tmp_path / "launch.safetensors"
    asked = replace(scenario, model=replace(scenario.model, weights=str(weights)))
    checkpoint.save(build(asked.model.kind, asked.model.image_px), weights)
    with pytest.raises(Stopped):
        orbitfl.run(asked, tmp_path / "run", stop_after(1, "learning: isolated"))
    kept = files_of(tmp_path / "run")
    checkpoint.save(build(asked.model.kind, asked.model.image_px), weights)
    with pytest.raises(StorageError, match="other tiles or launch weights"):
        orbitfl.run(asked, tmp_path / "run", resume=True)
    assert files_of(tmp_path / "run") == kept


def test_controls_are_of_the_version_of_the_finished_run(scenario: Scenario, tmp_path: Path):
    asked = replace(scenario, duration_s=900.0)
    with pytest.raises(Stopped):
        orbitfl.run(asked, tmp_path / "run", stop_after(1, "learning: isolated"))
    told = json.loads((tmp_path / "run/run.json").read_text())
    told["versions"]["orbitfl"] = "0.0.1"
    (tmp_path / "run/run.json").write_text(json.dumps(told))
    with pytest.raises(StorageError, match="by another version of orbitfl"):
        orbitfl.run(asked, tmp_path / "run", resume=True)
