"""From a scene to its mask, against the network in torch and tile by tile."""

import json
import os
import resource
import signal
import subprocess
import sys
import tracemalloc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.features
import rasterio.warp
from numpy.typing import NDArray
from orbitfl_edge import segmenting
from orbitfl_edge.bundle import load
from orbitfl_edge.network import open_network
from orbitfl_edge.polygons import write_polygons
from orbitfl_edge.problems import PlaceError
from orbitfl_edge.products import geotiff, water_share, write_packed
from orbitfl_edge.work import alone
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.rpc import RPC

from orbitfl.data.product import unpacked
from orbitfl.export.parity import torch_logits
from orbitfl.models.checkpoint import load_model
from orbitfl.training.scores import confusion

TILE_PX = 64


def _read(path: Path) -> NDArray[np.uint8]:
    with rasterio.open(path) as file:
        return file.read(1)


def test_tiles_side_by_side_are_drawn_as_torch_draws_them(edge, write, colours, bundle: Path, taught: Path, tmp_path):
    scene, out = write(colours[:, :128, :128]), tmp_path / "mask.tif"
    assert edge("segment", scene, "-o", out, "--bundle", bundle, "--overlap-px", 0).code == 0
    model = load_model(taught, TILE_PX)
    expected = np.zeros((128, 128), bool)
    for row in (0, 64):
        for col in (0, 64):
            tile = np.moveaxis(colours[:, row : row + 64, col : col + 64], 0, -1)
            expected[row : row + 64, col : col + 64] = torch_logits(model, tile[None])[0] > 0
    assert 0.02 < expected.mean() < 0.98
    assert np.mean(_read(out) == expected) > 0.9998


def test_overlapping_tiles_are_means_weighted_by_their_ramps(edge, write, colours, bundle: Path, tmp_path: Path):
    scene, out = write(colours), tmp_path / "mask.tif"
    assert edge("segment", scene, "-o", out, "--bundle", bundle).code == 0
    network = open_network(load(bundle), 1)
    height, width = colours.shape[1:]
    total, weight = np.zeros((height, width)), np.zeros((height, width))
    ramp = np.minimum(1, (np.minimum(np.arange(64), np.arange(64)[::-1]) + 0.5) / 16)
    for row in [*range(0, height - 64, 48), height - 64]:
        for col in [*range(0, width - 64, 48), width - 64]:
            place = slice(row, row + 64), slice(col, col + 64)
            tile = np.moveaxis(colours[:, place[0], place[1]], 0, -1)
            total[place] += network.logits(tile[None])[0] * np.outer(ramp, ramp)
            weight[place] += np.outer(ramp, ramp)
    assert np.mean(_read(out) == (total / weight > 0)) > 0.9998


def test_the_mask_lies_where_the_scene_lies(edge, write, colours, bundle: Path, tmp_path: Path):
    scene, out = write(colours), tmp_path / "mask.tif"
    assert edge("segment", scene, "-o", out, "--bundle", bundle).code == 0
    with rasterio.open(out) as mask, rasterio.open(scene) as image:
        assert (mask.crs, mask.transform, mask.shape) == (image.crs, image.transform, image.shape)
        assert mask.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and mask.nodata == 255
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mask.tif", "scene.tif"]


def test_nodata_stays_unknown(edge, write, colours, bundle: Path, tmp_path: Path):
    values = colours.copy()
    values[:, 20:60, :90] = 0
    values[0, 100, 100] = 0  # A dark band alone is not a gap.
    out = tmp_path / "mask.tif"
    assert edge("segment", write(values, nodata=0), "-o", out, "--bundle", bundle).code == 0
    expected = np.zeros(values.shape[1:], bool)
    expected[(values == 0).all(axis=0)] = True
    np.testing.assert_array_equal(_read(out) == 255, expected)


def test_8_bit_colours_may_be_the_same_everywhere(edge, write, bundle: Path, tmp_path: Path):
    """Open sea is; colours mean the same in a scene of one colour as in any other."""
    out, sea = tmp_path / "mask.tif", np.stack([np.full((80, 80), colour, np.uint8) for colour in (20, 50, 90)])
    assert edge("segment", write(sea), "-o", out, "--bundle", bundle).code == 0
    expected = open_network(load(bundle), 1).logits(np.moveaxis(sea, 0, -1)[None, :64, :64])[0] > 0
    np.testing.assert_array_equal(_read(out)[:16, :16], expected[:16, :16])


