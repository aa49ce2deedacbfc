"""Scenarios: every shipped file, and what a user is told about every way to get one wrong."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orbitfl.environment import Battery
from orbitfl.errors import OrbitflError, ScenarioError
from orbitfl.scenario import load, load_mission, resolved_yaml

FIRST_LIGHT = "constellations/first_light.yaml"


@pytest.fixture
def first_light(repository: Path) -> Path:
    return repository / FIRST_LIGHT


@pytest.fixture(autouse=True)
def data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORBITFL_DATA", "/somewhere")


def shipped(repository: Path) -> list[Path]:
    return sorted((repository / "constellations").glob("*.yaml"))


def test_every_shipped_scenario_is_valid_and_survives_being_written_out(repository: Path, tmp_path: Path):
    assert len(shipped(repository)) >= 3
    for path in shipped(repository):
        scenario = load_mission(path)
        again = tmp_path / path.name
        again.write_text(resolved_yaml(scenario))
        assert load_mission(again) == scenario, path.name


def test_resolved_scenario_writes_every_default_out(first_light: Path):
    resolved = yaml.safe_load(resolved_yaml(load(first_light)))
    assert resolved["training"]["weight_decay"] == 0.01
    assert resolved["environment"]["limits"]["training_min_charge"] == 0.2
    assert resolved["evaluation"]["data"]["stretch"] == "auto"


def test_overrides_reach_nested_keys_and_lists(first_light: Path):
    scenario = load(
        first_light,
        [
            "seed=3",
            "exchange.strategy.kind=isolated",
            "training.learning_rate=1e-4",
            "ground_stations.1.mask_deg=10",
        ],
    )
    assert scenario.seed == 3
    assert scenario.exchange.strategy.kind == "isolated"
    assert scenario.training.learning_rate == 1e-4
    assert scenario.ground_stations[1].mask_deg == 10


def test_the_environment_may_be_the_twin(first_light: Path):
    scenario = load(first_light, ["environment.kind=battery", "environment.convention=paseos"])
    assert scenario.environment == Battery(convention="paseos")


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("constellation.altitude=786", ["constellation.altitude is not a key", "Did you mean altitude_km?"]),
        ("constellation.altitude_m=786000", ["Did you mean altitude_km?"]),
        ("constellation.altitude_km=786000", ["altitude_km is 786000", "km"]),
        ("constellation.planes=3", ["constellation", "planes is 3"]),
        ("constellation.kind=walkr", ["constellation.kind is 'walkr'", "'walker'"]),
        ("exchange.strategy.kind=gosip", ["exchange.strategy.kind is 'gosip'", "'gossip'"]),
        ("duration_s=6h", ["duration_s is '6h'", "valid number"]),
        ("duration_s=-1", ["duration_s is -1"]),
        ("duration_s=.nan", ["duration_s is nan", "plain number"]),
        ("links.isl.rate_bps=.inf", ["links.isl.rate_bps is inf", "plain number"]),
        ("links.isl=null", ["gossip, which learns between satellites", "no links.isl"]),
        ("epoch_utc=yesterday", ["epoch_utc: yesterday is not a date with a time"]),
        ("epoch_utc=20181005", ["epoch_utc: 20181005 is not a date with a time", "2018-05-18T03:21:00Z"]),
        ("epoch_utc='20181005'", ["epoch_utc: 20181005 is not a date with a time"]),
        ("epoch_utc=2018-05-18", ["epoch_utc: 2018-05-18 is not a date with a time"]),
        ("epoch_utc=0001-01-01T00:00:00+05:00", ["epoch_utc", "before the year 1"]),
        ("epoch_utc=9999-12-31T23:00:00-05:00", ["epoch_utc", "after 9999"]),
        ("epoch_utc=2018-05-18T03:21:00", ["epoch_utc", "without a time zone"]),
        ("training.learning_rate=1.0e+38", ["learning_rate is 1e+38", "1e+06"]),
        ("training.batch_size=10000000000000", ["batch_size is 10000000000000", "4096"]),
        ("training.session_steps=10000000", ["session_steps is 10000000", "1000000"]),
        ("model.image_px=1048576", ["image_px is 1048576", "4096"]),
        ("evaluation.data.tile_px=1000000", ["tile_px is 1000000", "16384"]),
        ("evaluation.every_s=1.0e-6", ["evaluation.every_s is 1e-06", "more than 1000000 times", "or more"]),
        ("training.retry_s=1.0e-6", ["training.retry_s is 1e-06", "more than 10000000 times"]),
        ("exchange.min_interval_s=1.0e-6", ["exchange.min_interval_s is 1e-06", "more than 10000000 times"]),
        ("seed=9223372036854775808", ["seed is 9223372036854775808", "9223372036854775807"]),
        ("training.batch_size=2.5", ["training.batch_size is 2.5", "integer"]),
        ("training.learning_rate=fast", ["training.learning_rate is 'fast'"]),
        ("data.partition.kind=random", ["data.partition.kind is 'random'", "'iid'"]),
        ("ground_stations.0.latitude_deg=95", ["ground_stations.0", "latitude_deg is 95"]),
        ("ground_stations.0.mask=95", ["ground_stations.0.mask is not a key", "mask_deg"]),
        ("environment.initial_charge=50", ["environment", "initial_charge is 50"]),
        ("environment.kind=batery", ["environment.kind is 'batery'", "'battery'"]),
        ("environment.radiation={restarts: 1}", ["environment.radiation.restarts is not a key", "restarts_per_s"]),
        ("sede=3", ["sede is not a key", "Did you mean seed?"]),
        ("name.first=x", ["--set name.first=x"]),
        ("seed", ["--set seed", "key.path=value"]),
    ],
)
def test_what_is_wrong_is_named_with_its_key_and_a_cure(first_light: Path, override: str, told: list[str]):
    with pytest.raises(OrbitflError) as caught:
        load(first_light, [override])
    for part in told:
        assert part in str(caught.value)
    assert "first_light.yaml" in str(caught.value) or override in str(caught.value)


def test_overrides_are_a_list(first_light: Path):
    with pytest.raises(OrbitflError, match=r"overrides is the text 'seed=3'; give a list of them: \['seed=3'\]"):
        load(first_light, "seed=3")


def test_missing_key_is_named(tmp_path: Path, first_light: Path):
    document = yaml.safe_load(first_light.read_text())
    del document["constellation"]["inclination_deg"]
    broken = tmp_path / "broken.yaml"
    broken.write_text(yaml.safe_dump(document))
    with pytest.raises(ScenarioError, match=r"constellation\.inclination_deg is missing"):
        load(broken)


def test_missing_kind_names_the_choices(tmp_path: Path, first_light: Path):
    document = yaml.safe_load(first_light.read_text())
    del document["data"]["kind"]
    broken = tmp_path / "broken.yaml"
    broken.write_text(yaml.safe_dump(document))
    with pytest.raises(ScenarioError, match=r"data\.kind is missing; choose one of folder, synthetic"):
        load(broken)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no keys"),
        (b"- 1\n- 2\n", "holds no keys"),
        (b"name: [unclosed", "not valid YAML"),
        (b"\xff\xfe\x00", "not a text file"),
        (b"name: !!python/object/apply:os.system ['true']", "not valid YAML"),
        (b"a: " + b"[" * 5000, "not valid YAML"),
        (b"name: x\n" + b"#" * 2_000_000, "larger than"),
        (b"name: &a [*a]", "repeats parts of itself"),
        (
            b"a: &a {k: 1}\n"
            + b"".join(b"%c: &%c {<<: [%s]}\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 106)),
            "repeats parts of itself by `<<`",
        ),
        (b"a: &a " + b"x" * 100_000 + b"\nb: [" + b"*a, " * 1000 + b"1]", "repeats parts of itself"),
    ],
)
def test_files_that_are_no_scenario(tmp_path: Path, content: bytes, told: str):
    path = tmp_path / "scenario.yaml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match=told):
        load(path)


def test_merge_keys_do_what_yaml_says(tmp_path: Path, first_light: Path):
    document = yaml.safe_load(first_light.read_text())
    training = document.pop("training")
    path = tmp_path / "merged.yaml"
    path.write_text(yaml.safe_dump(document) + "training:\n  <<: " + json.dumps(training) + "\n  retry_s: 7.0\n")
    assert load(path).training == replace(load(first_light).training, retry_s=7.0)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make: Callable[[Path], None]):
    path = tmp_path / "scenario.yaml"
    make(path)
    with pytest.raises(ScenarioError, match=r"scenario\.yaml (cannot be used: it is a pipe|could not be read: Is)"):
        load(path)


def test_missing_file_and_unset_variable(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ScenarioError, match=r"nowhere\.yaml could not be read"):
        load(tmp_path / "nowhere.yaml")
    monkeypatch.delenv("ORBITFL_DATA")
    with pytest.raises(ScenarioError, match="ORBITFL_DATA is not set"):
        load(repository / "constellations/esw_walker8.yaml")


KEYS = st.sampled_from(["name", "seed", "constellation", "data", "training", "links", "evaluation", "exchange"])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(key=KEYS, junk=JUNK)
def test_no_junk_ends_in_anything_but_a_sentence(first_light_text: str, tmp_path_factory, key: str, junk: object):
    document = yaml.safe_load(first_light_text)
    document[key] = junk
    path = tmp_path_factory.mktemp("junk") / "scenario.yaml"
    path.write_text(yaml.safe_dump(document))
    try:
        load(path)
    except OrbitflError as error:
        assert "scenario.yaml" in str(error)


@pytest.fixture(scope="module")
def first_light_text(repository: Path) -> str:
    return (repository / FIRST_LIGHT).read_text()


@pytest.mark.parametrize("name", ["../../escaped", "a/b", ".hidden", '""', "x" * 201])
def test_a_name_that_no_folder_can_have_is_refused(first_light: Path, name: str):
    with pytest.raises(ScenarioError, match=r"name is .*folder of that name"):
        load(first_light, [f"name={name}"])
