"""A dry run builds a network once, and then knows what it would send."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from orbitfl.errors import WeightsError
from orbitfl.experiment.classroom import load_learner
from orbitfl.experiment.dry import layout_of
from orbitfl.experiment.mission import contact_plan, timeline
from orbitfl.federation.weights import Layout, line
from orbitfl.orbit.oem import Oem
from orbitfl.orbit.oem_file import write_oem
from orbitfl.scenario import Scenario, load


@pytest.fixture
def scenario(repository: Path) -> Scenario:
    return load(repository / "constellations/first_light.yaml", ("environment.kind=battery", "duration_s=1800"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORBITFL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("trainable", ["mask_decoder", "mask_decoder_lite", "lora", "prompt_tokens"])
def test_a_kept_layout_is_the_network_s(scenario: Scenario, trainable):
    asked = replace(scenario, model=replace(scenario.model, trainable=trainable))
    expected = Layout(load_learner(asked).shapes)
    assert layout_of(asked) == expected
    assert layout_of(asked) == expected


def test_sets_are_kept_apart(scenario: Scenario, cache: Path):
    sizes = {layout_of(replace(scenario, model=replace(scenario.model, prompt_tokens=n))).size for n in (4, 8)}
    narrow = replace(scenario, model=replace(scenario.model, trainable="mask_decoder_lite"))
    assert layout_of(narrow).size not in sizes
    assert len(list((cache / "layouts").iterdir())) == 3


@pytest.mark.parametrize(
    "damage", ["", "[", "3", '[["a", ["x"]]]', '[["a", [1.5]]]', '[["a", [-1]]]', '[["a"]]', "{}x"]
)
def test_a_damaged_layout_is_made_anew(scenario: Scenario, cache: Path, damage: str):
    expected = layout_of(scenario)
    (kept,) = (cache / "layouts").iterdir()
    kept.write_text(damage)
    assert layout_of(scenario) == expected
    assert json.loads(kept.read_text()), "it should have been mended"


def test_weights_of_another_model_are_refused_again_and_again(scenario: Scenario):
    wrong = replace(scenario, model=replace(scenario.model, kind="mobile_sam"))
    for _ in range(2):
        with pytest.raises(WeightsError, match="does not fit mobile_sam"):
            layout_of(wrong)


def test_where_nothing_can_be_kept_it_goes_on(scenario: Scenario, cache: Path):
    cache.write_text("a file in the place of a folder")
    assert layout_of(scenario).size > 0


def test_the_second_dry_run_loads_no_torch(repository: Path):
    action = (
        "import sys; sys.argv = ['orbitfl', 'run', 'constellations/first_light.yaml', '--dry', '--set',"
        " 'environment.kind=battery', '--set', 'duration_s=1800']\n"
        "from orbitfl.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'matplotlib') if name in sys.modules])"
    )
    command = [sys.executable, "-c", action]
    runs = [subprocess.run(command, cwd=repository, capture_output=True, text=True) for _ in range(2)]
    told = [run.stdout.split("\n") for run in runs]
    assert told[0][:-2] == told[1][:-2] and "sessions" in told[1][1]
    assert told[0][-2] == "['torch']", "the first one has to prove the weights"
    assert told[1][-2] == "[]"


def test_an_ephemeris_as_long_as_the_mission_serves_a_battery(scenario: Scenario, tmp_path: Path):
    satellites, t_s = scenario.planning().satellites(), np.arange(0.0, scenario.duration_s + 1, 60.0)
    texts = []
    for name, r_km, v_km_s in zip(satellites.names, *satellites.propagator.states(t_s), strict=True):
        write_oem(tmp_path / "one.oem", name, scenario.epoch_utc, t_s, r_km, v_km_s, created_utc=scenario.epoch_utc)
        texts.append((tmp_path / "one.oem").read_text())
    (tmp_path / "all.oem").write_text("".join(texts))
    asked = replace(scenario, constellation=Oem(path=str(tmp_path / "all.oem")))
    assert timeline(asked, contact_plan(asked), line(1000)).happenings
