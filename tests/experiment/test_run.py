"""A whole mission in seconds: what it writes, that it repeats itself, and what the strategies do to the models."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import torch
from threadpoolctl import threadpool_limits

import orbitfl
from orbitfl.errors import DataError, ScenarioError, StorageError, WeightsError
from orbitfl.experiment import folder as folder_module
from orbitfl.experiment.dry import dry_run
from orbitfl.experiment.result import RunResult
from orbitfl.federation.strategies import Frozen, Neighbourhood
from orbitfl.models import checkpoint
from orbitfl.scenario import Scenario
from orbitfl.simulation.timeline import Session


@pytest.fixture(scope="module")
def scenario(repository: Path, tiny: tuple[str, ...]) -> Scenario:
    from orbitfl.scenario import load

    return load(repository / "constellations/first_light.yaml", tiny)


@pytest.fixture(scope="module")
def result(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return orbitfl.run(scenario, tmp_path_factory.mktemp("runs") / "first")


def folder_of(result: RunResult) -> Path:
    assert result.folder is not None
    return result.folder


def test_folder_holds_the_contract(result: RunResult, scenario: Scenario):
    folder = folder_of(result)
    for run in (folder, folder / "controls/isolated", folder / "controls/centralised"):
        for name in (
            "scenario.yaml",
            "run.json",
            *(f"{t}.parquet" for t in ("records", "contacts", "transfers", "energy")),
        ):
            assert (run / name).stat().st_size > 0, run / name
        assert len(list((run / "checkpoints").glob("*.safetensors"))) == 9
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert list(pd.read_parquet(folder / "records.parquet").columns) == ["t_s", "node", "kind", "value"]
    assert list(pd.read_parquet(folder / "transfers.parquet").columns) == [
        "from",
        "to",
        "start_s",
        "end_s",
        "byte",
        "outcome",
    ]
    assert orbitfl.load(folder / "scenario.yaml") == scenario
    assert not list(folder.parent.glob(".*")), "something half-written was left"


def test_equal_seeds_give_equal_bytes(result: RunResult, scenario: Scenario, tmp_path: Path):
    again = folder_of(orbitfl.run(scenario, tmp_path / "again"))
    files = [path.relative_to(again) for path in again.rglob("*") if path.is_file() and path.name != "run.json"]
    assert len(files) > 40
    for path in files:
        assert (again / path).read_bytes() == (folder_of(result) / path).read_bytes(), path


def test_low_rank_updates_are_the_same_bytes_for_any_number_of_threads(asked: Callable[..., Scenario]):
    """From rank 8 on, what BLAS multiplies is large enough for it to share out."""
    scenario = asked("exchange.compressor={kind: low_rank, rank: 16}", "duration_s=2700")
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(orbitfl.run(scenario).records)
    pd.testing.assert_frame_equal(*found, check_exact=True)


def test_another_seed_gives_another_result(result: RunResult, scenario: Scenario):
    other = orbitfl.run(replace(scenario, seed=8, exchange=replace(scenario.exchange, controls=())))
    assert not np.array_equal(other.satellites().to_numpy(), result.satellites().to_numpy())


def test_everybody_starts_from_the_same_checkpoint(result: RunResult):
    starts = [run.satellites().iloc[0].to_numpy() for run in result.all_runs().values()]
    assert np.ptp(np.concatenate(starts)) == 0


def consensus(result: RunResult) -> float:
    return float(result.scores("consensus_distance").to_numpy()[-1, 0])


def test_gossip_draws_the_models_together(result: RunResult):
    assert 0 < consensus(result) < consensus(result.controls["isolated"])
    assert consensus(result.controls["centralised"]) == pytest.approx(0, abs=1e-4)


def test_average_checkpoint_is_the_mean_of_the_satellites_and_loads_anywhere(result: RunResult):
    folder = folder_of(result) / "checkpoints"
    satellites = [safetensors.numpy.load_file(folder / f"sat-{i}.safetensors") for i in range(8)]
    average = checkpoint.load(folder / "average.safetensors", "mobile_sam_nano")
    for name in satellites[0]:
        expected = np.mean([each[name] for each in satellites], axis=0)
        np.testing.assert_allclose(average[name].numpy(), expected, atol=1e-6)


def test_transfers_take_real_bytes_over_the_rate(result: RunResult):
    transfers = result.transfers
    size_byte = json.loads((folder_of(result) / "run.json").read_text())["update_byte"]
    assert len(transfers) and (transfers["byte"] == size_byte).all()
    np.testing.assert_allclose(transfers["end_s"] - transfers["start_s"], 8 * size_byte / 1e8)
    assert 1.2e6 < size_byte < 1.3e6, "616 960 numbers of two bytes and their names"


def test_every_joule_is_accounted_for(result: RunResult, scenario: Scenario):
    energy = result.energy
    for _, spells in energy.groupby("node"):
        gained_j = (spells["charged_j"] - spells["clipped_j"] - spells["consumed_j"]).to_numpy().sum()
        stored_j = scenario.environment.initial_charge * scenario.environment.battery_j + gained_j
        last = spells.iloc[-1]
        assert stored_j == pytest.approx(last["charge_end"] * scenario.environment.battery_j, rel=1e-9)
        assert last["end_s"] == scenario.duration_s
    training = energy.loc[energy["activity"] == "training"]
    np.testing.assert_allclose(training["consumed_j"], 30 * (training["end_s"] - training["start_s"]))


def test_dry_run_foresees_the_mission(result: RunResult, scenario: Scenario):
    foreseen = dry_run(scenario)
    steps = sum(each.steps for each in foreseen.happenings if isinstance(each, Session))
    assert steps == result.satellites("steps").to_numpy()[-1].sum()
    assert sum(spell.consumed_j for spell in foreseen.energy) == pytest.approx(result.energy["consumed_j"].sum())


def test_dry_run_of_a_strategy_that_never_learns_shows_no_session(scenario: Scenario):
    frozen = replace(scenario, exchange=replace(scenario.exchange, strategy=Frozen()))
    assert not [each for each in dry_run(frozen).happenings if isinstance(each, Session)]


def test_low_battery_stops_learning_and_is_recorded(scenario: Scenario):
    environment = replace(scenario.environment, initial_charge=0.15)
    short = replace(
        scenario, duration_s=600.0, environment=environment, exchange=replace(scenario.exchange, controls=())
    )
    result = orbitfl.run(short)
    assert "refused training: low charge" in set(result.records["kind"])
    assert result.satellites("steps").to_numpy()[-1].sum() == 0


def test_a_path_is_no_scenario():
    with pytest.raises(ScenarioError, match=r"'first_light.yaml' was given; read it with orbitfl.load first"):
        orbitfl.run("first_light.yaml")  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["first_light.yaml", Path("first_light.yaml"), {"name": "x"}, None])
def test_a_contact_plan_of_what_is_no_scenario_is_refused_with_the_remedy(given: object):
    with pytest.raises(ScenarioError, match=r"^contact_plan takes a scenario, but .* was given; read it with orbitfl"):
        orbitfl.contact_plan(given)  # pyright: ignore[reportArgumentType]


def test_taken_folder_is_refused_before_anything_runs(scenario: Scenario, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match="not empty"):
        orbitfl.run(scenario, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_failed_run_leaves_nothing(scenario: Scenario, tmp_path: Path):
    too_few = replace(scenario, data=replace(scenario.data, scenes=2))
    with pytest.raises(DataError, match="cannot be divided among 8 satellites"):
        orbitfl.run(too_few, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_bad_weights_are_told_before_scenes_are_made(scenario: Scenario, tmp_path: Path):
    (tmp_path / "cut.pt").write_bytes(b"PK")
    both_bad = replace(
        scenario,
        model=replace(scenario.model, weights=str(tmp_path / "cut.pt")),
        data=replace(scenario.data, scenes=2),
    )
    with pytest.raises(WeightsError, match=r"cut\.pt cannot be read"):
        orbitfl.run(both_bad)


def test_only_what_is_installed_has_a_version(result: RunResult, monkeypatch: pytest.MonkeyPatch):
    """PASEOS is optional, and a run without it must end as well as any other."""
    told = json.loads((folder_of(result) / "run.json").read_text())["versions"]
    assert told["torch"] == torch.__version__ and "nothing-of-that-name" not in told
    monkeypatch.setattr(folder_module, "VERSIONED", ("numpy", "nothing-of-that-name"))
    assert folder_module.versions().keys() == {"python", "numpy"}


def test_summary_and_figure(result: RunResult):
    summary = result.summary()
    assert list(summary.index) == ["gossip", "isolated", "centralised"]
    assert summary.loc["gossip", "exchanges"] == len(result.transfers) // 2
    assert len(result.plot().axes) == 3


def test_controls_that_cannot_relay_run_without(scenario: Scenario):
    """A relayed message would be counted twice by who merges at once; the strategy itself keeps its relays."""
    relaying = replace(scenario.exchange.transfer, relays=2)
    exchange = replace(scenario.exchange, strategy=Neighbourhood(), transfer=relaying, controls=("isolated", "gossip"))
    short = replace(scenario, duration_s=1800.0, exchange=exchange)
    result = orbitfl.run(short)
    assert list(result.summary().index) == ["neighbourhood", "isolated", "gossip"]
    relays = {name: run.scenario.exchange.transfer.relays for name, run in result.all_runs().items()}
    assert relays == {"neighbourhood": 2, "isolated": 0, "gossip": 0}
