"""Messages: read by the safetensors library itself, of one size, and refused with a reason for every fault."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import numpy as safetensors_numpy

from orbitfl.errors import WeightsError
from orbitfl.federation.compressors import Float16, Float32, Int8
from orbitfl.federation.messages import Header, codec, message_byte, pack, unpack
from orbitfl.federation.refusals import RefusalError
from orbitfl.federation.weights import Layout

LAYOUT = Layout((("weight", (20, 30)), ("bias", (7,))))
BASE = "ab" * 32
VECTOR = np.random.default_rng(1).normal(size=LAYOUT.size).astype(np.float32)
HEADER = Header("sat-0", 3, BASE, LAYOUT.fingerprint(), codec(Float16()), 120, 900.25)
GOOD = pack(HEADER, {"model": VECTOR}, Float16(), LAYOUT)


def read(payload, **changes):
    options = {"base": BASE, "layout": LAYOUT, "compressor": Float16(), "parts": ("model",)} | changes
    return unpack(payload, **options)


def test_there_and_back():
    header, parts = read(GOOD)
    assert header == HEADER
    np.testing.assert_array_equal(parts["model"], VECTOR.astype(np.float16))


def test_exact_parts_keep_all_bits_of_float64():
    parts = {"model": VECTOR, "mass": np.array([1 / 3])}
    payload = pack(replace(HEADER, codec=codec(Int8())), parts, Int8(), LAYOUT)
    _, back = read(payload, compressor=Int8(), parts=("model", "mass"))
    assert back["mass"][0] == 1 / 3
    with pytest.raises(RefusalError, match="negative"):
        read(pack(HEADER, parts | {"mass": np.array([-1.0])}, Float16(), LAYOUT), parts=("model", "mass"))


@pytest.mark.parametrize("compressor", [Float32(), Float16(), Int8()], ids=lambda each: each.kind)
def test_the_safetensors_library_reads_the_same(compressor):
    payload = pack(replace(HEADER, codec=codec(compressor)), {"model": VECTOR, "anchor": VECTOR}, compressor, LAYOUT)
    arrays = safetensors_numpy.load(payload)
    expected = {
        f"{part}.{name}": array
        for part in ("model", "anchor")
        for name, array in compressor.encode(VECTOR, LAYOUT).items()
    }
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array)


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=10),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 2**32),
)
def test_every_message_has_one_size(sender, version, samples, made_s, seed):
    header = replace(HEADER, sender=sender, version=version, samples=samples, made_s=made_s)
    vector = np.random.default_rng(seed).normal(size=LAYOUT.size).astype(np.float32)
    payload = pack(header, {"model": vector}, Float16(), LAYOUT)
    assert len(payload) == message_byte(Float16(), LAYOUT, ("model",)) == len(GOOD)
    assert read(payload)[0] == header


def test_equal_messages_are_equal_bytes():
    assert pack(HEADER, {"model": VECTOR}, Float16(), LAYOUT) == GOOD


def forged(edit, body=None):
    """The good message with its header's JSON changed by `edit`, filled up to the same length."""
    length = int.from_bytes(GOOD[:8], "little")
    content = json.loads(GOOD[8 : 8 + length])
    head = edit(content)
    head = head if isinstance(head, bytes) else json.dumps(head, separators=(",", ":")).encode()
    head = head.ljust(length)
    return len(head).to_bytes(8, "little") + head + (GOOD[8 + length :] if body is None else body)


def with_entry(**changes):
    return forged(lambda content: content | {"model.numbers": content["model.numbers"] | changes})


def with_metadata(**changes):
    return forged(lambda content: content | {"__metadata__": content["__metadata__"] | changes})