@pytest.mark.parametrize("shape", [(30, 40), (64, 20), (10, 100), (1, 1)])
def test_a_scene_smaller_than_a_tile_has_a_mask(edge, write, colours, bundle: Path, tmp_path: Path, shape):
    out = tmp_path / "mask.tif"
    assert edge("segment", write(colours[:, : shape[0], : shape[1]]), "-o", out, "--bundle", bundle).code == 0
    mask = _read(out)
    assert mask.shape == shape and set(np.unique(mask)) <= {0, 1}


def test_a_scene_without_a_place_has_a_mask_without_one(edge, write, colours, bundle: Path, tmp_path: Path):
    out = tmp_path / "mask.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        scene = write(colours, crs=None, transform=None)
        assert edge("segment", scene, "-o", out, "--bundle", bundle).code == 0
        assert _read(out).shape == colours.shape[1:]
    ended = edge("segment", scene, "-o", out, "--bundle", bundle, "--vector", tmp_path / "mask.geojson")
    assert ended.code == 2 and "no coordinate system" in ended.err


POINTS = [
    GroundControlPoint(row, col, 600_000 + 10.1 * col, 6_800_000 - 9.9 * row, 12.5)
    for row in (0, 170)
    for col in (0, 75)
]
NUMBERS = [[float(number)] * 20 for number in range(4)]
MODEL = RPC(0, 1000, 1, 1, *NUMBERS[:2], 85, 85, 1, 1, *NUMBERS[2:], 75, 75, 0.5, 0.5)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "place",
    [
        {"gcps": POINTS, "crs": "EPSG:32720", "transform": None},
        {"gcps": POINTS, "crs": CRS(), "transform": None},
        {"rpcs": MODEL, "crs": None, "transform": None},
        {"rpcs": MODEL},
    ],
    ids=["control points", "without a system", "imaging model", "model and corner"],
)
def test_a_scene_as_it_was_taken_has_a_mask_in_the_same_place(
    edge, write, colours, bundle, tmp_path: Path, place: dict
):
    out = tmp_path / "mask.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        scene = write(colours, **place)
        assert edge("segment", scene, "-o", out, "--bundle", bundle).code == 0
        with rasterio.open(out) as mask, rasterio.open(scene) as image:
            assert (mask.crs, mask.transform, mask.rpcs) == (image.crs, image.transform, image.rpcs)
            assert [point.asdict() for point in mask.gcps[0]] == [point.asdict() for point in image.gcps[0]]
            assert mask.gcps[1] == image.gcps[1] and (mask.gcps[0] or mask.rpcs)
    if "crs" in place:
        ended = edge("segment", scene, "-o", out, "--bundle", bundle, "--vector", tmp_path / "mask.geojson")
        assert ended.code == 2 and "no coordinate system" in ended.err and "gdalwarp" in ended.err


def test_bands_can_be_given_by_number(edge, write, colours, bundle: Path, tmp_path: Path):
    named, numbered = tmp_path / "a.tif", tmp_path / "b.tif"
    assert edge("segment", write(colours), "-o", named, "--bundle", bundle).code == 0
    # GDAL takes a fourth band of 8 bits for alpha: nowhere 0, it hides nothing.
    turned = write(np.concatenate([colours[::-1], np.maximum(colours[:1], 1)]), "turned.tif", ())
    assert edge("segment", turned, "-o", numbered, "--bundle", bundle, "--bands", "3,2,1").code == 0
    np.testing.assert_array_equal(_read(named), _read(numbered))


def test_a_scene_in_grey_has_one_band_three_times(edge, write, colours, bundle: Path, tmp_path: Path):
    once, thrice = tmp_path / "a.tif", tmp_path / "b.tif"
    assert edge("segment", write(colours[:1], names=()), "-o", once, "--bundle", bundle, "--bands", "1,1,1").code == 0
    assert edge("segment", write(colours[[0, 0, 0]]), "-o", thrice, "--bundle", bundle).code == 0
    np.testing.assert_array_equal(_read(once), _read(thrice))


def test_products_tell_the_same_as_the_mask(edge, write, colours, bundle: Path, tmp_path: Path):
    out, vector, packed = (tmp_path / name for name in ("mask.tif", "mask.geojson", "mask.z"))
    words = ("--vector", vector, "--packed", packed)
    assert edge("segment", write(colours), "-o", out, "--bundle", bundle, *words).code == 0
    water = _read(out) == 1
    np.testing.assert_array_equal(unpacked(packed.read_bytes(), water.shape), water)
    features = json.loads(vector.read_text())["features"]
    with rasterio.open(out) as file:
        place = file.transform
        shapes = [rasterio.warp.transform_geom("EPSG:4326", file.crs, feature["geometry"]) for feature in features]
    drawn = rasterio.features.rasterize(shapes, water.shape, transform=place)
    assert np.mean((drawn == 1) == water) > 0.999
    assert all(
        -180 <= lon <= 180 and -90 <= lat <= 90 for f in features for lon, lat in f["geometry"]["coordinates"][0]
    )


