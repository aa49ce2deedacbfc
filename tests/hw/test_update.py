"""An update from the ground turns the bundle on board into that of the newer checkpoint."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orbitfl_edge.bundle import load
from orbitfl_edge.network import open_network
from orbitfl_edge.problems import EdgeError
from orbitfl_edge.tensors import parsed

from orbitfl.errors import WeightsError
from orbitfl.export.parity import torch_logits
from orbitfl.export.reading import read_bundle
from orbitfl.export.update import write_update
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
    """An update of whatever tensors and metadata."""
    base = json.loads((bundle / "manifest.json").read_text())["files"]["decoder.safetensors"]["sha256"]

    def make(tensors: dict[str, np.ndarray], told: dict[str, Any] | None = None) -> Path:
        path = tmp_path / "update.safetensors"
        right = {"schema": "orbitfl-bundle-update-1", "base": base}
        safetensors.numpy.save_file(tensors, path, {"orbitfl": json.dumps(right | (told or {}))})
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
    assert manifest["updates"] == [{"update_sha256": _sha256(update), "from_manifest_sha256": load(bundle).fingerprint}]
    assert manifest["evidence"]["of"] == "the bundle before its updates"
    again = edge("apply-update", update, "--bundle", out, "-o", tmp_path / "third")
    assert again.code == 2 and "give the bundle that it was made for" in again.err


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


IOU = "mask_decoder.iou_token.weight"

UPDATES: dict[str, tuple[Callable[[Made], Path], str]] = {
    "another base": (lambda made: made({}, {"base": "0" * 64}), "give the bundle that it was made for"),
    "another schema": (lambda made: made({}, {"schema": "x"}), "is of the schema 'x'"),
    "another shape": (lambda made: made({IOU: np.zeros((2, 128), np.float16)}), "which the bundle does not have"),
    "another name": (lambda made: made({"x": np.zeros(3, np.float16)}), "which the bundle does not have"),
    "not a number": (lambda made: made({IOU: np.full((1, 128), np.nan, np.float16)}), "NaN or infinity"),
    "another type": (lambda made: made({IOU: np.zeros((1, 128), np.int64)}), "no sound safetensors"),
    "missing": (lambda made: made({}).with_name("none"), "no readable update"),
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
    assert ended.code == 3 and "exists already" in ended.err


def test_an_update_cannot_change_the_encoder(bundle: Path, newer: MobileSam, tmp_path: Path):
    with torch.no_grad():
        next(newer.image_encoder.parameters()).add_(1)
    with pytest.raises(WeightsError, match="encoder is not that of"):
        write_update(newer, read_bundle(bundle), tmp_path / "update")


def test_an_update_cannot_bring_tokens(bundle: Path, newer: MobileSam, tmp_path: Path):
    newer.prompt_encoder.add_tokens(3)
    with pytest.raises(WeightsError, match="export a new bundle"):
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


def test_a_signed_bundle_is_known_by_its_key(edge, bundle: Path, tmp_path: Path):
    from orbitfl.export.signing import public_path, signature

    signed, key = Path(shutil.copytree(bundle, tmp_path / "signed")), tmp_path / "key"
    (signed / "manifest.sig").write_bytes(signature((signed / "manifest.json").read_bytes(), key))
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
