"""The loss against closed forms in NumPy."""

import numpy as np
import pytest
import torch

from orbitfl.training.loss import bce_dice


def by_hand(logits: np.ndarray, truth: np.ndarray) -> float:
    probability, water = 1 / (1 + np.exp(-logits)), truth == 1
    bce = -np.mean(np.log(np.where(water, probability, 1 - probability)))
    dice = 1 - (2 * (probability * water).sum() + 1) / (probability.sum() + water.sum() + 1)
    return bce + dice


def test_formula():
    rng = np.random.default_rng(1)
    logits, truth = rng.normal(0, 2, (5, 7)), rng.integers(0, 2, (5, 7)).astype(np.uint8)
    loss = bce_dice(torch.from_numpy(logits)[None, None], torch.from_numpy(truth)[None, None])
    assert loss.item() == pytest.approx(by_hand(logits, truth), rel=1e-6)


def test_ignored_pixels_give_neither_loss_nor_gradient():
    logits = torch.tensor([[[[0.3, -2.0, 50.0]]]], requires_grad=True)
    loss = bce_dice(logits, torch.tensor([[[[1, 0, 255]]]], dtype=torch.uint8))
    assert loss.item() == pytest.approx(by_hand(np.array([0.3, -2.0]), np.array([1, 0])), rel=1e-6)
    loss.backward()
    assert logits.grad is not None and logits.grad[0, 0, 0, 2] == 0


@pytest.mark.parametrize("truth", [0, 1, 255])
def test_uniform_tiles_stay_finite(truth: int):
    loss = bce_dice(torch.full((2, 1, 4, 4), -80.0), torch.full((2, 1, 4, 4), truth, dtype=torch.uint8))
    assert torch.isfinite(loss)
