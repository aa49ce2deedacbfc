"""An update from the ground turns the bundle on board into that of the newer checkpoint."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orbitfl_edge.bundle import load
from orbitfl_edge.lineage import statement
from orbitfl_edge.network import open_network
from orbitfl_edge.problems import EdgeError
from orbitfl_edge.tensors import parsed
from orbitfl_edge.update import summed

from orbitfl.errors import WeightsError
from orbitfl.export.parity import torch_logits
from orbitfl.export.reading import read_bundle
from orbitfl.export.runtime import call
from orbitfl.export.signing import public_path, signature
from orbitfl.export.source import find
from orbitfl.export.update import require_shown_alike, updated_decoder, write_update
from orbitfl.models.checkpoint import load_model
from orbitfl.models.mobile_sam import MobileSam

Made = Callable[..., Path]


@pytest.fixture
def newer(taught: Path) -> MobileSam:
    """The taught network, learnt on: other numbers in the decoder alone."""
    model = load_model(taught, 64)
    torch.manual_seed(1)
    with torch.no_grad():
        for value in model.mask_decoder.parameters():
            value.add_(0.02 * torch.randn_like(value))
    return model


@pytest.fixture
def made(bundle: Path, tmp_path: Path) -> Made:
    """An update of whatever tensors, which states what it leads to, or whatever else."""
    manifest = load(bundle).manifest
    base = parsed((bundle / "decoder.safetensors").read_bytes(), "it")

    def make(tensors: dict[str, np.ndarray], told: dict[str, Any] | None = None) -> Path:
        path = tmp_path / "update.safetensors"
        fitting = {name: change for name, change in tensors.items() if name in base.arrays}
        fitting = {name: change for name, change in fitting.items() if change.shape == base.arrays[name].shape}
        sums = base.arrays | {name: base.arrays[name] + change.astype("f4") for name, change in fitting.items()}
        stated = json.loads(statement(manifest, hashlib.sha256(base.packed(sums)).hexdigest()))
        text = json.dumps(stated | (told or {}), sort_keys=True)
        safetensors.numpy.save_file(tensors, path, {"orbitfl": json.dumps({"statement": text})})
        return path

    return make


def test_an_updated_bundle_draws_as_the_newer_checkpoint(edge, bundle: Path, newer: MobileSam, tmp_path: Path):
    update, out = tmp_path / "update.safetensors", tmp_path / "next"
    write_update(newer, read_bundle(bundle), update)
    assert edge("apply-update", update, "--bundle", bundle, "-o", out).code == 0
    tiles = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    expected, before = torch_logits(newer, tiles), open_network(load(bundle), 1).logits(tiles)
    given = open_network(load(out), 1).logits(tiles)
    assert np.abs(given - expected).max() < 0.01 * np.abs(before - expected).max()
    assert edge("verify", "--bundle", out).code == 0


def test_it_says_what_it_comes_from_and_that_its_evidence_is_older(edge, bundle, newer, tmp_path: Path):
    update, out = tmp_path / "update.safetensors", tmp_path / "next"
    write_update(newer, read_bundle(bundle), update)
    assert edge("apply-update", update, "--bundle", bundle, "-o", out).code == 0
    manifest = json.loads((out / "manifest.json").read_text())
    (step,) = manifest["updates"]
    assert step["update_sha256"] == _sha256(update) and step["from_manifest_sha256"] == load(bundle).fingerprint
    assert json.loads(step["statement"])["result"] == _sha256(out / "decoder.safetensors")
    assert manifest["evidence"]["of"] == "the bundle before its updates"
    again = edge("apply-update", update, "--bundle", out, "-o", tmp_path / "third")
    assert again.code == 2 and "give the one it was made for" in again.err


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _saved(made: Made, told: Any) -> Path:
    path = made({})
    safetensors.numpy.save_file({}, path, {"orbitfl": json.dumps(told)})
    return path


def _pipe(made: Made) -> Path:
    path = made({}).with_name("pipe")
    os.mkfifo(path)
    return path


IOU = "mask_decoder.iou_token.weight"

UPDATES: dict[str, tuple[Callable[[Made], Path], str]] = {
    "another base": (lambda made: made({}, {"base": "0" * 64}), "give the one it was made for"),
    "another schema": (lambda made: made({}, {"schema": "x"}), "is of the schema 'x'"),
    "a schema nested deeply": (
        lambda made: made({}, {"schema": json.loads("[" * 900 + "]" * 900)}),
        "is of the schema [[[",
    ),
    "other graphs": (lambda made: made({}, {"graphs": {}}), "is an update for graphs {}"),
    "other bands": (lambda made: made({}, {"input": {"channels": ["B08", "B04", "B03"]}}), "is an update for input"),
    "another result": (lambda made: made({}, {"result": "0" * 64}), "does not lead to the decoder that it states"),
    "no statement": (lambda made: _saved(made, {}), "is not orbitfl-bundle-update-2"),
    "a statement that is none": (lambda made: _saved(made, {"statement": [1]}), "is not orbitfl-bundle-update-2"),
    "no object": (lambda made: _saved(made, []), "is not orbitfl-bundle-update-2"),
    "nested deeply": (
        lambda made: made({}, {"base": json.loads("[" * 400 + "]" * 400)}),
        "is an update for base [[[",
    ),
    "nested too deeply": (lambda made: _saved(made, {"statement": "[" * 10**5}), "is not orbitfl-bundle-update-2"),
    "another shape": (lambda made: made({IOU: np.zeros((2, 128), np.float16)}), "which the bundle does not have"),
    "another name": (lambda made: made({"x": np.zeros(3, np.float16)}), "which the bundle does not have"),
    "a name of two lines": (lambda made: made({"x\ny": np.zeros(3, np.float16)}), "which the bundle does not have"),
    "not a number": (lambda made: made({IOU: np.full((1, 128), np.nan, np.float16)}), "NaN or infinity"),
    "another type": (lambda made: made({IOU: np.zeros((1, 128), np.int64)}), "not a sound safetensors"),
    "missing": (lambda made: made({}).with_name("none"), "no readable update"),
    "a pipe": (_pipe, "no readable update"),
}


@pytest.mark.parametrize("case", UPDATES)
def test_an_update_that_does_not_fit_is_refused(edge, bundle: Path, made: Made, tmp_path: Path, case: str):
    make, told = UPDATES[case]
    ended = edge("apply-update", make(made), "--bundle", bundle, "-o", tmp_path / "next")
    assert ended.code == 2 and told in ended.err and ended.err.count("\n") == 1, ended.err
    assert not (tmp_path / "next").exists()


def _overflowing(bundle: Path) -> dict[str, np.ndarray]:
    """Finite numbers, too large to compute with."""
    base = safetensors.numpy.load_file(bundle / "decoder.safetensors")
    return {name: np.full(value.shape, 1e30, np.float32) for name, value in base.items() if "transformer" in name}


def test_an_update_that_makes_the_network_answer_nan_is_refused(edge, bundle: Path, made: Made, tmp_path: Path):
    out = tmp_path / "next"
    ended = edge("apply-update", made(_overflowing(bundle)), "--bundle", bundle, "-o", out)
    assert ended.code == 2 and "answer with NaN or infinity; refuse its sender" in ended.err
    assert ended.err.count("\n") == 1 and not out.exists()


def test_a_bundle_that_answers_nan_draws_no_land(edge, write, colours, bundle: Path, tmp_path: Path):
    """However it came to be: the manifest vouches for its files."""
    sick = Path(shutil.copytree(bundle, tmp_path / "sick"))
    weights = parsed((sick / "decoder.safetensors").read_bytes(), "it")
    changes = _overflowing(bundle)
    sums = {name: value + changes.get(name, np.float32(0)) for name, value in weights.arrays.items()}
    (sick / "decoder.safetensors").write_bytes(weights.packed(sums))
    manifest = json.loads((sick / "manifest.json").read_text())
    manifest["files"]["decoder.safetensors"]["sha256"] = _sha256(sick / "decoder.safetensors")
    (sick / "manifest.json").write_text(json.dumps(manifest))
    for words in (("verify",), ("segment", write(colours), "-o", tmp_path / "mask.tif")):
        ended = edge(*words, "--bundle", sick)
        assert ended.code == 2 and "network answers with NaN" in ended.err, ended
    assert not (tmp_path / "mask.tif").exists()


def _turned(bundle: Path) -> dict[str, np.ndarray]:
    """What draws water as land and land as water."""
    base = safetensors.numpy.load_file(bundle / "decoder.safetensors")
    last = "mask_decoder.output_hypernetworks_mlps.0.layers.2."
    return {name: (-2 * value).astype(np.float16) for name, value in base.items() if name.startswith(last)}


@pytest.mark.parametrize(("change", "least", "most"), [(lambda bundle: {}, 0, 0), (_turned, 95, 100)])
def test_it_tells_how_much_it_draws_otherwise(edge, bundle: Path, made: Made, tmp_path: Path, change, least, most):
    ended = edge("apply-update", made(change(bundle)), "--bundle", bundle, "-o", tmp_path / "next")
    assert ended.code == 0, ended.err
    assert least <= float(ended.out.split("draws ")[1].split(" %")[0]) <= most


def test_a_bundle_is_not_updated_in_its_place(edge, bundle: Path, made: Made):
    ended = edge("apply-update", made({}), "--bundle", bundle, "-o", bundle)
    assert ended.code == 2 and "exists already" in ended.err


def test_an_update_cannot_change_the_encoder(bundle: Path, newer: MobileSam, tmp_path: Path):
    with torch.no_grad():
        next(newer.image_encoder.parameters()).add_(1)
    with pytest.raises(WeightsError, match="encoder is not that of"):
        write_update(newer, read_bundle(bundle), tmp_path / "update")


def test_an_update_comes_of_a_run_that_was_shown_the_same(bundle: Path, taught: Path):
    of_file = find(str(taught), 64)
    of_run = replace(of_file, provenance={"run": {}})
    found = read_bundle(bundle)
    require_shown_alike(of_run, found)
    require_shown_alike(replace(of_file, channels=("B08", "B04", "B03")), found)
    with pytest.raises(WeightsError, match="was shown B08, B04, B03"):
        require_shown_alike(replace(of_run, channels=("B08", "B04", "B03")), found)


def test_an_update_cannot_bring_tokens(bundle: Path, newer: MobileSam, tmp_path: Path):
    newer.prompt_encoder.add_tokens(3)
    with pytest.raises(WeightsError, match="export a new bundle"):
        write_update(newer, read_bundle(bundle), tmp_path / "update")


@pytest.mark.filterwarnings("error")
def test_an_update_cannot_be_beyond_half_precision(bundle: Path, newer: MobileSam, tmp_path: Path):
    with torch.no_grad():
        newer.mask_decoder.iou_token.weight.fill_(1e6)
    with pytest.raises(WeightsError, match="beyond half precision"):
        write_update(newer, read_bundle(bundle), tmp_path / "update")


@given(data=st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_make_the_reader_fail_otherwise(data: st.DataObject):
    content = bytearray(safetensors.numpy.save({"a": np.ones((2, 3), np.float32), "b": np.ones(4, np.float16)}))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        found = parsed(bytes(content), "it")
    except EdgeError as error:
        assert str(error).startswith("it ")
    else:
        assert all(np.isfinite(array).all() for array in found.arrays.values())


def test_it_reads_what_the_library_reads(bundle: Path):
    path = bundle / "decoder.safetensors"
    found, expected = parsed(path.read_bytes(), "it"), safetensors.numpy.load_file(path)
    assert found.arrays.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    assert found.packed(found.arrays) == path.read_bytes()


def _signed(bundle: Path, folder: Path) -> Path:
    """The bundle, signed with the key beside it."""
    shutil.copytree(bundle, folder)
    (folder / "manifest.sig").write_bytes(signature((folder / "manifest.json").read_bytes(), folder.parent / "key"))
    return folder


@pytest.fixture
def signed(bundle: Path, tmp_path: Path) -> Path:
    return _signed(bundle, tmp_path / "signed")


def test_a_signed_bundle_is_known_by_its_key(edge, bundle: Path, signed: Path, tmp_path: Path):
    key = tmp_path / "key"
    assert key.stat().st_mode & 0o077 == 0
    assert edge("verify", "--bundle", signed, "--key", public_path(key), "--files-only").code == 0
    assert "not checked" in edge("verify", "--bundle", signed, "--files-only").out
    other = tmp_path / "other"
    signature(b"", other)
    strange = edge("verify", "--bundle", signed, "--key", public_path(other))
    assert strange.code == 2 and "was not signed with the key" in strange.err
    unsigned = edge("verify", "--bundle", bundle, "--key", public_path(key))
    assert unsigned.code == 2 and "is not signed" in unsigned.err
    (signed / "manifest.json").write_bytes((signed / "manifest.json").read_bytes() + b" ")
    assert edge("verify", "--bundle", signed, "--key", public_path(key)).code == 2


@pytest.fixture(scope="module")
def lineage(bundle: Path, taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key, and what became of a bundle that it signed by two signed updates."""
    place, model = tmp_path_factory.mktemp("lineage"), load_model(taught, 64)
    folder, key = _signed(bundle, place / "first"), place / "key"
    for name in ("second", "third"):
        with torch.no_grad():
            model.mask_decoder.iou_token.weight.add_(1)
        write_update(model, read_bundle(folder), place / "update", key)
        call(["apply-update", place / "update", "--bundle", folder, "-o", place / name, "--key", public_path(key)])
        folder = place / name
    return place