class PowerLossError(Exception):
    pass


def test_a_loss_of_power_costs_one_row_of_tiles(edge, write, colours, bundle, tmp_path: Path, monkeypatch):
    scene, whole, out = write(colours), tmp_path / "whole.tif", tmp_path / "mask.tif"
    assert edge("segment", scene, "-o", whole, "--bundle", bundle).code == 0
    real, rows = segmenting._said, []

    def failing(*told: Any) -> NDArray[np.float32]:
        if len(rows) == 2:
            raise PowerLossError
        rows.append(1)
        return real(*told)

    monkeypatch.setattr(segmenting, "_said", failing)
    with pytest.raises(PowerLossError):
        edge("segment", scene, "-o", out, "--bundle", bundle)
    assert not out.exists()
    monkeypatch.setattr(segmenting, "_said", lambda *told: rows.append(2) or real(*told))
    assert edge("segment", scene, "-o", out, "--bundle", bundle).code == 0
    assert rows == [1, 1, 2, 2], "four rows of tiles, two of which were kept"
    np.testing.assert_array_equal(_read(out), _read(whole))


@pytest.mark.parametrize("change", ["options", "scene", "damage"])
def test_work_for_something_else_is_thrown_away(edge, write, colours, bundle, tmp_path: Path, monkeypatch, change: str):
    scene, out = write(colours), tmp_path / "mask.tif"
    real, calls = segmenting._said, []

    def failing(*told: Any) -> NDArray[np.float32]:
        calls.append(1)
        if len(calls) == 2:
            raise PowerLossError
        return real(*told)

    monkeypatch.setattr(segmenting, "_said", failing)
    with pytest.raises(PowerLossError):
        edge("segment", scene, "-o", out, "--bundle", bundle)
    if change == "scene":
        scene = write(colours[:, ::-1])
    if change == "damage":
        (tmp_path / ".mask.tif.work/carry-1.raw").write_bytes(b"no array")
    words = ("--overlap-px", 8) if change == "options" else ()
    assert edge("segment", scene, "-o", out, "--bundle", bundle, *words).code == 0
    monkeypatch.setattr(segmenting, "_said", real)
    assert edge("segment", scene, "-o", tmp_path / "anew.tif", "--bundle", bundle, *words).code == 0
    np.testing.assert_array_equal(_read(out), _read(tmp_path / "anew.tif"))


def _process(bundle: Path, *words: object, **options) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(bundle / "runtime"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-P", "-m", "orbitfl_edge", *map(str, words), "--bundle", str(bundle), "--threads", "1"]
    return subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
    )


def test_asked_to_stop_it_keeps_what_is_done(write, colours, bundle: Path, tmp_path: Path, edge):
    scene, out = write(np.tile(colours, (1, 12, 6))), tmp_path / "mask.tif"
    process = _process(bundle, "segment", scene, "-o", out)
    assert process.stderr is not None
    assert ": 1 of" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4 and "stopped" in err and not out.exists()
    assert json.loads((tmp_path / ".mask.tif.work/state.json").read_text())["tiles"] >= 1


@pytest.mark.parametrize(("full", "code"), [("stderr", 0), ("stdout", 3)])
def test_a_full_disk_behind_what_is_told_does_not_undo_the_mask(
    write, colours, bundle: Path, tmp_path: Path, full: str, code: int
):
    scene, out = write(colours), tmp_path / "mask.tif"
    words = [sys.executable, "-P", "-m", "orbitfl_edge", "segment", scene, "-o", out, "--bundle", bundle]
    environment = {**os.environ, "PYTHONPATH": str(bundle / "runtime"), "PYTHONDONTWRITEBYTECODE": "1"}
    with Path("/dev/full").open("w") as disk:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, full: disk}
        ended = subprocess.run(words, env=environment, text=True, **streams)
    assert ended.returncode == code and "Traceback" not in (ended.stderr or "")
    assert full == "stderr" or "/dev/stdout could not be written (No space" in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mask.tif", "scene.tif"]


def test_what_stdout_cannot_express_does_not_undo_the_mask(write, colours, bundle: Path, tmp_path: Path):
    words = [sys.executable, "-P", "-m", "orbitfl_edge", "segment", write(colours), "-o", tmp_path / "mask.tif"]
    environment = {**os.environ, "PYTHONPATH": str(bundle / "runtime"), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [*words, "--bundle", bundle], env={**environment, "PYTHONIOENCODING": "ascii"}, capture_output=True
    )
    assert ended.returncode == 0, ended.stderr
    assert b"mask.tif: 170 \\xd7 150 pixels" in ended.stdout


