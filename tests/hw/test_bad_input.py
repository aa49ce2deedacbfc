"""One clear sentence and exit code 2 for everything that cannot be used, and nothing half-written."""

import ctypes
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import rasterio
from numpy.typing import NDArray
from orbitfl_edge.checking import write_mask
from orbitfl_edge.lineage import statement
from orbitfl_edge.problems import EdgeError
from orbitfl_edge.scene import require_small_pieces
from orbitfl_edge.tensors import packed_anew
from rasterio import Affine
from rasterio.control import GroundControlPoint

from orbitfl.data.writing import write_scenes

Write = Callable[..., Path]


def _truncated(write: Write, colours: NDArray) -> Path:
    path = write(colours)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def _text(write: Write, colours: NDArray) -> Path:
    path = write(colours)
    path.write_text("no scene")
    return path


def _loop(write: Write, colours: NDArray) -> Path:
    path = write(colours).with_name("loop.tif")
    path.symlink_to(path)
    return path


def _named_in_latin_1(write: Write, colours: NDArray) -> Path:
    path = write(colours)
    path.write_bytes(path.read_bytes().replace(b"B04", b"B\xe94"))
    return path


def _called_in_latin_1(write: Write, colours: NDArray) -> Path:
    path = write(colours)
    return path.rename(path.with_name(os.fsdecode(b"sc\xe8ne.tif")))


SCENES: dict[str, tuple[Callable[[Write, NDArray], Path], str]] = {
    "a link to itself": (_loop, "There is no scene"),
    "called in Latin-1": (_called_in_latin_1, "not a name in UTF-8"),
    "missing": (lambda write, colours: write(colours).with_name("none.tif"), "There is no scene"),
    "no GeoTIFF": (_text, "damaged or no GeoTIFF"),
    "truncated": (_truncated, "damaged or"),
    "names in Latin-1": (_named_in_latin_1, "names of bands that are not UTF-8; say with --bands"),
    "other bands": (lambda write, colours: write(colours, names=("B08", "B11", "B12")), "has no band B04, B03, B02"),
    "no names": (lambda write, colours: write(np.concatenate([colours, colours]), names=()), "6 bands without names"),
    "blue first": (
        lambda write, colours: write(colours, names=(), photometric="MINISBLACK", colours=("blue", "green", "red")),
        "red, green and blue in this order",
    ),
    "all nodata": (lambda write, colours: write(np.zeros_like(colours), nodata=0), "has no valid pixel"),
    "one number": (lambda write, colours: write(np.full_like(colours, 90, np.uint16)), "nothing to stretch"),
    "one pixel": (lambda write, colours: write(colours[:, :1, :1].astype(np.float32)), "nothing to stretch"),
    "black": (lambda write, colours: write(np.zeros_like(colours)), "no number above 0"),
    "0 to 1": (lambda write, colours: write((colours > 90).astype(np.uint8)), "no number above 1"),
    "too wide": (lambda write, colours: write(np.full((3, 1, 2**18 + 1), 90, np.uint8)), "262145 pixels wide"),
    "64-bit": (lambda write, colours: write(colours.astype(np.float64)), "holds float64"),
    "rotated": (
        lambda write, colours: write(colours, transform=Affine.rotation(20) @ Affine.scale(10, -10)),
        "is rotated",
    ),
}


@pytest.mark.parametrize("case", SCENES)
def test_a_scene_that_cannot_be_used(edge, write, colours, bundle: Path, tmp_path: Path, case: str):
    make, told = SCENES[case]
    scene, out = make(write, colours), tmp_path / "out" / "mask.tif"
    ended = edge("segment", scene, "-o", out, "--bundle", bundle)
    assert ended.code == 2 and told in ended.err, ended.err
    assert len([line for line in ended.err.splitlines() if line.startswith("orbitfl_edge: ")]) == 1
    assert not (tmp_path / "out").exists()


def test_names_in_latin_1_do_no_harm_where_bands_have_numbers(edge, write, colours, bundle: Path, tmp_path: Path):
    named, numbered = tmp_path / "a.tif", tmp_path / "b.tif"
    assert edge("segment", write(colours), "-o", named, "--bundle", bundle).code == 0
    scene, words = _named_in_latin_1(write, colours), ("--bands", "1,2,3")
    assert edge("segment", scene, "-o", numbered, "--bundle", bundle, *words).code == 0
    with rasterio.open(named) as one, rasterio.open(numbered) as other:
        np.testing.assert_array_equal(one.read(1), other.read(1))


