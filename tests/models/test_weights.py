"""Names of weights, the cache, and what `check` says of a file."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from orbitfl.errors import WeightsError
from orbitfl.models import checkpoint, weights
from orbitfl.models.mobile_sam import MobileSam
from orbitfl.models.weights import OFFICIAL, RemoteFile, cache_folder, check, locate


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORBITFL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def publish(path: Path, monkeypatch: pytest.MonkeyPatch) -> RemoteFile:
    """Make the file at `path` the published one."""
    content = path.read_bytes()
    checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
    published = RemoteFile(OFFICIAL.name, OFFICIAL.url, len(content), checksum, OFFICIAL.licence)
    monkeypatch.setattr(weights, "OFFICIAL", published)
    return published


def test_official_file_is_the_one_the_goldens_name(goldens: Path) -> None:
    text = (goldens / "README.md").read_text()
    assert OFFICIAL.checksum is not None and OFFICIAL.checksum.removeprefix("sha256:") in text
    assert f"{OFFICIAL.size_byte:,}" in text
    assert OFFICIAL.licence in text


def test_downloading_loads_no_torch() -> None:
    code = "import sys, orbitfl.models, orbitfl.models.weights as w; w.fetch; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORBITFL_CACHE", str(tmp_path / "a"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert cache_folder() == tmp_path / "a"
    monkeypatch.delenv("ORBITFL_CACHE")
    assert cache_folder() == tmp_path / "b" / "orbitfl"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "orbitfl"


def test_official_says_how_to_get_it(cache: Path) -> None:
    with pytest.raises(WeightsError, match="orbitfl weights get official"):
        locate("official")


def test_official_in_the_cache_is_verified(cache: Path, nano: MobileSam, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cache / OFFICIAL.name
    checkpoint.save(nano, path)
    with pytest.raises(WeightsError, match="not the published file"):
        locate("official")
    publish(path, monkeypatch)
    assert locate("official") == path


def test_missing_nano_base_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "NANO_BASE", tmp_path / "nano-base.safetensors")
    with pytest.raises(WeightsError, match="install orbitfl again"):
        locate("nano-base")


@pytest.mark.parametrize("name", ["offical", "nowhere/weights.pt", "."])
def test_missing_path(name: str) -> None:
    with pytest.raises(WeightsError, match="no readable weight file"):
        locate(name)


def test_check_tells_the_official_file(network: MobileSam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mobile_sam.pt"
    checkpoint.save(network, path)
    published = publish(path, monkeypatch)
    description = check(path)
    assert (description.kind, description.variant) == ("official", network.variant.name)
    assert (description.size_byte, f"sha256:{description.sha256}") == (published.size_byte, published.checksum)
    assert description.parameters == sum(value.numel() for value in network.parameters())


def test_check_tells_whose_checkpoint_it_is(network: MobileSam, tmp_path: Path) -> None:
    checkpoint.save(network, tmp_path / "own.safetensors")
    torch.save(network.state_dict(), tmp_path / "theirs.pt")
    assert check(tmp_path / "own.safetensors").kind == "orbitfl"
    theirs = check(tmp_path / "theirs.pt")
    assert (theirs.kind, theirs.variant, theirs.problem) == ("state_dict", network.variant.name, None)


def test_check_says_why_a_file_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"not weights")
    description = check(path)
    assert (description.kind, description.variant, description.parameters) == ("unknown", None, None)
    assert description.sha256 == hashlib.sha256(b"not weights").hexdigest()
    assert "cannot be read" in str(description.problem)
