"""What is in a bundle, and what stops one from being made."""

import hashlib
import json
import math
import shutil
import tarfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
import rasterio
import safetensors.numpy
import torch
from orbitfl_edge.bundle import load as load_board
from orbitfl_edge.checking import check_drawing
from orbitfl_edge.network import open_network
from rasterio.errors import NotGeoreferencedWarning

from orbitfl.data.loading import load
from orbitfl.data.options import SyntheticData
from orbitfl.data.tiles import content_hash
from orbitfl.data.writing import write_scenes
from orbitfl.errors import OrbitflError, StorageError, WeightsError
from orbitfl.export import weights
from orbitfl.export.appraisal import appraise_bundle
from orbitfl.export.bundle import Exported, Options, export
from orbitfl.export.parity import compared
from orbitfl.export.reading import read_bundle
from orbitfl.export.runtime import call
from orbitfl.export.source import Source, find
from orbitfl.files import cache_folder
from orbitfl.training.scores import confusion

DRAWN = SyntheticData(scenes=2, size_px=128, tile_px=64, seed=5)
LEARNT = SyntheticData(scenes=3, size_px=128, tile_px=64, seed=0)


@pytest.fixture
def source(taught: Path) -> Source:
    return replace(find(str(taught), 64), evaluation=DRAWN, tile_px=64)


def _silent(what: str, done: int, total: int) -> None:
    pass


