"""With a shared reference sparse messages reach the true mean; without one they stop short of it."""

import numpy as np
import pytest

from orbitfl.federation import references
from orbitfl.federation.compressors import Float16, Int8, LowRank, TopK
from orbitfl.federation.messages import Header, codec, pack, unpack
from orbitfl.federation.refusals import RefusalError
from orbitfl.federation.rules import Letter
from orbitfl.federation.strategies import Gossip, Member
from orbitfl.federation.weights import Layout, line, norm

N = 12


def unknown(size):
    """The reference of two who have not met."""
    return np.zeros(size, np.float32)


def told(compressor, layout, model, reference):
    """The reading of one side's message."""
    arrays = compressor.encode(references.written(model, reference), layout)
    return references.read(compressor.decode(arrays, layout), reference)


def ring(compressor, layout, exchanges, remembering):
    """Static models gossip around a ring of twelve.

    Yields, twice, how far the worst is from the true mean, as part of its length, and how far the sum has moved.
    """
    rng = np.random.default_rng(0)
    scale = np.exp(1.5 * rng.normal(size=layout.size))
    models = [(scale * rng.normal(size=layout.size)).astype(np.float32) for _ in range(N)]
    total = np.array(models, dtype=np.float64).sum(axis=0)
    held = [unknown(layout.size)] * N
    for exchange in range(exchanges):
        first = 5 * exchange % N
        pair = (first, (first + 1) % N)
        mine, theirs = (told(compressor, layout, models[node], held[first]) for node in pair)
        for node, sent, read in ((pair[0], mine, theirs), (pair[1], theirs, mine)):
            letter = Letter(0, 0, 0.0, 1, {"model": read}, {"model": sent})
            models[node] = Gossip().merge(Member(models[node], {}), [letter], 1, layout).model
        if remembering:
            held[first] = references.after(mine, theirs)
        if exchange + 1 in (exchanges // 2, exchanges):
            wrong = max(norm(model - total / N) for model in models) / norm(total / N)
            yield wrong, np.abs(np.sum(models, axis=0, dtype=np.float64) - total).max() / scale.max()


def test_one_number_in_a_hundred_reaches_the_true_mean_with_references_alone():
    layout, compressor = line(300), TopK(share=0.01, values=Int8())
    (half, _), (remembered, moved) = ring(compressor, layout, 1600, remembering=True)
    assert remembered < 0.2
    assert remembered < 0.6 * half
    assert moved < 1e-5
    (half, _), (forgotten, _) = ring(compressor, layout, 1200, remembering=False)
    assert forgotten > 0.8
    assert forgotten == pytest.approx(half, rel=0.1)


def test_low_rank_reaches_the_true_mean_with_references_alone():
    layout, compressor = Layout((("matrix", (12, 12)),)), LowRank(rank=2)
    remembered, forgotten = (list(ring(compressor, layout, 700, each))[-1][0] for each in (True, False))
    assert remembered < 0.05 < 0.25 < forgotten


@pytest.mark.parametrize("compressor", [TopK(share=0.1), LowRank(rank=1), Float16()], ids=lambda each: each.kind)
def test_what_was_left_out_is_all_that_is_left_to_tell(compressor):
    """x - r becomes exactly its own remainder when both sides have merged."""
    layout, rng = Layout((("matrix", (8, 9)),)), np.random.default_rng(3)
    first, second = rng.normal(size=(2, 72)).astype(np.float32)
    reference = unknown(72)
    for _ in range(30):
        mine, theirs = (told(compressor, layout, model, reference) for model in (first, second))
        left = [first - mine, second - theirs]
        first, second = first + (theirs - mine) / 2, second + (mine - theirs) / 2
        reference = references.after(mine, theirs)
        np.testing.assert_array_equal(reference, references.after(theirs, mine))
        np.testing.assert_allclose(references.written(first, reference), left[0], atol=1e-6)
        np.testing.assert_allclose(references.written(second, reference), left[1], atol=1e-6)
    np.testing.assert_allclose(first, second, atol=0.05)


def test_one_way_readings_follow_a_still_model():
    layout, compressor = line(200), TopK(share=0.05)
    model = np.random.default_rng(1).normal(size=200).astype(np.float32)
    reference = unknown(200)
    for _ in range(60):
        reference = told(compressor, layout, model, reference)
    assert norm(model - reference) < 1e-3 * norm(model)


def test_fingerprint_tells_every_difference():
    one, other = np.zeros(4, np.float32), np.array([0, 0, 0, 1e-30], np.float32)
    kinds = [{}, {"model": one}, {"model": other}, {"anchor": one}, {"model": one, "anchor": one}, {"model": one[:3]}]
    assert len({references.reference_fingerprint(each) for each in kinds}) == len(kinds)
    assert references.reference_fingerprint({"a": one, "b": other}) == references.reference_fingerprint(
        {"b": other.copy(), "a": one.copy()}
    )


def test_ends_that_no_longer_agree_notice_it_and_begin_anew():
    """The receiver has lost its reference: the message is refused, and both go back to zeros."""
    layout, compressor = line(50), TopK(share=0.1)
    model = np.random.default_rng(1).normal(size=50).astype(np.float32)
    held = told(compressor, layout, model, unknown(50))

    def message(reference):
        fingerprint = references.reference_fingerprint({"model": reference})
        header = Header("a", 0, "0" * 64, layout.fingerprint(), codec(compressor), 1, 0.0, fingerprint)
        return pack(header, {"model": references.written(model, reference)}, compressor, layout)

    def heard(payload, reference):
        fingerprint = references.reference_fingerprint({"model": reference})
        agreed = {"base": "0" * 64, "layout": layout, "compressor": compressor, "parts": ("model",)}
        _, parts = unpack(payload, **agreed, reference=fingerprint)
        return references.read(parts["model"], reference)

    np.testing.assert_array_equal(heard(message(held), held), told(compressor, layout, model, held))
    lost = unknown(50)
    with pytest.raises(RefusalError) as refusal:
        heard(message(held), lost)
    assert refusal.value.reason == "other reference"
    np.testing.assert_array_equal(heard(message(lost), lost), held)
