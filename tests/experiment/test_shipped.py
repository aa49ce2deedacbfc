"""The shipped scenarios run, shortened: a few hours of mission instead of all."""

from pathlib import Path

import pytest

import orbitfl

SHORT = ("duration_s=2700", "evaluation.every_s=2700", "training.session_steps=2", "exchange.controls=[]")


@pytest.mark.parametrize("name", ["first_light", "esw_walker8"])
def test_runs(repository: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str):
    monkeypatch.setenv("ORBITFL_DATA", str(shared / "data/esw"))
    scenario = orbitfl.load(repository / f"constellations/{name}.yaml", SHORT)
    result = orbitfl.run(scenario, tmp_path / name)
    assert result.satellites().shape == (2, 8)
    assert result.transfers["outcome"].tolist() == ["done"] * 2 * 8 * 2
    assert (result.satellites("steps").to_numpy()[-1] == 6).all()


def test_the_flood_is_seen_mapped_and_compared_with_the_bent_pipe(
    repository: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("ORBITFL_DATA", str(shared / "data"))
    few = ("training.session_every_s=28800", "evaluation.every_s=216000", "exchange.controls=[frozen]")
    scenario = orbitfl.load(repository / "constellations/flood_response.yaml", few)
    result = orbitfl.run(scenario, tmp_path / "flood")
    maps = result.first_maps()
    assert list(maps.index) == ["gossip", "frozen", "bent pipe"]
    assert maps["maps"].min() >= 1
    # The map leaves with the first pass after inference; the raw image takes some minutes longer.
    assert maps.loc["gossip", "first map h"] < maps.loc["bent pipe", "first map h"]
