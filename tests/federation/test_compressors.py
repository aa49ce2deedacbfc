"""Bytes on the wire: real sizes, the rounding that IEEE 754 promises, and no trust in a peer."""

import numpy as np
import pytest
from safetensors import numpy as safetensors_numpy

from orbitfl.errors import WeightsError
from orbitfl.federation.compressors import Float16, Float32

UPDATE = {
    "a.weight": np.linspace(-0.3, 0.7, 600, dtype=np.float32).reshape(20, 30),
    "b.bias": np.array([1e-3, -2.5], np.float32),
}


def test_fp32_is_exact():
    update = Float32().decode(Float32().encode(UPDATE), like=UPDATE)
    assert all((update[name] == UPDATE[name]).all() for name in UPDATE)


def test_fp16_rounds_by_half_a_unit_in_the_last_place_and_halves_the_bytes():
    payload = Float16().encode(UPDATE)
    update = Float16().decode(payload, like=UPDATE)
    for name, value in UPDATE.items():
        np.testing.assert_allclose(update[name], value, rtol=2**-11, atol=2**-25)
    assert len(Float32().encode(UPDATE)) - len(payload) == pytest.approx(2 * 602, abs=8)


def test_size_does_not_depend_on_the_numbers():
    zeros = {name: np.zeros_like(value) for name, value in UPDATE.items()}
    assert len(Float16().encode(zeros)) == len(Float16().encode(UPDATE))


def forged(**changes: np.ndarray) -> bytes:
    return safetensors_numpy.save({name: value.astype(np.float16) for name, value in {**UPDATE, **changes}.items()})


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "0 bytes"),
        (forged() + b"x", "bytes arrived"),
        (b"\xff" * len(forged()), "not safetensors"),
        (forged(**{"a.weight": np.zeros((30, 20))}), "parameters differ"),
        (forged(**{"b.bias": np.array([np.nan, 1.0])}), "not finite"),
        (forged(**{"b.bias": np.array([np.inf, 1.0])}), "not finite"),
    ],
)
def test_a_peer_is_not_trusted(payload: bytes, complaint: str):
    with pytest.raises(WeightsError, match=complaint):
        Float16().decode(payload, like=UPDATE)
