"""The recipe of nano-base in small: its prompts are true, it repeats itself, and it learns."""

import numpy as np
import pytest
import torch

from orbitfl.training.pretrain import Pretraining, _examples, draw_pool, pretrain

SMALL = Pretraining(scenes=3, scene_px=128, image_px=64, steps=20, batch_size=2)


@pytest.fixture(scope="module")
def examples():
    return _examples(np.random.default_rng(0), draw_pool(0, 3, 128), 24, 64)


def test_points_lie_in_the_region_and_boxes_around_it(examples):
    for region, points, box in zip(examples.regions, examples.points, examples.boxes, strict=True):
        columns, rows = points.astype(int).T
        assert region[rows, columns].all()
        inside = np.argwhere(region)[:, ::-1]
        exact = np.concatenate([inside.min(axis=0), inside.max(axis=0)])
        assert np.abs(box - exact).max() <= 60 and box.min() >= 0 and box.max() <= 63


def test_a_region_is_bounded_by_borders(examples):
    """Going right or down out of a region crosses a border pixel."""
    for region, borders in zip(examples.regions, examples.borders, strict=True):
        leaves = region[:, :-1] != region[:, 1:]
        assert borders[:, :-1][leaves].all()


def test_the_network_is_shown_true_colour_in_other_light(examples):
    shown, true = examples.images.astype(float), examples.bands[..., [2, 1, 0]].astype(float)
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(shown, true, strict=True)]
    assert np.median(alike) > 0.9
    assert not np.array_equal(shown, true)


def test_recipe_repeats_itself_and_learns():
    losses: list[float] = []
    first = pretrain(SMALL, lambda step, loss: losses.append(loss))
    second = pretrain(SMALL)
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    assert not first.training