def test_two_processes_do_not_draw_one_mask(edge, write, colours, bundle: Path, tmp_path: Path):
    scene, out = write(colours), tmp_path / "mask.tif"
    with alone(out):
        second = edge("segment", scene, "-o", out, "--bundle", bundle)
    assert second.code == 2 and "Another process is drawing" in second.err
    assert edge("segment", scene, "-o", out, "--bundle", bundle).code == 0


def test_a_full_disk_is_told_and_the_work_kept(write, colours, bundle: Path, tmp_path: Path, edge):
    scene, out = write(np.tile(colours, (1, 3, 1))), tmp_path / "mask.tif"
    limit_byte = 150 * 130  # No file may be larger: enough for two rows of tiles.
    words = ("segment", scene, "-o", out)
    process = _process(
        bundle, *words, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_byte, limit_byte))
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert err.splitlines()[-1].startswith("orbitfl_edge: ") and "could not be written" in err and not out.exists()
    assert edge(*words, "--bundle", bundle).code == 0 and out.exists()


@contextmanager
def _no_file_larger_than(limit_byte: int) -> Iterator[None]:
    """As on a disk with this much space left."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_byte, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_at_any_byte_of_the_geotiff_is_told(write, colours, tmp_path: Path):
    mask = np.random.default_rng(0).integers(0, 2, (1100, 1200), np.uint8)
    out, folder = tmp_path / "mask.tif", tmp_path / "work"
    folder.mkdir()
    with rasterio.open(write(colours)) as like:
        for limit_byte in range(0, 290_000, 19_000):
            with (
                _no_file_larger_than(limit_byte),
                pytest.raises(PlaceError, match=r"mask\.tif could not be written"),
                geotiff(out, mask, like, folder),
            ):
                pass
            assert not out.exists() and not list(folder.iterdir()), "what cannot be used gives its space back"
        with geotiff(out, mask, like, folder):
            assert not out.exists()
    assert out.stat().st_size > 290_000
    np.testing.assert_array_equal(_read(out), mask)


def test_of_a_large_mask_no_copy_is_made(write, colours, tmp_path: Path):
    side_px = 6000
    (tmp_path / "mask.raw").write_bytes(bytes(side_px**2 // 2) + b"\1" * (side_px**2 // 2))
    mask = np.memmap(tmp_path / "mask.raw", np.uint8, "r", shape=(side_px, side_px))
    with rasterio.open(write(colours)) as like:
        tracemalloc.start()
        with geotiff(tmp_path / "mask.tif", mask, like, tmp_path) as drawn:
            assert write_polygons(tmp_path / "mask.geojson", drawn) == 1
        write_packed(tmp_path / "mask.z", mask)
        assert water_share(mask) == 0.5
        peak_byte = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak_byte < mask.size / 3


def test_the_mask_of_a_stopped_run_and_of_a_whole_one_agree_in_memory_too(bundle: Path):
    network = open_network(load(bundle), 1)
    tiles = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), np.uint8)
    together = network.logits(tiles)
    alone = np.concatenate([network.logits(tile[None]) for tile in tiles])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_on_real_scenes_it_scores_as_torch_does(edge, shared: Path, bundle: Path, taught: Path, tmp_path: Path):
    model, folder = load_model(taught, TILE_PX), shared / "data/esw/val"
    theirs, own = [], []
    for name in sorted(path.name for path in (folder / "images").iterdir())[:2]:
        with rasterio.open(folder / "images" / name) as file:
            colours = file.read(window=((0, 256), (0, 256)))
            # Without its lossy compression, which would change what is compared.
            profile = file.profile | {"width": 256, "height": 256, "compress": "deflate", "photometric": "RGB"}
            names = file.descriptions
        with rasterio.open(tmp_path / name, "w", **profile) as file:
            file.write(colours)
            file.descriptions = names
        with rasterio.open(folder / "masks" / name) as file:
            truth = file.read(1, window=((0, 256), (0, 256)))
        out = tmp_path / f"mask-{name}"
        assert edge("segment", tmp_path / name, "-o", out, "--bundle", bundle, "--overlap-px", 0).code == 0
        tiles = np.moveaxis(colours, 0, -1).reshape(4, 64, 4, 64, 3).swapaxes(1, 2).reshape(16, 64, 64, 3)
        drawn = (torch_logits(model, tiles) > 0).reshape(4, 4, 64, 64).swapaxes(1, 2).reshape(256, 256)
        theirs.append(confusion(drawn, truth))
        own.append(confusion(_read(out) == 1, truth))
    assert (own[0] + own[1]).miou == pytest.approx((theirs[0] + theirs[1]).miou, abs=0.1)
