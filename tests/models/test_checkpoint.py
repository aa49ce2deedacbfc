"""Checkpoints survive the way through a file; all else that a file can hold is refused with a reason."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from orbitfl.errors import StorageError, WeightsError
from orbitfl.models import build, checkpoint
from orbitfl.models.mobile_sam import MobileSam

SUFFIXES = (".pt", ".pth", ".safetensors")


def assert_same(state: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert state.keys() == wanted.keys()
    for name, value in wanted.items():
        assert state[name].dtype == value.dtype and torch.equal(state[name], value), name


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip(nano: MobileSam, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    checkpoint.save(nano, path)
    assert_same(checkpoint.load(path), nano.state_dict())
    assert_same(checkpoint.load(path, "mobile_sam_nano"), nano.state_dict())
    restored = checkpoint.load_model(path, image_size=128)
    assert restored.variant == nano.variant and restored.image_size == 128 and not restored.training
    assert_same(restored.state_dict(), nano.state_dict())
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_equal_weights_make_equal_files(nano: MobileSam, tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    checkpoint.save(nano, first)
    checkpoint.save(nano, second)
    assert first.read_bytes() == second.read_bytes()


def test_pt_is_a_plain_state_dict(network: MobileSam, tmp_path: Path) -> None:
    """What the MobileSAM authors' `load_state_dict(torch.load(file))` expects."""
    checkpoint.save(network, tmp_path / "weights.pt")
    state = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert type(state) is dict
    build(network.variant.name, 256).load_state_dict(state, strict=True)


@pytest.mark.parametrize("width", [torch.float16, torch.bfloat16, torch.float64])
def test_other_widths_become_float32(nano: MobileSam, tmp_path: Path, width: torch.dtype) -> None:
    state = {name: value.to(width) if value.is_floating_point() else value for name, value in nano.state_dict().items()}
    safetensors.torch.save_file(state, tmp_path / "half.safetensors")
    wanted = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    assert_same(checkpoint.load(tmp_path / "half.safetensors"), wanted)


def test_parameters_come_as_plain_tensors(nano: MobileSam, tmp_path: Path) -> None:
    torch.save(nano.state_dict(keep_vars=True), tmp_path / "parameters.pt")
    loaded = checkpoint.load(tmp_path / "parameters.pt")
    assert not any(value.requires_grad for value in loaded.values())
    assert_same(loaded, nano.state_dict())


def test_shared_storage_does_not_tie_results(nano: MobileSam, tmp_path: Path) -> None:
    state = nano.state_dict()
    first, second = "mask_decoder.iou_token.weight", "prompt_encoder.no_mask_embed.weight"
    state[second] = state[first]
    torch.save(state, tmp_path / "tied.pt")
    loaded = checkpoint.load(tmp_path / "tied.pt")
    loaded[first].zero_()
    assert torch.equal(loaded[second], state[second])


KEY = "mask_decoder.iou_token.weight"

WRONG_STATES: dict[str, tuple[Any, str]] = {
    "missing": ({KEY: None}, f"{KEY} is missing"),
    "unexpected": ({"adapter.weight": torch.zeros(1)}, "'adapter.weight' is not expected"),
    "shape": ({KEY: torch.zeros(1, 64)}, rf"{KEY} is float \[1, 64\] instead of float \[1, 128\]"),
    "type": ({KEY: torch.zeros(1, 128, dtype=torch.int32)}, "integer"),
    "complex": ({KEY: torch.zeros(1, 128, dtype=torch.complex64)}, "another kind"),
    "without numbers": ({KEY: torch.zeros(1, 128, device="meta")}, "another kind"),
    "sparse": ({KEY: torch.zeros(1, 128).to_sparse()}, "another kind"),
    "no tensor": ({KEY: 3.0}, "a float of another kind"),
    "nan": ({KEY: torch.full((1, 128), float("nan"))}, f"holds NaN or infinity in {KEY}"),
    "infinity": ({KEY: torch.full((1, 128), float("inf"))}, "NaN or infinity"),
    "too large for float32": ({KEY: torch.full((1, 128), 1e300, dtype=torch.float64)}, "NaN or infinity"),
}


@pytest.mark.parametrize("case", WRONG_STATES)
def test_wrong_states(nano: MobileSam, tmp_path: Path, case: str) -> None:
    change, told = WRONG_STATES[case]
    state = {name: value for name, value in (nano.state_dict() | change).items() if value is not None}
    path = tmp_path / "wrong.pt"
    torch.save(state, path)
    with pytest.raises(WeightsError, match=told) as caught:
        checkpoint.load(path)
    assert str(path) in str(caught.value)


PART = "mask_decoder.output_upscaling.3.bias"


def test_what_a_satellite_has_trained_is_completed_from_the_average_beside_it(nano: MobileSam, tmp_path: Path) -> None:
    part = {PART: torch.full_like(nano.state_dict()[PART], 0.5)}
    safetensors.torch.save_file(part, tmp_path / "sat-0.safetensors")
    checkpoint.save(nano, tmp_path / "average.safetensors")
    assert_same(checkpoint.load(tmp_path / "sat-0.safetensors"), nano.state_dict() | part)
    assert_same(checkpoint.load(tmp_path / "average.safetensors"), nano.state_dict())