@pytest.fixture
def followed(lineage: Path, tmp_path: Path) -> Path:
    shutil.copy(lineage / "key.pub", tmp_path)
    return Path(shutil.copytree(lineage / "third", tmp_path / "followed"))


def test_what_comes_of_signed_updates_is_trusted_by_the_same_key(edge, followed: Path, tmp_path: Path):
    ended = edge("verify", "--bundle", followed, "--key", tmp_path / "key.pub")
    assert ended.code == 0, ended.err
    signature(b"", tmp_path / "other")
    ended = edge("verify", "--bundle", followed, "--key", tmp_path / "other.pub")
    assert ended.code == 2 and "was not signed with the key" in ended.err


def _with_weights(folder: Path) -> None:
    """Other numbers, for which the manifest vouches."""
    weights = parsed((folder / "decoder.safetensors").read_bytes(), "it")
    (folder / "decoder.safetensors").write_bytes(
        weights.packed({name: value * np.float32(2) for name, value in weights.arrays.items()})
    )
    proof = {"sha256": _sha256(folder / "decoder.safetensors")}
    _edit(folder, lambda told: told["files"]["decoder.safetensors"].update(proof))


def _edit(folder: Path, change: Callable[[dict], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _stated(step: dict[str, Any]) -> None:
    step["statement"] = step["statement"].replace(json.loads(step["statement"])["result"], "0" * 64)


FORGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "other weights": (_with_weights, "says more than its signed original"),
    "other mean": (lambda folder: _edit(folder, lambda told: told["input"].update(mean=[0, 0, 0])), "says more than"),
    "other runtime": (
        lambda folder: _edit(folder, lambda told: told["files"]["runtime/orbitfl_edge/bench.py"].update(sha256="0")),
        "says more than its signed original",
    ),
    "an update that says more": (
        lambda folder: _edit(folder, lambda told: told["updates"][0].update(tested="by the sender")),
        "says more than its signed original",
    ),
    "one update fewer": (lambda folder: _edit(folder, lambda told: told["updates"].pop()), "says more than"),
    "the second update alone": (
        lambda folder: _edit(folder, lambda told: told["updates"].pop(0)),
        "Update 1 of .* is an update for base",
    ),
    "another statement": (lambda folder: _edit(folder, lambda told: _stated(told["updates"][1])), "was not signed"),
    "no signature": (
        lambda folder: _edit(folder, lambda told: told["updates"][0].pop("signature")),
        "Update 1 of .* is not signed",
    ),
    "another original": (
        lambda folder: (folder / "original/manifest.json").write_bytes((folder / "manifest.json").read_bytes()),
        "was not signed with the key",
    ),
    "no original": (lambda folder: shutil.rmtree(folder / "original"), "is not signed"),
}


@pytest.mark.parametrize("case", FORGED)
def test_no_board_makes_a_signed_bundle_into_another(edge, followed: Path, tmp_path: Path, case: str):
    forge, told = FORGED[case]
    forge(followed)
    ended = edge("verify", "--bundle", followed, "--files-only", "--key", tmp_path / "key.pub")
    assert ended.code == 2 and re.search(told, ended.err) and ended.err.count("\n") == 1, ended.err


def test_a_key_refuses_updates_that_it_did_not_sign(edge, signed: Path, newer: MobileSam, tmp_path: Path):
    update, out, found = tmp_path / "update.safetensors", tmp_path / "next", read_bundle(signed)
    words = ("apply-update", update, "--bundle", signed, "-o", out)
    write_update(newer, found, update)
    ended = edge(*words, "--key", tmp_path / "key.pub")
    assert ended.code == 2 and "update.safetensors is not signed" in ended.err and not out.exists()
    write_update(newer, found, update, tmp_path / "other")
    ended = edge(*words, "--key", tmp_path / "key.pub")
    assert ended.code == 2 and "was not signed with the key" in ended.err and not out.exists()
    assert edge(*words).code == 0, "without a key all is as it was"
    ended = edge("verify", "--bundle", out, "--key", tmp_path / "key.pub")
    assert ended.code == 2 and "Update 1 of" in ended.err and "was not signed with the key" in ended.err


def test_a_board_writes_the_very_decoder_that_the_ground_signs():
    """Also where the base is in half precision, and sums are rounded again."""
    rng = np.random.default_rng(0)
    base = safetensors.numpy.save({"a": rng.normal(size=(5, 7)).astype(np.float16), "b": np.ones(3, np.float32)})
    change = {"a": rng.normal(size=(5, 7)).astype(np.float16)}
    found = parsed(base, "it")
    assert found.packed(summed("it", found, change)) == updated_decoder(base, change)
