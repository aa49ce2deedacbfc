"""One vector of parameters learns what a hundred tensors would, to the last bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from orbitfl.models.mobile_sam import MobileSam, build
from orbitfl.models.preprocess import restore
from orbitfl.models.trainable import trained_keys
from orbitfl.training.flat import FlatParameters
from orbitfl.training.learner import DecoderLearner, Lessons, draw
from orbitfl.training.loss import bce_dice
from orbitfl.training.options import Training

OWN = np.arange(12)
OPTIONS = Training(learning_rate=2e-3, batch_size=4)


def plainly_trained(model: MobileSam, lessons: Lessons, steps: int, seed: tuple[int, ...]) -> list[np.ndarray]:
    """torch's own loop: a list of parameters, gradients set to None, AdamW tensor by tensor."""
    names = trained_keys(model)
    model.requires_grad_(False)
    parameters = [value.requires_grad_(True) for name, value in model.named_parameters() if name in names]
    adamw = torch.optim.AdamW(parameters, lr=OPTIONS.learning_rate, weight_decay=OPTIONS.weight_decay, fused=True)
    for step in range(steps):
        batch = OWN[draw(len(OWN), 4 * step, 4, seed)]
        adamw.zero_grad()
        logits, _ = model.decode(torch.from_numpy(lessons.embeddings[batch]))
        loss = bce_dice(restore(logits, *lessons.masks.shape[1:]), torch.from_numpy(lessons.masks[batch])[:, None])
        loss.backward()
        adamw.step()
    return [value.detach().numpy() for value in parameters]


def test_learns_bit_for_bit_what_torch_learns_tensor_by_tensor(model: MobileSam, lessons: Lessons):
    other = build("mobile_sam_nano", lessons.masks.shape[1])
    other.load_state_dict(model.state_dict())
    expected = plainly_trained(other, lessons, 7, (3, 1))
    learner = DecoderLearner(model, trained_keys(model), OPTIONS)
    first, _ = learner.train(learner.start(), lessons, OWN, 3, (3, 1))
    after, _ = learner.train(first, lessons, OWN, 4, (3, 1))
    assert np.array_equal(after.weights, np.concatenate([value.ravel() for value in expected]))


def test_a_session_leaves_the_state_it_began_with(model: MobileSam, lessons: Lessons):
    learner = DecoderLearner(model, trained_keys(model), OPTIONS)
    begun, _ = learner.train(learner.start(), lessons, OWN, 2, (0,))
    assert begun.moments is not None and begun.moments.steps == 2 and begun.drawn == 8
    kept = [array.copy() for array in (begun.weights, begun.moments.first, begun.moments.second)]
    after, _ = learner.train(begun, lessons, OWN, 2, (0,))
    assert after.moments is not None and after.moments.steps == 4
    for array, before in zip((begun.weights, begun.moments.first, begun.moments.second), kept, strict=True):
        assert np.array_equal(array, before)
    assert not np.shares_memory(after.weights, learner.train(after, lessons, OWN, 1, (0,))[0].weights)


def test_moments_rebuilt_from_copies_go_on_alike(model: MobileSam, lessons: Lessons):
    """Three arrays and two numbers are the whole state: it can be saved and read back."""
    learner = DecoderLearner(model, trained_keys(model), OPTIONS)
    begun, _ = learner.train(learner.start(), lessons, OWN, 2, (0,))
    assert begun.moments is not None
    moments = replace(begun.moments, first=begun.moments.first.copy(), second=begun.moments.second.copy())
    rebuilt = replace(begun, weights=begun.weights.copy(), moments=moments)
    one, _ = learner.train(begun, lessons, OWN, 2, (0,))
    two, _ = learner.train(rebuilt, lessons, OWN, 2, (0,))
    assert np.array_equal(one.weights, two.weights)


def test_names_and_shapes_stand_in_the_order_of_the_vector(model: MobileSam):
    values = {name: value.detach().numpy().copy() for name, value in model.named_parameters()}
    learner = DecoderLearner(model, trained_keys(model), OPTIONS)
    assert learner.shapes == tuple((name, values[name].shape) for name in trained_keys(model))
    named = learner.named(learner.launch)
    assert all(np.array_equal(named[name], values[name]) for name in named) and len(named) == len(learner.shapes)
    assert all(np.shares_memory(value, learner.launch) for value in named.values())


def test_the_network_follows_the_vector():
    layer = nn.Linear(2, 1)
    flat = FlatParameters(dict(layer.named_parameters()))
    flat.write(np.array([2, 3, 5], dtype=np.float32))
    assert layer(torch.tensor([10.0, 100.0])).item() == 325
    layer(torch.tensor([10.0, 100.0])).backward()
    assert flat.slopes.tolist() == [10, 100, 1]
    with pytest.raises(ValueError, match="3 parameters"):
        flat.write(np.zeros(4, dtype=np.float32))
