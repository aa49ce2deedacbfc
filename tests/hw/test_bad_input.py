"""One clear sentence and exit code 2 for everything that cannot be used, and nothing half-written."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from orbitfl_edge.checking import write_mask
from rasterio import Affine

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


SCENES: dict[str, tuple[Callable[[Write, NDArray], Path], str]] = {
    "missing": (lambda write, colours: write(colours).with_name("none.tif"), "There is no scene"),
    "no GeoTIFF": (_text, "damaged or no GeoTIFF"),
    "truncated": (_truncated, "damaged or"),
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


BUNDLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "no readable bundle"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "no readable bundle"),
    "manifest no JSON": (lambda folder: (folder / "manifest.json").write_text("{"), "is no JSON"),
    "manifest too long": (lambda folder: (folder / "manifest.json").write_text(" " * 2**21), "is larger than"),
    "other format": (lambda folder: _edit(folder, lambda told: told.update(format="x")), "is no orbitfl-bundle-1"),
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
    "missing file": (lambda folder: (folder / "decoder.safetensors").unlink(), "decoder.safetensors is missing"),
    "strange file": (lambda folder: (folder / "more.py").write_text(""), "holds more.py"),
    "bytecode": (_bytecode, "start Python with -B"),
    "link to a folder": (lambda folder: (folder / "numpy").symlink_to(folder / "test"), "holds numpy"),
    "changed encoder": (_changed_byte("encoder.onnx"), "a byte has changed"),
    "changed weights": (_changed_byte("decoder.safetensors"), "a byte has changed"),
    "changed runtime": (_changed_byte("runtime/orbitfl_edge/network.py"), "a byte has changed"),
}


@pytest.mark.parametrize("case", BUNDLES)
def test_a_bundle_that_is_not_whole(edge, copied: Path, case: str):
    change, told = BUNDLES[case]
    change(copied)
    ended = edge("verify", "--bundle", copied)
    assert ended.code == 2 and told in ended.err, ended.err
    assert ended.err.count("\n") == 1


def test_a_whole_bundle_is_said_to_be(edge, copied: Path):
    ended = edge("verify", "--bundle", copied)
    assert ended.code == 0 and "100.000 % of pixels" in ended.out


def _vouch(folder: Path, name: str) -> None:
    """Let the manifest name the file as it is now."""
    content = (folder / name).read_bytes()
    proof = {"size_byte": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    _edit(folder, lambda told: told["files"].update({name: proof}))


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
    assert ended.code == 2 and "is the scene itself" in ended.err and scene.read_bytes() == before


@pytest.mark.parametrize("option", ["--vector", "--packed"])
def test_no_output_takes_the_place_of_what_was_given(edge, write, colours, bundle: Path, tmp_path: Path, option: str):
    scene, mask = write(colours), tmp_path / "mask.tif"
    given = {path: path.read_bytes() for path in (scene, bundle / "manifest.json")}
    for place in (*given, mask):
        ended = edge("segment", scene, "-o", mask, "--bundle", bundle, option, place)
        assert (ended.code == 2 and "choose another folder" in ended.err) or "another name" in ended.err
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
    out = tmp_path / ("m" * 249)
    assert edge("segment", write(colours), "-o", out, "--bundle", bundle).code == 0 and out.is_file()


def test_a_reader_that_leaves_stops_the_work_in_silence(repository: Path, bundle: Path):
    """As `orbitfl_edge info … | head` does."""
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "orbitfl_edge", "info", "--bundle", str(bundle)]
    told = subprocess.run(
        words, stdout=write, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(repository / "hw")}
    )
    os.close(write)
    assert (told.returncode, told.stderr) == (4, b"")