def test_the_manifest_tells_every_byte(bundle: Path):
    manifest = json.loads((bundle / "manifest.json").read_text())
    present = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert present == manifest["files"].keys() | {"manifest.json"}
    for name, told in manifest["files"].items():
        content = (bundle / name).read_bytes()
        assert told == {"size_byte": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_the_evidence_is_of_torch_on_the_same_tiles(bundle: Path):
    (shipped,) = json.loads((bundle / "manifest.json").read_text())["evidence"]["variants"]
    assert shipped["equal_percent"] > 99.99 and shipped["largest_difference"] < 1e-3
    assert shipped["miou"] == pytest.approx(shipped["miou_torch"], abs=0.01)
    assert shipped["miou_torch"] > 50, "the taught network has to see something, or nothing is compared"


def test_the_archive_holds_the_folder(bundle: Path):
    with tarfile.open(f"{bundle}.tar") as archive:
        held = {entry.name: archive.extractfile(entry) for entry in archive.getmembers()}
        for path in bundle.rglob("*"):
            if path.is_file():
                file = held[f"{bundle.name}/{path.relative_to(bundle).as_posix()}"]
                assert file is not None and file.read() == path.read_bytes()


def test_the_test_scene_holds_water_and_land(bundle: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(bundle / "test/mask.tif") as file:
            assert set(np.unique(file.read(1))) == {0, 1}


@pytest.fixture(scope="module")
def small(taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The taught network as int8, four tiles at a time."""
    source = replace(find(str(taught), 64), evaluation=DRAWN, calibration=LEARNT)
    options = Options(quantize="int8", batch_size=4, repeats=1)
    return export(source, tmp_path_factory.mktemp("int8") / "small", options, _silent)


def test_int8_ships_with_a_table_of_what_was_tried(small: Exported):
    tried = [each["variant"] for each in small.manifest["evidence"]["variants"]]
    assert tried == ["fp32", "weights_fp16", "weights_int8", "dynamic_s8", "static_s8", "mixed_s8"]
    assert small.shipped.name == "mixed_s8" and abs(small.shipped.parity.loss) < 1
    read_bundle(small.folder)


def test_int8_is_calibrated_on_what_was_learnt_from_not_on_what_is_scored(small: Exported):
    evidence = small.manifest["evidence"]
    learnt, scored = (load(data, cache_folder()) for data in (LEARNT, DRAWN))
    assert evidence["calibration"]["tiles"] == len(learnt)
    assert evidence["calibration"]["tiles_sha256"] == content_hash(learnt) != content_hash(scored)
    assert evidence["tiles_sha256"] == content_hash(scored)


def test_int8_draws_its_own_test_scene(small: Exported):
    """Which the board draws alone, and int8 finds one scale for all tiles of a batch."""
    assert check_drawing(load_board(small.folder), 1) == 100


def test_an_int8_bundle_learns_and_takes_the_update(small: Exported, tmp_path: Path):
    lessons, update, out = tmp_path / "lessons", tmp_path / "update.safetensors", tmp_path / "next"
    write_scenes(lessons, 2, 3, 128)
    call(["learn", lessons, "-o", update, "--bundle", small.folder, "--steps", "4"])
    call(["apply-update", update, "--bundle", small.folder, "-o", out])
    told = call(["verify", "--bundle", out])
    assert "100.000 % of pixels as expected" in told


def test_a_loss_beyond_what_is_allowed_ships_nothing(source: Source, tmp_path: Path):
    with pytest.raises(WeightsError, match=r"INT8 costs this network .* points of mIoU"):
        export(source, tmp_path / "out", Options(quantize="int8", most_loss=-100, repeats=1), _silent)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_a_network_that_answers_nan_ships_nothing(source: Source, tmp_path: Path, quantize):
    """Though all its numbers are finite, and its graphs draw all land, as torch does."""
    with torch.no_grad():
        for name, value in source.model.mask_decoder.named_parameters():
            if name.startswith("transformer"):
                value.fill_(1e30)
    with pytest.raises(WeightsError, match="network answers with NaN or infinity"):
        export(source, tmp_path / "out", Options(quantize=quantize, repeats=1), _silent)
    assert not list(tmp_path.iterdir())


def test_a_decoder_beyond_half_precision_is_not_stored_in_it(source: Source, tmp_path: Path):
    with torch.no_grad():
        source.model.mask_decoder.iou_token.weight[0, 0] = 1e6
    with pytest.raises(WeightsError, match=r"iou_token.weight is beyond half precision, in which --quantize"):
        export(source, tmp_path / "out", Options(quantize="int8", repeats=1), _silent)
    assert not list(tmp_path.iterdir())


def test_a_bundle_that_answers_nan_is_not_scored(bundle: Path, tmp_path: Path):
    sick = Path(shutil.copytree(bundle, tmp_path / "sick"))
    base = (sick / "decoder.safetensors").read_bytes()
    content, places = bytearray(base), weights.places(base)
    for name, value in safetensors.numpy.load(base).items():
        if "transformer" in name:
            content[slice(*places[name])] = np.full(value.shape, 1e30, np.float32).tobytes()
    (sick / "decoder.safetensors").write_bytes(content)
    manifest = json.loads((sick / "manifest.json").read_text())
    manifest["files"]["decoder.safetensors"]["sha256"] = hashlib.sha256(content).hexdigest()
    (sick / "manifest.json").write_text(json.dumps(manifest))
    write_scenes(tmp_path / "scenes", 1, 3, 128)
    with pytest.raises(OrbitflError, match="answers with NaN or infinity"):
        appraise_bundle(sick, tmp_path / "scenes", "all", cache_folder(), _silent)


LYING = """
<ir_version: 9, opset_import: ["": 17]>
lying (float[2, 128, 4, 4] embedding, float[2, N, 2] points, int64[2, N] labels)
    => (float[2, 64, 64] logits, float[1] cells, float[1] filters)
{
    one = Constant<value = int64[1] {1}>()
    of_points = Shape(points)
    of_labels = Shape(labels)
    all = Concat<axis = 0>(of_points, of_labels)
    places = NonZero(all)
    first = Constant<value = int64[1] {0}>()
    three = Squeeze(places, first)
    shape = Min(three, one)
    at_least = Max(shape, one)
    logits = ConstantOfShape<value = float[1] {1}>(at_least)
    cells = Constant<value = float[1] {0}>()
    filters = Constant<value = float[1] {0}>()
}
"""
"""A decoder that says it answers whole tiles, and answers one number."""


def _any_batch(folder: Path) -> None:
    encoder = onnx.load(folder / "encoder.onnx")
    encoder.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.save(encoder, folder / "encoder.onnx")


def _written(text: str, path: Path) -> None:
    onnx.save(onnx.parser.parse_model(text), path)


def _constant(given: str) -> str:
    """An encoder that takes `given` and says one thing."""
    return f"""<ir_version: 9, opset_import: ["": 17]> constant ({given}) => (float[1] embedding)
        {{ embedding = Constant<value = float[1] {{0}}>() }}"""


def _huge(folder: Path) -> None:
    _written(_constant("float[2, 3, 60000, 60000] image"), folder / "encoder.onnx")


def _without_input(folder: Path) -> None:
    _written(_constant(""), folder / "encoder.onnx")


def _lying(folder: Path) -> None:
    _written(LYING, folder / "decoder.onnx")


def _failing(folder: Path) -> None:
    _written(LYING.replace("Max(shape, one)", "Reshape(one, three)"), folder / "decoder.onnx")


def _forged(bundle: Path, folder: Path, change: Callable[[Path], None], **told: object) -> Path:
    """A bundle whose manifest vouches for what was changed."""
    change(Path(shutil.copytree(bundle, folder)))
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in ("encoder.onnx", "decoder.onnx"):
        content = (folder / name).read_bytes()
        manifest["files"][name] = {"size_byte": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest["input"].update(told)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_any_batch, "do not take 2 tiles of 64 px"),
        (_huge, "do not take 2 tiles of 64 px"),
        (_without_input, "do not take 2 tiles of 64 px"),
        (_lying, r"with \(1, 1, 1\) numbers"),
        (_failing, "cannot compute"),
    ],
)
def test_graphs_that_do_not_fit_their_manifest_are_not_scored_nor_drawn_with(
    bundle: Path, tmp_path: Path, change: Callable[[Path], None], told: str
):
    forged = _forged(bundle, tmp_path / "forged", change)
    write_scenes(tmp_path / "scenes", 1, 3, 128)
    with pytest.raises(OrbitflError, match=told):
        appraise_bundle(forged, tmp_path / "scenes", "all", cache_folder(), _silent)
    scene = min((tmp_path / "scenes/images").iterdir())
    with pytest.raises(OrbitflError, match=told):
        call(["segment", scene, "-o", tmp_path / "mask.tif", "--bundle", forged])


def test_a_bundle_is_scored_as_its_board_draws_with_the_colours_that_it_says(bundle: Path, tmp_path: Path):
    other = _forged(bundle, tmp_path / "other", lambda folder: None, mean=[90, 20, 30], deviation=[40, 50, 200])
    write_scenes(tmp_path / "scenes", 2, 3, 128)
    plain, scored = (
        appraise_bundle(each, tmp_path / "scenes", "all", cache_folder(), _silent) for each in (bundle, other)
    )
    network = open_network(load_board(other), 1)
    drawn = confusion(network.logits(scored.tiles.images) > 0, scored.tiles.masks)
    assert scored.counts.miou == pytest.approx(drawn.miou, abs=0.01) != pytest.approx(plain.counts.miou, abs=0.5)


def test_the_same_network_exported_again_goes_on_with_the_same_work(source: Source, bundle: Path, tmp_path: Path):
    """Its manifest holds other timings."""
    folders = [export(source, tmp_path / name, Options(repeats=1), _silent).folder for name in "ab"]
    one, again = map(load_board, folders)
    assert one.network == again.network != load_board(bundle).network
    assert one.fingerprint != again.fingerprint


def test_what_is_not_finite_is_told_as_none(small: Exported):
    told = replace(small.shipped.parity, largest_difference=math.inf, miou=math.nan).told()
    assert told["largest_difference"] is None and told["miou"] is None and told["miou_torch"] is not None


def test_an_overlap_beyond_half_a_tile_is_refused(source: Source, tmp_path: Path):
    with pytest.raises(OrbitflError, match="overlap-px is 33"):
        export(source, tmp_path / "out", Options(overlap_px=33), _silent)


def test_a_bundle_does_not_take_the_place_of_another(source: Source, bundle: Path):
    with pytest.raises(StorageError, match=r"bundle\.tar exists"):
        export(source, bundle, Options(), _silent)


def test_parity_counts_what_differs():
    reference = np.array([[[1.0, -1.0], [2.0, -3.0]]], np.float32)
    given = np.array([[[1.0, 1.0], [2.0, -3.0]]], np.float32)
    found = compared(reference, given, np.array([[[1, 0], [1, 255]]], np.uint8))
    assert found.equal_percent == 75 and found.largest_difference == 2
    assert found.miou_torch == 100 and found.miou == pytest.approx((200 / 3 + 0) / 2)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path):
    with pytest.raises(OrbitflError, match="no readable bundle"):
        read_bundle(tmp_path)