def test_so_are_learnt_tokens(nano: MobileSam, tmp_path: Path) -> None:
    nano.prompt_encoder.add_tokens(2)
    part = {checkpoint.TOKENS: torch.ones(2, 128)}
    safetensors.torch.save_file(part, tmp_path / "sat-0.safetensors")
    checkpoint.save(nano, tmp_path / "average.safetensors")
    assert_same(checkpoint.load(tmp_path / "sat-0.safetensors"), nano.state_dict() | part)


@pytest.mark.parametrize(
    ("name", "beside", "told"),
    [
        (PART, False, "a part of a network alone; give it where the run's average.safetensors lies"),
        ("mask_decoder.transformer.layers.0.self_attn.q_proj.change", True, "what lora has learnt alone; give"),
    ],
)
def test_a_part_that_cannot_be_completed_says_what_to_give(
    nano: MobileSam, tmp_path: Path, name: str, beside: bool, told: str
) -> None:
    safetensors.torch.save_file({name: torch.zeros(16)}, tmp_path / "sat-0.safetensors")
    if beside:
        checkpoint.save(nano, tmp_path / "average.safetensors")
    with pytest.raises(WeightsError, match=told):
        checkpoint.load(tmp_path / "sat-0.safetensors")


def test_a_part_is_not_completed_from_another_network(network: MobileSam, tmp_path: Path) -> None:
    part = {PART: torch.zeros(3)}
    safetensors.torch.save_file(part, tmp_path / "sat-0.safetensors")
    checkpoint.save(network, tmp_path / "average.safetensors")
    with pytest.raises(WeightsError, match=rf"{PART} is float \[3\] instead of"):
        checkpoint.load(tmp_path / "sat-0.safetensors")


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(3), {"model": {}}, {1: 2}, {}, None])
def test_no_state_dict(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="state dict"):
        checkpoint.load(tmp_path / "other.pt")


def test_many_differences_are_counted(nano: MobileSam, tmp_path: Path) -> None:
    path = tmp_path / "nano.pt"
    checkpoint.save(nano, path)
    with pytest.raises(WeightsError, match=r"does not fit mobile_sam: .*; and \d+ more"):
        checkpoint.load(path, "mobile_sam")


class Code:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("dump", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_code_is_not_run(tmp_path: Path, dump: Any) -> None:
    path, trace = tmp_path / "evil.pt", tmp_path / "ran"
    dump({KEY: Code(trace)}, path)
    with pytest.raises(WeightsError, match="more than tensors"):
        checkpoint.load(path)
    assert not trace.exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kept", [0, 1, 7, 100, 5000, -1000, -1])
def test_truncated(nano: MobileSam, tmp_path: Path, suffix: str, kept: int) -> None:
    path = tmp_path / f"weights{suffix}"
    checkpoint.save(nano, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WeightsError, match="cannot be read"):
        checkpoint.load(path)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_damaged_bytes_raise_nothing_else(nano: MobileSam, tmp_path: Path, suffix: str) -> None:
    """Whatever wrong bytes in headers and tables do, the answer is a state that fits or a WeightsError."""
    path, rng, refused = tmp_path / f"weights{suffix}", np.random.default_rng(3), 0
    checkpoint.save(nano, path)
    sound = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(40):
        damaged = sound.copy()
        places = rng.integers(0, 4000, 5) * rng.choice([1, -1], 5)
        damaged[places] = rng.integers(0, 256, 5)
        path.write_bytes(damaged.tobytes())
        try:
            assert checkpoint.variant_of(checkpoint.load(path)) == "mobile_sam_nano"
        except WeightsError:
            refused += 1
    assert refused > 0


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.pt"
    with path.open("wb") as file:
        file.truncate(checkpoint.LARGEST_FILE_BYTE + 1)
    with pytest.raises(WeightsError, match="exceed"):
        checkpoint.load(path)


def test_archive_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "LARGEST_FILE_BYTE", 100_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(1_000_000))
    (tmp_path / "bomb.pt").write_bytes(buffer.getvalue())
    with pytest.raises(WeightsError, match="unpack to 1000000 bytes"):
        checkpoint.load(tmp_path / "bomb.pt")


def test_unknown_suffix(nano: MobileSam, tmp_path: Path) -> None:
    (tmp_path / "weights.ckpt").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"\.pt or \.safetensors"):
        checkpoint.load(tmp_path / "weights.ckpt")
    with pytest.raises(WeightsError, match=r"\.pt or \.safetensors"):
        checkpoint.save(nano, tmp_path / "weights")


def test_a_place_that_cannot_be_written(nano: MobileSam, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").mkdir()
    with pytest.raises(StorageError):
        checkpoint.save(nano, tmp_path / "weights.pt")
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.pt"]


def test_weights_of_no_model() -> None:
    with pytest.raises(WeightsError, match="fit no model"):
        checkpoint.variant_of({})