BODY = 2 * LAYOUT.size
FAULTS = {
    "empty": (b"", "not safetensors"),
    "a byte": (b"x", "not safetensors"),
    "header beyond the end": ((60_000).to_bytes(8, "little") + b"{}", "not safetensors"),
    "long header": ((65 * 1024).to_bytes(8, "little") + b"{}", "header too long"),
    "endless header": (b"\xff" * 8 + b"{}", "header too long"),
    "no JSON": (forged(lambda _: b"\xff\xfe{"), "not safetensors"),
    "deep JSON": ((len(GOOD) - 8).to_bytes(8, "little") + b"[" * (len(GOOD) - 8), "not safetensors"),
    "a list": (forged(lambda _: []), "not safetensors"),
    "duplicate array": (
        forged(
            lambda content: json.dumps(content, separators=(",", ":")).replace("{", '{"model.numbers":1,', 1).encode()
        ),
        "duplicate keys",
    ),
    "no metadata": (forged(lambda content: {"model.numbers": content["model.numbers"]}), "wrong header"),
    "metadata too few": (forged(lambda content: content | {"__metadata__": {"sender": "x"}}), "wrong header"),
    "metadata of numbers": (with_metadata(version=3), "wrong header"),
    "other schema": (with_metadata(schema="orbitfl-update-9"), "other schema"),
    "no hash": (with_metadata(base="zz"), "wrong header"),
    "negative version": (with_metadata(version="-1"), "wrong header"),
    "huge version": (with_metadata(version="1" * 20), "wrong header"),
    "endless time": (with_metadata(made_s="inf"), "wrong header"),
    "no time": (with_metadata(made_s="soon"), "wrong header"),
    "other base": (with_metadata(base="cd" * 32), "other base"),
    "other layout": (with_metadata(layout="cd" * 32), "other layout"),
    "other codec": (with_metadata(codec=codec(Float32())), "other codec"),
    "other reference": (with_metadata(reference="cd" * 32), "other reference"),
    "missing array": (forged(lambda content: {"__metadata__": content["__metadata__"]}), "wrong arrays"),
    "more arrays": (forged(lambda content: content | {"b": content["model.numbers"]}), "wrong arrays"),
    "half a character": (forged(lambda content: content | {"\ud800": 7}), "wrong arrays"),
    "half characters": (with_metadata(codec="\ud800" * 9), "other codec"),
    "other type": (with_entry(dtype="BF16"), "wrong type"),
    "other shape": (with_entry(shape=[1, LAYOUT.size]), "wrong shape"),
    "huge shape": (with_entry(shape=[2**40]), "wrong shape"),
    "entry no mapping": (forged(lambda content: content | {"model.numbers": 7}), "wrong type"),
    "a hole": (with_entry(data_offsets=[8, BODY + 8]), "not safetensors"),
    "cut": (GOOD[:-1], "wrong length"),
    "longer": (GOOD + b"x", "too many bytes"),
    "bomb": (GOOD + bytes(10**7), "too many bytes"),
    "not a number": (forged(lambda content: content, np.full(LAYOUT.size, np.nan, "<f2").tobytes()), "not finite"),
    "infinite": (forged(lambda content: content, np.full(LAYOUT.size, -np.inf, "<f2").tobytes()), "not finite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_peer_is_not_trusted(fault):
    payload, reason = FAULTS[fault]
    with pytest.raises(RefusalError) as refusal:
        read(payload)
    assert refusal.value.reason == reason
    assert len(str(refusal.value)) < 300 and str(refusal.value).isprintable()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_changes_one_value(place, flip):
    """Without a signature bits may flip unseen, but never to anything but a well-formed update."""
    payload = bytearray(GOOD)
    payload[place] ^= flip
    try:
        _, parts = read(bytes(payload))
    except RefusalError:
        return
    assert np.isfinite(parts["model"]).all()
    assert np.count_nonzero(parts["model"] != VECTOR.astype(np.float16)) <= 1


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_refused(noise):
    with pytest.raises(RefusalError):
        read(noise)


@pytest.mark.parametrize(
    "changes", [{"sender": "x" * 129}, {"sender": "\0" * 30}, {"version": -1}, {"made_s": float("nan")}, {"base": "no"}]
)
def test_what_no_peer_would_take_is_not_sent(changes):
    with pytest.raises(WeightsError):
        pack(replace(HEADER, **changes), {"model": VECTOR}, Float16(), LAYOUT)


def test_a_diverged_model_is_not_sent():
    with pytest.raises(WeightsError, match="not finite"):
        pack(HEADER, {"model": VECTOR * np.float32(np.nan)}, Float16(), LAYOUT)