POINTS = [GroundControlPoint(row, col, 600_000 + 10 * col, 6_800_000) for row, col in ((0, 0), (0, 9), (9, 0))]


@pytest.mark.parametrize("place", [{}, {"gcps": POINTS, "transform": None}], ids=["corner", "control points"])
def test_a_place_that_gdal_cannot_read_is_refused(
    edge, write, colours, bundle: Path, tmp_path: Path, with_damaged_place, place: dict
):
    scene = write(colours, "images/a.tif", **place)
    with_damaged_place(write(colours[:1] // 128, "masks/a.tif", ("water",), **place))
    learnt = edge("learn", tmp_path, "-o", tmp_path / "u", "--bundle", bundle)
    assert learnt.code == 2 and "a.tif" in learnt.err and learnt.err.count("\n") == 1, learnt.err
    drawn = edge("segment", with_damaged_place(scene), "-o", tmp_path / "mask.tif", "--bundle", bundle)
    assert drawn.code == 2 and "is damaged" in drawn.err, drawn.err


@pytest.mark.parametrize(("interleave", "bands"), [("pixel", 3), ("band", 1)])
def test_a_scene_in_one_strip_beyond_memory_is_refused(
    edge, write, colours, bundle: Path, tmp_path: Path, monkeypatch, interleave: str, bands: int
):
    strip = {"blockysize": colours.shape[1], "interleave": interleave, "compress": "deflate"}
    words = ("segment", write(colours, **strip), "-o", tmp_path / "mask.tif", "--bundle", bundle)
    strip_byte = bands * colours[0].size
    monkeypatch.setattr("orbitfl_edge.scene.LARGEST_BLOCK_BYTE", strip_byte - 1)
    ended = edge(*words)
    assert ended.code == 2 and f"{strip_byte} bytes" in ended.err and "gdal_translate -co TILED=YES" in ended.err
    monkeypatch.setattr("orbitfl_edge.scene.LARGEST_BLOCK_BYTE", strip_byte)
    assert edge(*words).code == 0


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_so_is_a_mask_of_one_strip_beside_it(edge, write, colours, bundle: Path, tmp_path: Path, monkeypatch):
    path = write(np.tile(colours, (1, 2, 1)), blockysize=1)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as file:
        file.write_mask(np.full(file.shape, 255, np.uint8))
    with rasterio.open(f"{path}.msk") as mask:
        strip_byte = int(np.prod(mask.block_shapes[0]))
    words = ("segment", path, "-o", tmp_path / "mask.tif", "--bundle", bundle)
    monkeypatch.setattr("orbitfl_edge.scene.LARGEST_BLOCK_BYTE", strip_byte - 1)
    ended = edge(*words)
    assert ended.code == 2 and f"scene.tif.msk is stored in pieces of {strip_byte} bytes" in ended.err, ended.err
    monkeypatch.setattr("orbitfl_edge.scene.LARGEST_BLOCK_BYTE", strip_byte)
    assert edge(*words).code == 0


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_and_every_further_image_of_a_file(write, colours, monkeypatch):
    path = write(colours, tiled=True, blockxsize=16, blockysize=16)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.write_mask(np.full(file.shape, 255, np.uint8))
    monkeypatch.setattr("orbitfl_edge.scene.LARGEST_BLOCK_BYTE", 16 * 16)
    require_small_pieces(path)
    monkeypatch.setattr("orbitfl_edge.scene.LARGEST_BLOCK_BYTE", 16 * 16 - 1)
    with pytest.raises(EdgeError, match="pieces of 256 bytes"):
        require_small_pieces(path)


def test_a_mask_behind_many_images_is_not_looked_for(edge, write, colours, bundle: Path, tmp_path: Path, monkeypatch):
    path = write(colours)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.write_mask(np.full(colours.shape[1:], 255, np.uint8))
        file.build_overviews([2])
    words = ("segment", path, "-o", tmp_path / "mask.tif", "--bundle", bundle)
    monkeypatch.setattr("orbitfl_edge.scene.MOST_DIRECTORIES", 4)
    ended = edge(*words)
    assert ended.code == 2 and "has a mask and 4 images or more" in ended.err, ended.err
    monkeypatch.setattr("orbitfl_edge.scene.MOST_DIRECTORIES", 5)
    assert edge(*words).code == 0


VIRTUAL_MASK = """<VRTDataset rasterXSize="150" rasterYSize="170"><Metadata>
<MDI key="INTERNAL_MASK_FLAGS_1">2</MDI><MDI key="INTERNAL_MASK_FLAGS_2">2</MDI><MDI key="INTERNAL_MASK_FLAGS_3">2</MDI>
</Metadata><VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename>{}</SourceFilename></SimpleSource>
</VRTRasterBand></VRTDataset>"""


@pytest.mark.parametrize("ending", [".msk", ".MSK"])
def test_a_mask_beside_the_scene_points_to_nothing_else(
    edge, write, colours, bundle: Path, tmp_path: Path, ending: str
):
    hidden = write(np.zeros((1, 170, 150), np.uint8), "elsewhere.tif", ())
    scene = write(colours, "images/a.tif")
    truth = write(colours[:1] // 128, "masks/a.tif", ("water",))
    for path, words in ((scene, ("segment", scene)), (truth, ("learn", tmp_path))):
        beside = path.with_name(f"a.tif{ending}")
        beside.write_text(VIRTUAL_MASK.format(hidden))
        ended = edge(*words, "-o", tmp_path / "out", "--bundle", bundle)
        assert ended.code == 2 and f"{beside} is damaged or no GeoTIFF, as the mask" in ended.err, ended.err
        beside.unlink()
        beside.with_name("A.TIF.Msk").write_text(VIRTUAL_MASK.format(hidden))
        assert edge(*words, "-o", tmp_path / "out", "--bundle", bundle).code == 0


def test_a_model_beside_the_scene_that_is_none_is_told_of(edge, write, colours, bundle: Path, tmp_path: Path):
    scene = write(colours)
    scene.with_name("scene_RPC.TXT").write_text("x" * 2000)
    ended = edge("segment", scene, "-o", tmp_path / "mask.tif", "--bundle", bundle)
    assert ended.code == 2 and "is damaged" in ended.err and ended.err.count("\n") == 1, ended.err


def test_a_place_that_no_geotiff_holds_is_refused_before_anything_is_drawn(
    edge, write, colours, bundle: Path, tmp_path: Path
):
    scene = write(colours, crs="+proj=ob_tran +o_proj=longlat +o_lon_p=0 +o_lat_p=39.25 +lon_0=18")
    assert scene.with_name("scene.tif.aux.xml").exists()
    ended = edge("segment", scene, "-o", tmp_path / "mask.tif", "--bundle", bundle)
    assert ended.code == 2 and "gdalwarp -t_srs" in ended.err, ended.err
    assert "1 of" not in ended.err and not (tmp_path / "mask.tif").exists()


def test_numbers_of_a_palette_are_no_colours(edge, write, colours, bundle: Path, tmp_path: Path):
    scene = write(colours[:1], names=())
    with rasterio.open(scene, "r+") as file:
        file.write_colormap(1, {number: (number, 0, 0, 255) for number in range(256)})
    ended = edge("segment", scene, "-o", tmp_path / "m.tif", "--bundle", bundle, "--bands", "1,1,1")
    assert ended.code == 2 and "gdal_translate -expand rgb" in ended.err, ended.err


@pytest.mark.parametrize("bands", ["0,1,2", "1,2,4"])
def test_a_band_number_that_is_not_there(edge, write, colours, bundle: Path, tmp_path: Path, bands: str):
    ended = edge("segment", write(colours), "-o", tmp_path / "mask.tif", "--bundle", bundle, "--bands", bands)
    assert ended.code == 2 and "has no band number" in ended.err


OPTIONS = {
    ("--bands", "1,2"): "'1,2' was given where three numbers of bands are expected",
    ("--bands", "1,2,3,4"): "three numbers of bands",
    ("--bands", "a,b,c"): "'a,b,c' was given",
    ("--bands", "1,,3"): "three numbers of bands",
    ("--bands", f"{'9' * 5000},1,1"): "three numbers of bands",
    ("--threads", "0"): "1 to 256 is expected",
    ("--threads", "100000"): "'100000' was given where 1 to 256 is expected",
    ("--threads", "all"): "'all' was given",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_says_nothing_is_refused(edge, capsys, option: tuple[str, str]):
    with pytest.raises(SystemExit, match="2"):
        edge("segment", "scene.tif", "-o", "mask.tif", "--bundle", "bundle", *option)
    assert OPTIONS[option] in capsys.readouterr().err.splitlines()[-1]


@pytest.fixture
def copied(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "copied"))


def _edit(folder: Path, change: Callable[[dict], None]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _changed_byte(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return change


def _bytecode(folder: Path) -> None:
    place = folder / "runtime/orbitfl_edge/__pycache__"
    place.mkdir()
    (place / "commands.cpython-311.pyc").write_bytes(b"hostile")


PROOF = {"size_byte": 1, "sha256": "0" * 64}


def _say(folder: Path, told: str, instead: str) -> None:
    text = (folder / "manifest.json").read_text()
    assert text.count(told) == 1
    (folder / "manifest.json").write_text(text.replace(told, instead))


def _vouch(folder: Path, *names: str) -> None:
    """Let the manifest say what is there."""
    for name in names:
        content = (folder / name).read_bytes()
        proof = {"size_byte": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        _edit(folder, lambda told, name=name, proof=proof: told["files"].update({name: proof}))


def _swapped(folder: Path) -> None:
    encoder, decoder = folder / "encoder.onnx", folder / "decoder.onnx"
    content = encoder.read_bytes()
    decoder.replace(encoder)
    decoder.write_bytes(content)
    _vouch(folder, "encoder.onnx", "decoder.onnx")


def _answered(folder: Path, name: str, kind: int, operator: str, **options: Any) -> None:
    """Let the decoder's answer `name`, of type `kind`, go through one more node."""
    model = onnx.load(folder / "decoder.onnx", load_external_data=False)
    for each in model.graph.node:
        for names in (each.input, each.output):
            names[:] = [f"{name}_before" if given == name else given for given in names]
    model.graph.node.append(onnx.helper.make_node(operator, [f"{name}_before"], [name], **options))
    answers = [each for each in model.graph.output if each.name != name]
    del model.graph.output[:]
    model.graph.output.extend([*answers, onnx.helper.make_tensor_value_info(name, kind, None)])
    (folder / "decoder.onnx").write_bytes(model.SerializeToString())
    _vouch(folder, "decoder.onnx")


def _turned(folder: Path) -> None:
    """The decoder's file tells two sides of a kernel the other way round."""
    path = folder / "decoder.safetensors"
    content, told = path.read_bytes(), b'"mask_decoder.output_upscaling.0.weight":{"dtype":"F32","shape":['
    place = content.index(told) + len(told)
    sides, rest = content[place:].split(b"]", 1)
    wide, fine, *others = sides.split(b",")
    path.write_bytes(content[:place] + b",".join([fine, wide, *others]) + b"]" + rest)
    _vouch(folder, "decoder.safetensors")


def _drawn(folder: Path, bands: int, side_px: int, dtype: str) -> None:
    profile = {"count": bands, "height": side_px, "width": side_px, "dtype": dtype, "transform": Affine.scale(2)}
    with rasterio.open(folder / "test/scene.tif", "w", driver="GTiff", **profile) as file:
        file.write(np.zeros((bands, side_px, side_px), dtype))
    _vouch(folder, "test/scene.tif")


def _dug(folder: Path) -> None:
    """Deeper than a path may be long."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("a" * 200, dir_fd=here)
        inner = os.open("a" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def _linked(folder: Path) -> None:
    (folder / "manifest.json").rename(folder.parent / "manifest.json")
    (folder / "manifest.json").symlink_to(folder.parent / "manifest.json")


def _piped(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


def _device(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").symlink_to("/dev/zero")


BUNDLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "no readable bundle"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "no readable bundle"),
    "manifest no JSON": (lambda folder: (folder / "manifest.json").write_text("{"), "is not JSON"),
    "manifest too long": (lambda folder: (folder / "manifest.json").write_text(" " * 2**21), "is larger than"),
    "other format": (lambda folder: _edit(folder, lambda told: told.update(format="x")), "is not orbitfl-bundle-1"),
    "no graphs named": (lambda folder: _edit(folder, lambda told: told.update(files={})), "does not name the files"),
    "outside": (
        lambda folder: _edit(folder, lambda told: told["files"].update({"../secret": {}})),
        "does not name the files",
    ),
    "no input": (lambda folder: _edit(folder, lambda told: told.pop("input")), "does not say how scenes"),
    "huge tiles": (
        lambda folder: _edit(folder, lambda told: told["input"].update(tile_px=10**9)),
        "does not say how scenes",
    ),
    "endless tiles": (lambda folder: _say(folder, '"tile_px": 64', '"tile_px": 1e999'), "does not say how scenes"),
    "tiles of NaN": (lambda folder: _say(folder, '"tile_px": 64', '"tile_px": NaN'), "is not JSON"),
    "tiles of 64.5 px": (lambda folder: _say(folder, '"tile_px": 64', '"tile_px": 64.5'), "does not say how scenes"),
    "endless mean": (lambda folder: _edit(folder, lambda told: told["input"].update(mean=[1e308] * 3)), "how scenes"),
    "a mean of texts": (lambda folder: _edit(folder, lambda told: told["input"].update(mean="abc")), "how scenes"),
    "deviation of 0": (
        lambda folder: _edit(folder, lambda told: told["input"].update(deviation=[1e-300] * 3)),
        "how scenes",
    ),
    "channels that move a terminal": (
        lambda folder: _edit(folder, lambda told: told["input"].update(channels=["\x1b[2J", "B03", "B02"])),
        "how scenes",
    ),
    "no variant": (lambda folder: _edit(folder, lambda told: told["model"].pop("variant")), "how scenes"),
    "no hash": (
        lambda folder: _edit(folder, lambda told: told["files"]["test/mask.tif"].pop("sha256")),
        "does not name the files",
    ),
    "no proof": (
        lambda folder: _edit(folder, lambda told: told["files"].update({"test/mask.tif": [1]})),
        "does not name the files",
    ),
    "a long name": (
        lambda folder: _edit(folder, lambda told: told["files"].update({"x" * 300: PROOF})),
        "does not name the files",
    ),
    "NUL in a name": (
        lambda folder: _edit(folder, lambda told: told["files"].update({"x\0y": PROOF})),
        "does not name the files",
    ),
    "half a character in a name": (
        lambda folder: _edit(folder, lambda told: told["files"].update({"\ud800": PROOF})),
        "does not name the files",
    ),
    "updates that are none": (lambda folder: _edit(folder, lambda told: told.update(updates=5)), "what the bundle is"),
    "evidence that is none": (lambda folder: _edit(folder, lambda told: told.update(evidence="x")), "what the bundle"),
    "nested deeply": (
        lambda folder: _say(folder, '"updates": []', f'"updates": [{{"x": {"[" * 500}{"]" * 500}}}]'),
        "what the bundle is",
    ),
    "manifest a link": (_linked, "is a link"),
    "manifest a pipe": (_piped, "no readable bundle"),
    "manifest a device": (_device, "no readable bundle"),
    "signature a device": (lambda folder: (folder / "manifest.sig").symlink_to("/dev/zero"), "no readable signature"),
    "signature too long": (lambda folder: (folder / "manifest.sig").write_bytes(b"0" * 65), "larger than 64 bytes"),
    "other tiles": (lambda folder: _say(folder, '"tile_px": 64', '"tile_px": 96'), "do not take 2 tiles of 96 px"),
    "other images": (lambda folder: _say(folder, '"image_px": 64', '"image_px": 96'), "seen at 96 px, as its manifest"),
    "other batches": (lambda folder: _say(folder, '"batch_size": 2', '"batch_size": 3'), "do not take 3 tiles"),
    "graphs changed places": (_swapped, "do not take 2 tiles"),
    "too large a test scene": (lambda folder: _drawn(folder, 3, 65, "uint8"), "is not of 3 bands of 8 bits"),
    "a test scene of one band": (lambda folder: _drawn(folder, 1, 64, "uint8"), "is not of 3 bands of 8 bits"),
    "a test scene of 16 bits": (lambda folder: _drawn(folder, 3, 64, "uint16"), "is not of 3 bands of 8 bits"),
    "missing file": (lambda folder: (folder / "decoder.safetensors").unlink(), "decoder.safetensors is missing"),
    "strange file": (lambda folder: (folder / "more.py").write_text(""), "holds more.py"),
    "strange folder": (lambda folder: (folder / "runtime/numpy").mkdir(), "holds runtime/numpy"),
    "dug too deep": (_dug, "holds aaa"),
    "bytecode": (_bytecode, "start Python with -B"),
    "link to a folder": (lambda folder: (folder / "numpy").symlink_to(folder / "test"), "holds numpy"),
    "changed encoder": (_changed_byte("encoder.onnx"), "a byte has changed"),
    "changed weights": (_changed_byte("decoder.safetensors"), "a byte has changed"),
    "changed runtime": (_changed_byte("runtime/orbitfl_edge/network.py"), "a byte has changed"),
}


FLOAT, STRING = onnx.TensorProto.FLOAT, onnx.TensorProto.STRING
UNTAUGHT: dict[str, tuple[Callable[[Path], None], str]] = {
    "cells turned": (
        lambda folder: _answered(folder, "cells", FLOAT, "Transpose", perm=[0, 2, 1]),
        "answer with cells",
    ),
    "filters turned": (lambda folder: _answered(folder, "filters", FLOAT, "Transpose", perm=[1, 0]), "and filters of"),
    "cells flat": (lambda folder: _answered(folder, "cells", FLOAT, "Flatten"), "answers 2 tiles with cells of (2, "),
    "one cell": (lambda folder: _answered(folder, "cells", FLOAT, "ReduceMax", keepdims=0), "with cells of ()"),
    "cells of texts": (lambda folder: _answered(folder, "cells", STRING, "Cast", to=STRING), "do not take 2 tiles"),
    "weights turned": (_turned, "does not draw masks of"),
}


@pytest.mark.parametrize("case", UNTAUGHT)
def test_a_bundle_whose_parts_do_not_fit_teaches_nothing(edge, copied: Path, tmp_path: Path, case: str):
    change, told = UNTAUGHT[case]
    change(copied)
    write_scenes(tmp_path / "scenes", 1, 21, 128)
    ended = edge("learn", tmp_path / "scenes", "--bundle", copied, "-o", tmp_path / "update", "--steps", 1)
    assert ended.code == 2 and told in ended.err, ended.err
    assert not (tmp_path / "update").exists()


def test_an_archive_is_to_be_unpacked(edge, bundle: Path):
    ended = edge("verify", "--bundle", bundle.with_name(f"{bundle.name}.tar"))
    assert ended.code == 2 and "unpack it first" in ended.err, ended.err


@pytest.mark.parametrize("case", BUNDLES)
def test_a_bundle_that_is_not_whole(edge, copied: Path, case: str):
    change, told = BUNDLES[case]
    change(copied)
    ended = edge("verify", "--bundle", copied)
    assert ended.code == 2 and told in ended.err, ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("case", ["no manifest", "manifest too long", "manifest a pipe", "manifest a device"])
def test_a_key_is_not_asked_of_what_is_no_manifest(edge, copied: Path, tmp_path: Path, case: str):
    (tmp_path / "key.pub").write_text("0" * 64)
    (copied / "manifest.sig").write_bytes(b"0" * 64)
    BUNDLES[case][0](copied)
    ended = edge("verify", "--bundle", copied, "--key", tmp_path / "key.pub")
    assert ended.code == 2 and ended.err.count("\n") == 1, ended.err


KEYS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda key: None, "no readable key"),
    "a folder": (lambda key: key.mkdir(), "no readable key"),
    "a pipe": (os.mkfifo, "no readable key"),
    "a device": (lambda key: key.symlink_to("/dev/zero"), "no readable key"),
    "too long": (lambda key: key.write_text("0" * 2**20), "is larger than"),
    "no hex": (lambda key: key.write_text("key"), "expected 64 hex digits"),
    "no text": (lambda key: key.write_bytes(b"\xff" * 64), "expected 64 hex digits"),
    "half a key": (lambda key: key.write_text("0" * 32), "holds 16 bytes"),
}


@pytest.mark.parametrize("case", KEYS)
def test_what_is_no_key(edge, copied: Path, tmp_path: Path, case: str):
    make, told = KEYS[case]
    make(tmp_path / "key.pub")
    (copied / "manifest.sig").write_bytes(b"0" * 64)
    ended = edge("verify", "--bundle", copied, "--key", tmp_path / "key.pub")
    assert ended.code == 2 and told in ended.err and ended.err.count("\n") == 1, ended.err


def test_a_whole_bundle_is_said_to_be(edge, copied: Path):
    ended = edge("verify", "--bundle", copied)
    assert ended.code == 0 and "100.000 % of pixels" in ended.out
    assert ended.out.splitlines()[1] == hashlib.sha256((copied / "manifest.json").read_bytes()).hexdigest()


def test_a_bundle_that_draws_otherwise_is_refused(edge, copied: Path):
    """As a machine would whose arithmetic is wrong: the expected mask is another, and the manifest knows it."""
    write_mask(copied / "test/mask.tif", np.ones((64, 64), np.uint8))
    _vouch(copied, "test/mask.tif")
    ended = edge("verify", "--bundle", copied)
    assert ended.code == 2 and "of its test scene" in ended.err


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_network_that_answers_with_no_numbers_draws_no_mask(
    edge, write, colours, copied, tmp_path: Path, number: float
):
    """It would be all land."""
    weights = copied / "decoder.safetensors"
    content = bytearray(weights.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    content[start:] = np.full((len(content) - start) // 4, number, np.float32).tobytes()
    weights.write_bytes(content)
    _vouch(copied, "decoder.safetensors")
    ended = edge("segment", write(colours), "-o", tmp_path / "mask.tif", "--bundle", copied)
    assert ended.code == 2 and "NaN or infinity" in ended.err, ended.err
    assert not (tmp_path / "mask.tif").exists()


def test_the_mask_does_not_take_the_scenes_place(edge, write, colours, bundle: Path):
    scene = write(colours)
    before = scene.read_bytes()
    ended = edge("segment", scene, "-o", scene, "--bundle", bundle)
    assert ended.code == 2 and "which is only read" in ended.err and scene.read_bytes() == before


@pytest.mark.parametrize("option", ["--vector", "--packed"])
def test_no_output_takes_the_place_of_what_was_given(edge, write, colours, bundle: Path, tmp_path: Path, option: str):
    scene, mask = write(colours), tmp_path / "mask.tif"
    given = {path: path.read_bytes() for path in (scene, bundle / "manifest.json")}
    for place in (*given, mask):
        ended = edge("segment", scene, "-o", mask, "--bundle", bundle, option, place)
        assert ended.code == 2 and ("choose another place" in ended.err or "another name" in ended.err)
    assert not mask.exists() and {path: path.read_bytes() for path in given} == given


PLACES = {
    "nothing": lambda folder: "",
    "here": lambda folder: ".",
    "a folder": lambda folder: folder / "folder",
    "below a file": lambda folder: folder / "file/mask.tif",
    "far below a file": lambda folder: folder / "file/more/mask.tif",
    "too long": lambda folder: folder / ("m" * 250),
    "too long a folder": lambda folder: folder / "new" / ("m" * 256) / "mask.tif",
    "far too long": lambda folder: folder / "/".join(["m" * 200] * 30),
    "a device": lambda folder: "/dev/null",
    "a pipe": lambda folder: folder / "pipe",
    "not UTF-8": lambda folder: folder / "m\udcff.tif",
}
PLACES_OF_THE_MASK = {
    "below it": lambda folder: folder / "a.tif/more.z",
    "in its work": lambda folder: folder / ".a.tif.work/more.z",
    "its lock": lambda folder: folder / ".a.tif.lock",
}


@pytest.mark.parametrize(
    ("case", "option"),
    [(case, option) for case in PLACES for option in ("-o", "--vector", "--packed")]
    + [(case, option) for case in PLACES_OF_THE_MASK for option in ("--vector", "--packed")],
)
def test_no_output_goes_where_no_file_can_be(edge, tmp_path: Path, bundle: Path, case: str, option: str):
    """Which is told before the scene is looked for."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    there = set(tmp_path.rglob("*"))
    others = {"-o": tmp_path / "a.tif", "--vector": tmp_path / "b.geojson", "--packed": tmp_path / "c.z"}
    outputs = others | {option: (PLACES | PLACES_OF_THE_MASK)[case](tmp_path)}
    words = [word for pair in outputs.items() for word in pair]
    ended = edge("segment", tmp_path / "none.tif", "--bundle", bundle, *words)
    assert ended.code == 2 and "There is no scene" not in ended.err, ended.err
    assert ended.err.count("\n") == 1 and set(tmp_path.rglob("*")) == there


def test_a_name_may_be_as_long_as_the_disk_takes(edge, write, colours, bundle: Path, tmp_path: Path):
    scene, out = write(colours, "s" * 251 + ".tif"), tmp_path / ("m" * 249)
    assert edge("segment", scene, "-o", out, "--bundle", bundle).code == 0 and out.is_file()


@pytest.mark.parametrize("command", ["learn", "bench", "apply-update"])
@pytest.mark.parametrize("place", ["", "..", "file/x", "folder", "x" * 250, "x" * 300 + "/y", "copied/x", "m\udcff"])
def test_what_can_never_be_written_is_no_fault_of_the_place(
    edge, copied: Path, tmp_path: Path, monkeypatch, command: str, place: str
):
    """A watchdog would try again after exit code 3."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    words = {"learn": ["data"], "bench": ["--watts", "1"], "apply-update": [_empty_update(copied, tmp_path)]}[command]
    ended = edge(command, *words, "--bundle", "copied", "-o", place)
    assert ended.code == 2 and ended.err.count("\n") == 1, ended.err
    assert not list(tmp_path.rglob(".*part"))


def test_a_bundle_in_a_folder_that_onnxruntime_cannot_open_is_refused(edge, copied: Path):
    folder = copied.rename(copied.with_name("b\udcff"))
    ended = edge("verify", "--bundle", folder)
    assert ended.code == 2 and "b\\udcff' is not a name in UTF-8" in ended.err, ended.err


def _bound_by_modes() -> None:
    """Root, too: without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH after the next exec (PR_CAPBSET_DROP is 24)."""
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def _by_modes(repository: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "orbitfl_edge", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(repository / "hw"), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=_bound_by_modes,
        capture_output=True,
        text=True,
    )


def test_a_folder_that_others_alone_may_enter_is_told_of(repository: Path, copied: Path):
    (copied / "runtime").chmod(0)
    ended = _by_modes(repository, "verify", "--bundle", copied, "--files-only")
    (copied / "runtime").chmod(0o755)
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1, ended.stderr
    assert "cannot be reached (Permission denied)" in ended.stderr


@pytest.mark.parametrize(
    ("name", "told"), [("runtime/numpy", "holds runtime/numpy"), ("runtime/orbitfl_edge", "looked")]
)
def test_code_in_a_folder_that_may_not_be_listed_is_told_of(repository: Path, copied: Path, name: str, told: str):
    """Python imports from it all the same."""
    folder = copied / name
    folder.mkdir(exist_ok=True)
    (folder / "json.py").write_text("hostile")
    folder.chmod(0o311)
    ended = _by_modes(repository, "verify", "--bundle", copied, "--files-only")
    folder.chmod(0o755)
    assert ended.returncode == 2 and told in ended.stderr and ended.stderr.count("\n") == 1, ended.stderr


@pytest.mark.parametrize("command", ["segment", "info", "learn"])
def test_a_path_too_long_to_ask_about_is_told_of(edge, bundle: Path, tmp_path: Path, command: str):
    far = tmp_path / ("x" * 300)
    words = {
        "segment": [far, "-o", tmp_path / "mask.tif", "--bundle", bundle],
        "info": ["--bundle", far],
        "learn": [tmp_path, "-o", tmp_path / "u", "--bundle", far],
    }[command]
    ended = edge(command, *words)
    assert ended.code == 2 and "cannot be reached (File name too long)" in ended.err, ended.err
    assert ended.err.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_bundle_that_nobody_may_write_can_be_updated(repository: Path, copied: Path, tmp_path: Path):
    words = ["apply-update", _empty_update(copied, tmp_path), "--bundle", copied, "-o", tmp_path / "next"]
    folders = [copied, *(path for path in copied.rglob("*") if path.is_dir())]
    for path in (*folders, *copied.rglob("*.*")):
        path.chmod(0o555)
    ended = _by_modes(repository, *words)
    for path in folders:
        path.chmod(0o755)
    assert ended.returncode == 0, ended.stderr
    assert not list(tmp_path.glob(".next*"))


def _empty_update(bundle: Path, folder: Path) -> Path:
    manifest = json.loads((bundle / "manifest.json").read_text())
    text = statement(manifest, manifest["files"]["decoder.safetensors"]["sha256"])
    (folder / "update").write_bytes(packed_anew({}, {"orbitfl": json.dumps({"statement": text})}))
    return folder / "update"


def test_a_reader_that_leaves_stops_the_work_in_silence(repository: Path, bundle: Path):
    """As `orbitfl_edge info … | head` does."""
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-P", "-m", "orbitfl_edge", "info", "--bundle", str(bundle)]
    told = subprocess.run(
        words, stdout=write, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(repository / "hw")}
    )
    os.close(write)
    assert (told.returncode, told.stderr) == (4, b"")
