"""Lessons small enough for seconds: bright discs on dark ground, seen by an untrained nano encoder."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from orbitfl.models.mobile_sam import MobileSam, build
from orbitfl.training.embeddings import encode
from orbitfl.training.learner import Lessons
from orbitfl.training.prompts import Prompts

SIDE_PX = 64


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Bits depend on how many threads share an operation, and so small ones are fastest alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def discs() -> tuple[np.ndarray, np.ndarray]:
    """Images (12, 64, 64, 3) and masks (12, 64, 64): a disc of other colour is the water."""
    rng = np.random.default_rng(0)
    row, column = np.indices((SIDE_PX, SIDE_PX))
    centres = rng.uniform(20, 44, (12, 2, 1, 1))
    masks = ((row - centres[:, 0]) ** 2 + (column - centres[:, 1]) ** 2 < 14**2).astype(np.uint8)
    images = np.where(masks[..., None] == 1, [30, 60, 160], [150, 140, 90]) + rng.integers(-15, 15, (12, 64, 64, 3))
    return images.astype(np.uint8), masks


@pytest.fixture
def model() -> MobileSam:
    torch.manual_seed(0)
    return build("mobile_sam_nano", SIDE_PX)


@pytest.fixture
def lessons(model: MobileSam, discs: tuple[np.ndarray, np.ndarray]) -> Lessons:
    images, masks = discs
    return Lessons(encode(model, images), masks, Prompts())
