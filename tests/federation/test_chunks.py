"""Transfers in pieces: any order, repeats, damage and restarts, and the message is whole or not there."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.errors import WeightsError
from orbitfl.federation.chunks import Assembly, Manifest, chunks, manifest_byte, manifest_of
from orbitfl.federation.refusals import RefusalError

PAYLOADS = st.binary(min_size=1, max_size=200)
SIZES = st.integers(1, 60)


@settings(max_examples=60, deadline=None)
@given(PAYLOADS, SIZES, st.randoms())
def test_any_order_with_repeats_and_damage_gives_the_payload(payload, chunk_byte, random):
    pieces = [bytes(each) for each in chunks(payload, chunk_byte)]
    assembly = Assembly(manifest_of(payload, chunk_byte))
    order = list(range(len(pieces))) * 2
    random.shuffle(order)
    for index in order:
        piece = pieces[index]
        place = random.randrange(len(piece))
        damaged = piece[:place] + bytes([piece[place] ^ 1]) + piece[place + 1 :]
        for bad in (damaged, piece + b"x", piece[:-1], b""):
            assert not assembly.offer(index, bad)
        lacking = index in assembly.missing()
        assert assembly.offer(index, piece) == lacking
        assert not assembly.offer(index, piece)
    assert assembly.missing() == ()
    assert assembly.payload() == payload


@settings(max_examples=60, deadline=None)
@given(PAYLOADS, SIZES, st.sets(st.integers(0, 199)))
def test_a_transfer_goes_on_with_what_is_missing(payload, chunk_byte, arrived):
    manifest = manifest_of(payload, chunk_byte)
    pieces = [bytes(each) for each in chunks(payload, chunk_byte)]
    assembly = Assembly(Manifest.from_bytes(manifest.to_bytes()))
    held = {index for index in arrived if index < len(pieces)}
    for index in held:
        assembly.offer(index, pieces[index])
    assert assembly.missing() == tuple(sorted(set(range(len(pieces))) - held))
    for index in assembly.missing():
        assembly.offer(index, pieces[index])
    assert assembly.payload() == payload


def test_what_was_checked_stays_whatever_becomes_of_the_sender_s_memory():
    """A view of bytes is kept as it is, one of memory that can change is not."""
    assembly, buffer = Assembly(manifest_of(b"abcdef", 4)), bytearray(b"abcd")
    assembly.offer(0, memoryview(buffer).toreadonly())
    assembly.offer(1, memoryview(b"..ef")[2:])
    buffer[0] = 0
    assert assembly.payload() == b"abcdef"


def test_a_payload_is_not_there_before_its_last_chunk():
    assembly = Assembly(manifest_of(b"abcdef", 4))
    assembly.offer(1, b"ef")
    with pytest.raises(WeightsError, match="1 of 2 chunks"):
        assembly.payload()
    assert not assembly.offer(2, b"")
    assert not assembly.offer(-1, b"ef")


@settings(max_examples=60, deadline=None)
@given(PAYLOADS, SIZES)
def test_manifests_there_and_back(payload, chunk_byte):
    manifest = manifest_of(payload, chunk_byte)
    content = manifest.to_bytes()
    assert Manifest.from_bytes(content) == manifest
    assert len(content) == manifest_byte(len(payload), chunk_byte)
    assert manifest.digests[0] == hashlib.sha256(payload[:chunk_byte]).digest()
    assert sum(map(manifest.length_byte, range(manifest.n_chunks))) == len(payload)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120))
def test_noise_is_no_manifest(noise):
    with pytest.raises(RefusalError, match="no manifest"):
        Manifest.from_bytes(noise)


def test_a_manifest_cannot_ask_for_memory():
    good = manifest_of(b"abcdef", 4).to_bytes()
    for size_byte in (2**40, 2**63):
        with pytest.raises(RefusalError, match="too many bytes"):
            Manifest.from_bytes(good[:8] + size_byte.to_bytes(8, "little") + good[16:])
    with pytest.raises(RefusalError, match="too many bytes: it tells of 6 where 5"):
        Manifest.from_bytes(good, largest_byte=5)
    for spoilt in (good[:-32], good + bytes(32), good[:16] + bytes(4) + good[20:], good + bytes(2**22)):
        with pytest.raises(RefusalError, match="no manifest"):
            Manifest.from_bytes(spoilt)


@pytest.mark.parametrize(
    ("size_byte", "chunk_byte", "digests"),
    [(0, 4, ()), (6, 0, ()), (6, 4, (bytes(32),)), (6, 4, (bytes(32), bytes(31))), (2**31, 1, ())],
)
def test_impossible_manifests_are_refused(size_byte, chunk_byte, digests):
    with pytest.raises(WeightsError):
        Manifest(size_byte, chunk_byte, digests)
