"""The decoder learns, and nothing else changes."""

import numpy as np
import pytest
import torch

from orbitfl.errors import DivergedError
from orbitfl.models.trainable import trained_keys
from orbitfl.training.learner import DecoderLearner, Lessons, draw
from orbitfl.training.options import Training
from orbitfl.training.prompts import PROMPTS

OWN = np.arange(12)
OPTIONS = Training(learning_rate=2e-3, batch_size=4)


@pytest.fixture
def learner(model) -> DecoderLearner:
    return DecoderLearner(model, trained_keys(model), OPTIONS)


def test_learns_discs(learner: DecoderLearner, lessons: Lessons):
    start = learner.start()
    before = learner.score(start.weights, lessons)
    after, _ = learner.train(start, lessons, OWN, 120, (0,))
    assert learner.score(after.weights, lessons).miou > max(80, before.miou + 20)


@pytest.mark.parametrize("prompt", ["points", "box"])
def test_prompts_reach_the_decoder(learner: DecoderLearner, lessons: Lessons, prompt: str):
    """Trained with a prompt, the answer follows the prompt: told about another tile, it gets worse."""
    told = Lessons(lessons.embeddings, lessons.masks, PROMPTS[prompt](lessons.masks))
    misled = Lessons(lessons.embeddings, lessons.masks, PROMPTS[prompt](np.roll(lessons.masks, 1, axis=0)))
    after, _ = learner.train(learner.start(), told, OWN, 40, (0,))
    assert learner.score(after.weights, told).miou > learner.score(after.weights, misled).miou


def test_session_cut_in_two_is_the_same_session(learner: DecoderLearner, lessons: Lessons):
    whole, _ = learner.train(learner.start(), lessons, OWN, 5, (3, 1))
    first, _ = learner.train(learner.start(), lessons, OWN, 2, (3, 1))
    second, _ = learner.train(first, lessons, OWN, 3, (3, 1))
    assert np.array_equal(whole.weights, second.weights)


def test_satellites_do_not_disturb_each_other(learner: DecoderLearner, lessons: Lessons):
    alone, _ = learner.train(learner.start(), lessons, OWN, 3, (0, 0))
    learner.train(learner.start(), lessons, OWN, 3, (0, 1))
    learner.score(alone.weights, lessons)
    again, _ = learner.train(learner.start(), lessons, OWN, 3, (0, 0))
    assert np.array_equal(alone.weights, again.weights)


def test_frozen_parts_and_statistics_stay(learner: DecoderLearner, lessons: Lessons):
    before = {name: value.clone() for name, value in learner.model.state_dict().items()}
    learner.train(learner.start(), lessons, OWN, 3, (0,))
    changed = {name for name, value in learner.model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == set(trained_keys(learner.model))


def test_first_step_is_adamw(model, lessons: Lessons):
    """From zero moments AdamW moves each entry by lr against the gradient's sign, after decay (Loshchilov & Hutter,
    arXiv 1711.05101, algorithm 2)."""
    learner = DecoderLearner(model, trained_keys(model), Training(learning_rate=1e-3, weight_decay=0.1, batch_size=12))
    name = "mask_decoder.output_upscaling.0.bias"
    launch = learner.named(learner.start().weights)[name]
    after, _ = learner.train(learner.start(), lessons, OWN, 1, (0,))
    step = learner.named(after.weights)[name] - launch * (1 - 1e-3 * 0.1)
    np.testing.assert_allclose(np.abs(step), 1e-3, rtol=1e-2)


def test_what_has_diverged_is_neither_sent_nor_scored(model, lessons: Lessons):
    learner = DecoderLearner(model, trained_keys(model), Training(learning_rate=1e6))
    with pytest.raises(DivergedError, match=r"learning_rate 1e\+06 is too large"):
        learner.train(learner.start(), lessons, OWN, 20, (0,))
    weights = np.full_like(learner.launch, np.nan)
    for use in (learner.score, learner.water):
        with pytest.raises(DivergedError, match="NaN"):
            use(weights, lessons)


def test_draw_passes_over_every_tile_once_per_epoch():
    drawn = np.concatenate([draw(10, start, 4, (5,)) for start in range(0, 40, 4)])
    for epoch in range(4):
        assert sorted(drawn[10 * epoch : 10 * epoch + 10]) == list(range(10))
    assert not np.array_equal(drawn[:10], drawn[10:20])
    assert np.array_equal(draw(10, 6, 6, (5,)), drawn[6:12])
