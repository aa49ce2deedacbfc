"""The U-Net: its shape, that it learns, and that it does so alike twice."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from orbitfl.data.tiles import IGNORE, Tiles
from orbitfl.errors import DataError, DivergedError
from orbitfl.training.baselines.unet import Schooling, UNet, score, teach


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def dark_water(count: int = 6, edge_px: int = 32, seed: int = 0) -> Tiles:
    """Tiles in which water is dark, land bright, and a corner not known."""
    rng = np.random.default_rng(seed)
    masks = (rng.random((count, edge_px // 8, edge_px // 8)) < 0.5).repeat(8, 1).repeat(8, 2).astype(np.uint8)
    images = np.where(masks[..., None] == 1, 40, 180) + rng.integers(-30, 30, (count, edge_px, edge_px, 3))
    masks[:, :4, :4] = IGNORE
    place = np.zeros(count, np.int32)
    return Tiles(images.astype(np.uint8), masks, place, place, place, ("a",))


def test_it_has_about_half_a_million_parameters_and_keeps_the_pixels() -> None:
    network = UNet()
    assert sum(value.numel() for value in network.parameters()) == 484_084
    assert network(torch.zeros(2, 3, 48, 64)).shape == (2, 1, 48, 64)


def test_it_learns_what_is_plain_to_see() -> None:
    network = teach(dark_water(), Schooling(steps=40, learning_rate=3e-3))
    counts = score(network, dark_water(seed=9))
    assert counts.miou > 90
    assert counts.true_water + counts.false_water + counts.false_land + counts.true_land == 6 * (32 * 32 - 16)


def test_equal_seeds_give_equal_weights_whatever_torch_drew_before() -> None:
    schooling = Schooling(steps=3, batch_size=2, seed=4)
    first = teach(dark_water(), schooling).state_dict()
    torch.rand(5)
    again, other = (teach(dark_water(), each).state_dict() for each in (schooling, Schooling(steps=3, batch_size=2)))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_what_has_diverged_is_not_scored() -> None:
    with pytest.raises(DivergedError, match=r"learning_rate 1e\+06 is too large"):
        teach(dark_water(), Schooling(steps=20, learning_rate=1e6))
    network = teach(dark_water(), Schooling(steps=1))
    with torch.no_grad():
        network.head.weight.fill_(float("nan"))
    with pytest.raises(DivergedError, match="NaN"):
        score(network, dark_water())


def test_torchs_own_generator_is_left_alone() -> None:
    state = torch.random.get_rng_state()
    teach(dark_water(), Schooling(steps=1))
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("batch_size", -1),
        ("batch_size", 10**13),
        ("learning_rate", np.nan),
        ("learning_rate", 1e38),
        ("seed", -1),
        ("seed", 2**63),
    ],
)
def test_impossible_schooling(name: str, value: Any) -> None:
    with pytest.raises(DataError, match=f"{name} is"):
        Schooling(**{name: value})


def test_tiles_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="multiples of 16"):
        teach(dark_water(edge_px=40), Schooling(steps=1))
