"""The shipped scenarios run, shortened: less of the mission, in smaller pictures."""

from pathlib import Path

import pytest

import orbitfl

SHORT = (
    "duration_s=2700",
    "model.image_px=64",
    "evaluation.every_s=2700",
    "training.session_steps=2",
    "exchange.controls=[]",
)


@pytest.mark.parametrize(
    ("name", "satellites", "transfers"), [("first_light", 8, 32), ("esw_walker8", 8, 32), ("study", 16, 116)]
)
def test_runs(
    repository: Path,
    shared: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    satellites: int,
    transfers: int,
):
    monkeypatch.setenv("ORBITFL_DATA", str(shared / "data/esw"))
    scenario = orbitfl.load(repository / f"constellations/{name}.yaml", SHORT)
    result = orbitfl.run(scenario, tmp_path / name)
    assert result.satellites().shape == (2, satellites)
    assert result.transfers["outcome"].tolist() == ["done"] * transfers
    assert (result.satellites("steps").to_numpy()[-1] == 6).all()


def test_the_flood_is_seen_mapped_and_compared_with_the_bent_pipe(
    repository: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("ORBITFL_DATA", str(shared / "data"))
    few = (
        "training.session_every_s=28800",
        "model.image_px=64",
        "exchange.min_interval_s=43200",
        "exchange.controls=[frozen]",
        f"data.path={shared}/data/esw/val",
        "evaluation.data={kind: synthetic, scenes: 1, size_px: 64, tile_px: 64}",
    )
    scenario = orbitfl.load(repository / "constellations/flood_response.yaml", few)
    result = orbitfl.run(scenario, tmp_path / "flood")
    maps = result.first_maps()
    assert list(maps.index) == ["gossip", "frozen", "bent pipe"]
    assert maps["maps"].to_numpy().min() >= 1
    # The map leaves with the first pass after inference; the raw image takes some minutes longer.
    first_h = maps["first map h"].to_dict()
    assert first_h["gossip"] < first_h["bent pipe"]
