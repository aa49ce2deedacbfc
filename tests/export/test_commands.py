"""`orbitfl export`, `segment` and `evaluate --bundle`, as a user types them."""

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
import rasterio
from rasterio import Affine

from orbitfl.cli import main
from orbitfl.data.product import unpacked
from orbitfl.experiment.result import RunResult
from orbitfl.export.runtime import call


@pytest.fixture
def orbitfl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["orbitfl", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return call


@pytest.fixture
def scenes(orbitfl, tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    assert orbitfl("data", "synth", "--out", folder, "--scenes", 2, "--size-px", 128, "--seed", 3)[0] == 0
    return folder


def test_a_run_becomes_a_bundle_that_says_where_it_comes_from(orbitfl, repository: Path, tiny, tmp_path: Path):
    words = [word for each in (*tiny, "exchange.controls=[]", "data.bands=true_color") for word in ("--set", each)]
    run = tmp_path / "run"
    words += ["--set", "evaluation.data.bands=true_color"]
    assert orbitfl("run", repository / "constellations/first_light.yaml", "--out", run, *words)[0] == 0
    code, out, err = orbitfl("export", run, "--out", tmp_path / "bundle", "--json")
    assert code == 0, err
    manifest = json.loads(out)
    history = manifest["provenance"]["run"]
    assert history["lineage"]["average_of"] == [f"sat-{number}" for number in range(8)]
    assert history["seed"] == 7 and history["strategy"] == "gossip" and history["evaluation"]["miou"] > 0
    assert manifest["model"]["image_px"] == 64 and manifest["input"]["tile_px"] == 64
    (shipped,) = manifest["evidence"]["variants"]
    assert shipped["miou"] == pytest.approx(history["evaluation"]["miou"], abs=0.1)
    assert orbitfl("data", "synth", "--out", tmp_path / "exam", "--scenes", 4, "--size-px", 128, "--seed", 2)[0] == 0
    code, out, err = orbitfl("evaluate", "--checkpoint", run, "--data", tmp_path / "exam", "--json")
    assert code == 0, err
    assert json.loads(out)["miou"] == pytest.approx(history["evaluation"]["miou"], abs=1e-9)
    satellite, shown = run / "checkpoints" / "sat-3.safetensors", ("--image-px", 64, "--tile-px", 64, "--json")
    code, out, err = orbitfl("evaluate", "--checkpoint", satellite, "--data", tmp_path / "exam", *shown)
    assert code == 0, err
    scores = RunResult.from_folder(run).scores()
    assert json.loads(out)["miou"] == pytest.approx(scores["sat-3"].to_numpy()[-1], abs=1e-9)


def test_a_bundle_overwrites_neither_folder_nor_archive(orbitfl, taught: Path, tmp_path: Path):
    (tmp_path / "bundle.tar").write_bytes(b"of somebody")
    code, _, err = orbitfl("export", taught, "--out", tmp_path / "bundle", "--image-px", 64)
    assert code == 2 and "bundle.tar exists" in err
    assert (tmp_path / "bundle.tar").read_bytes() == b"of somebody" and not (tmp_path / "bundle").exists()


def test_a_network_that_sees_no_water_is_told_of(orbitfl, tmp_path: Path):
    code, out, err = orbitfl("export", "nano-base", "--out", tmp_path / "bundle", "--image-px", 64)
    assert code == 0, err
    assert "calls every pixel land" in out
    (variant,) = json.loads((tmp_path / "bundle" / "manifest.json").read_text())["evidence"]["variants"]
    assert variant["water_percent"] == 0


def test_a_network_of_no_pixels_is_refused(orbitfl, tmp_path: Path):
    code, _, err = orbitfl("export", "nano-base", "--out", tmp_path / "bundle", "--image-px", 0)
    assert code == 2 and "0" in err and not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("option", [("--quantize", "int8"), ("--image-px", 64), ("--threads", 2), ("--json",)])
def test_what_says_nothing_about_an_update_is_refused(orbitfl, taught: Path, bundle: Path, tmp_path: Path, option):
    out = tmp_path / "u.safetensors"
    code, _, err = orbitfl("export", taught, "--update-for", bundle, "--out", out, *option)
    assert code == 2 and f"{option[0]} says nothing about --update-for" in err
    assert not out.exists()


@pytest.mark.parametrize("out", ["", "..", "x" * 250, "file/x"])
def test_what_is_no_name_for_a_bundle_is_refused(orbitfl, taught: Path, tmp_path: Path, monkeypatch, out: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    code, _, err = orbitfl("export", taught, "--image-px", 64, "--out", out)
    assert code == 2 and len(err.splitlines()) <= 2, err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def _without_encoder(folder: Path, manifest: dict) -> None:
    del manifest["model"]["encoder_sha256"]


def _without_numbers(folder: Path, manifest: dict) -> None:
    (folder / "decoder.safetensors").write_bytes(b"none")
    proof = {"size_byte": 4, "sha256": hashlib.sha256(b"none").hexdigest()}
    manifest["files"]["decoder.safetensors"] = proof


@pytest.mark.parametrize(
    ("change", "told"), [(_without_encoder, "encoder is not that of"), (_without_numbers, "is not a safetensors file")]
)
def test_no_update_is_made_for_a_bundle_that_is_none(
    orbitfl, taught: Path, bundle: Path, tmp_path: Path, change: Callable[[Path, dict], None], told: str
):
    folder, out = Path(shutil.copytree(bundle, tmp_path / "bundle")), tmp_path / "u.safetensors"
    manifest = json.loads((folder / "manifest.json").read_text())
    change(folder, manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    code, _, err = orbitfl("export", taught, "--update-for", folder, "--out", out)
    assert code == 2 and told in err and not out.exists(), err


@pytest.mark.parametrize("out", ["", ".", "taught.safetensors", "bundle/decoder.safetensors", "bundle/new", "key"])
def test_an_update_overwrites_nothing_that_it_is_made_from(
    orbitfl, taught: Path, bundle: Path, tmp_path: Path, monkeypatch, out: str
):
    shutil.copy(taught, tmp_path / "taught.safetensors")
    shutil.copytree(bundle, tmp_path / "bundle")
    (tmp_path / "key").write_text("01" * 32)
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, _, err = orbitfl("export", "taught.safetensors", "--update-for", "bundle", "--out", out, "--sign", "key")
    assert code == 2 and err.count("\n") == 1, err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("bundle", "would lie in bundle"),
        ("bundle/key", "would lie in bundle"),
        ("bundle.tar", "would lie in bundle.tar"),
        ("words", "words is not a key"),
        ("others", "others.pub is not the public half"),
        ("half", "holds 16 bytes"),
        ("long", "long is not a key"),
        ("", "cannot be the name of a key"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_before_the_work(
    orbitfl, taught: Path, tmp_path: Path, monkeypatch, key: str, told: str
):
    monkeypatch.chdir(tmp_path)
    given = {"words": "no key", "others.pub": "ssh-ed25519 AAAA", "half": "01" * 16, "long": "0" * 10**6}
    for name, content in given.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setattr("orbitfl.export.bundle.graphs", None)
    code, _, err = orbitfl("export", taught, "--image-px", 64, "--out", "bundle", "--sign", key)
    assert code == 2 and told in err, err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == given


def test_the_fingerprint_on_the_ground_is_the_one_on_board(orbitfl, taught: Path, tmp_path: Path):
    """And an update is signed with the key of its bundle."""
    out, update, key = tmp_path / "bundle", tmp_path / "u.safetensors", tmp_path / "key"
    code, told, err = orbitfl("export", taught, "--out", out, "--image-px", 64, "--sign", key)
    assert code == 0, err
    assert call(["verify", "--bundle", out]).splitlines()[1] in told
    assert orbitfl("export", taught, "--update-for", out, "--out", update, "--sign", key)[0] == 0
    signed = ("--key", f"{key}.pub")
    call(["apply-update", update, "--bundle", out, "-o", tmp_path / "next", *signed])
    call(["verify", "--bundle", tmp_path / "next", "--files-only", *signed])


def test_a_bundle_scores_as_its_checkpoint(orbitfl, scenes: Path, taught: Path, bundle: Path):
    of = ("--data", scenes, "--tile-px", 64, "--json")
    _, plain, _ = orbitfl("evaluate", "--checkpoint", taught, "--image-px", 64, *of)
    code, bundled, err = orbitfl("evaluate", "--bundle", bundle, "--data", scenes, "--json")
    assert code == 0, err
    assert json.loads(bundled)["miou"] == pytest.approx(json.loads(plain)["miou"], abs=0.05)
    assert json.loads(bundled)["data"]["sha256"] == json.loads(plain)["data"]["sha256"]


def test_nothing_that_lies_in_a_bundle_is_run_to_check_it(orbitfl, bundle: Path, tmp_path: Path, monkeypatch):
    folder = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    (folder / "json.py").write_text(f"open({str(tmp_path / 'was run')!r}, 'w')")
    monkeypatch.chdir(folder)
    code, _, err = orbitfl("evaluate", "--bundle", ".", "--data", tmp_path)
    assert code == 2 and "holds json.py" in err, err
    assert not (tmp_path / "was run").exists()


@pytest.mark.parametrize("option", [("--image-px", 64), ("--prompt", "box"), ("--bands", "swir"), ("--tile-px", 32)])
def test_what_a_bundle_settles_cannot_be_chosen(orbitfl, scenes: Path, bundle: Path, option: tuple):
    code, _, err = orbitfl("evaluate", "--bundle", bundle, "--data", scenes, *option)
    assert code == 2 and option[0] in err


def test_a_checkpoint_and_its_bundle_draw_one_mask(orbitfl, scenes: Path, taught: Path, bundle: Path, tmp_path: Path):
    scene = min((scenes / "images").iterdir())
    for name, by in (("a", ("--bundle", bundle)), ("b", ("--checkpoint", taught, "--image-px", 64))):
        code, _, err = orbitfl("segment", scene, "--out", tmp_path / f"{name}.tif", *by)
        assert code == 0, err
    masks = [rasterio.open(tmp_path / f"{name}.tif").read(1) for name in "ab"]
    np.testing.assert_array_equal(*masks)


def test_segment_gives_the_runtime_its_options(orbitfl, scenes: Path, bundle: Path, tmp_path: Path):
    scene, out = min((scenes / "images").iterdir()), tmp_path / "mask.tif"
    with rasterio.open(scene) as file:
        names = [file.descriptions[number] for number in (0, 1, 2)]
    numbers = ",".join(str(names.index(name) + 1) for name in ("B04", "B03", "B02"))
    plain, packed, vector = tmp_path / "plain.tif", tmp_path / "mask.z", tmp_path / "mask.geojson"
    of = ("--bundle", bundle, "--overlap-px", 0)
    assert orbitfl("segment", scene, "--out", plain, *of)[0] == 0
    code, told, err = orbitfl(
        "segment", scene, "--out", out, *of, "--bands", numbers, "--packed", packed, "--vector", vector
    )
    assert code == 0, err
    assert f"{packed}: {packed.stat().st_size} bytes" in told and json.loads(vector.read_text())["features"]
    with rasterio.open(plain) as one, rasterio.open(out) as other:
        np.testing.assert_array_equal(one.read(1), other.read(1))
        np.testing.assert_array_equal(unpacked(packed.read_bytes(), other.shape), other.read(1) == 1)
    code, _, err = orbitfl("segment", scene, "--out", out, "--bundle", bundle, "--overlap-px", 33)
    assert code == 2 and "half a tile" in err


def test_segment_draws_with_a_bundle_that_is_signed(orbitfl, scenes: Path, taught: Path, bundle: Path, tmp_path: Path):
    scene, out, signed = min((scenes / "images").iterdir()), tmp_path / "mask.tif", tmp_path / "signed"
    assert orbitfl("export", taught, "--out", signed, "--image-px", 64, "--sign", tmp_path / "key")[0] == 0
    by = ("--key", tmp_path / "key.pub")
    code, _, err = orbitfl("segment", scene, "--out", out, "--bundle", signed, *by)
    assert code == 0, err
    code, _, err = orbitfl("segment", scene, "--out", out, "--bundle", bundle, *by)
    assert code == 2 and "sign" in err
    code, _, err = orbitfl("segment", scene, "--out", out, "--checkpoint", taught, *by)
    assert code == 2 and "--key says nothing about --checkpoint" in err


def test_segment_finds_a_checkpoints_bands_by_number(orbitfl, scenes: Path, taught: Path, tmp_path: Path):
    scene, masks = min((scenes / "images").iterdir()), []
    turned = tmp_path / "turned.tif"
    with rasterio.open(scene) as file:
        places = [file.descriptions.index(name) + 1 for name in ("B02", "B03", "B04")]
        with rasterio.open(turned, "w", **{**file.profile, "count": 3}) as other:
            other.write(file.read(places))
    for path, words in ((scene, ()), (turned, ("--bands", "3,2,1"))):
        out = tmp_path / f"of-{path.name}"
        code, _, err = orbitfl("segment", path, "--out", out, "--checkpoint", taught, "--image-px", 64, *words)
        assert code == 0, err
        with rasterio.open(out) as mask:
            masks.append(mask.read(1))
    np.testing.assert_array_equal(*masks)


def test_segment_of_a_checkpoint_asked_to_stop_leaves_no_bundle_and_goes_on_where_it_was(
    orbitfl, taught: Path, tmp_path: Path
):
    scene, out, scratch = tmp_path / "scene.tif", tmp_path / "mask.tif", tmp_path / "scratch"
    scratch.mkdir()
    side = {"count": 3, "height": 3000, "width": 500, "dtype": "uint8", "crs": "EPSG:32632"}
    with rasterio.open(scene, "w", driver="GTiff", transform=Affine(10, 0, 6e5, 0, -10, 5e6), **side) as file:
        file.write(np.random.default_rng(0).integers(0, 255, (3, 3000, 500), np.uint8))
    words = ("segment", scene, "--out", out, "--checkpoint", taught, "--image-px", 64)
    command = [sys.executable, "-m", "orbitfl", *map(str, words)]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(scratch)}, text=True, start_new_session=True
    )
    assert process.stderr is not None
    assert any(": 2 of" in line for line in process.stderr)
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4 and "orbitfl: stopped" in err
    assert not list(scratch.glob("tmp*")) and not out.exists()
    code, _, err = orbitfl(*words)
    assert code == 0 and ": 1 of" not in err and ": 2 of" not in err, err
    assert out.exists()


def test_segment_ends_with_the_code_of_the_runtime(orbitfl, scenes: Path, bundle: Path):
    """/proc takes no files."""
    scene = min((scenes / "images").iterdir())
    code, _, err = orbitfl("segment", scene, "--out", "/proc/none/mask.tif", "--bundle", bundle)
    assert code == 3 and "could not be written" in err, err


@pytest.mark.parametrize("option", [("--image-px", 64), ("--bands", "swir"), ("--tile-px", 32)])
def test_segment_lets_a_bundle_settle_what_it_is_shown(orbitfl, bundle: Path, tmp_path: Path, option: tuple):
    code, _, err = orbitfl("segment", tmp_path / "a.tif", "--out", tmp_path / "b.tif", "--bundle", bundle, *option)
    assert code == 2 and option[0] in err


def test_a_weight_file_is_told_its_bands_and_tiles(orbitfl, taught: Path, tmp_path: Path):
    words = ("--image-px", 64, "--bands", "B08,B04,B03", "--tile-px", 96, "--json")
    code, out, err = orbitfl("export", taught, "--out", tmp_path / "bundle", *words)
    assert code == 0, err
    told = json.loads(out)["input"]
    assert told["channels"] == ["B08", "B04", "B03"] and told["tile_px"] == 96 and told["overlap_px"] == 24


def test_indices_stay_on_the_ground(orbitfl, taught: Path, tmp_path: Path):
    code, _, err = orbitfl("export", taught, "--out", tmp_path / "bundle", "--bands", "NDWI,B04,B03")
    assert code == 2 and "does not compute" in err


def test_segment_wants_one_network(orbitfl, tmp_path: Path):
    code, _, err = orbitfl("segment", tmp_path / "scene.tif", "--out", tmp_path / "mask.tif")
    assert code == 2 and "exactly one" in err


def test_segment_says_what_is_wrong_with_a_scene(orbitfl, bundle: Path, tmp_path: Path):
    code, _, err = orbitfl("segment", tmp_path / "none.tif", "--out", tmp_path / "mask.tif", "--bundle", bundle)
    assert code == 2 and err.count("\n") == 1 and "There is no scene" in err


@pytest.mark.parametrize("given", ["nowhere", "."])
def test_what_is_no_checkpoint_is_refused(orbitfl, tmp_path: Path, given: str):
    code, _, err = orbitfl("export", tmp_path / given, "--out", tmp_path / "bundle")
    assert code == 2 and "Traceback" not in err and not (tmp_path / "bundle").exists()
