"""Images in, masks out: sizes, padding, and closeness to PIL's antialiased bilinear filter."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from orbitfl.errors import DataError
from orbitfl.models.preprocess import DEVIATION, MEAN, normalise, prepare, restore, scale_points, scaled_sides

SIDES = st.integers(1, 5000)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (1, height, width, 3), dtype=np.uint8)


def grey_levels(prepared: torch.Tensor) -> np.ndarray:
    return prepared[0].permute(1, 2, 0).numpy() * DEVIATION + MEAN


@given(SIDES, SIDES, st.sampled_from([256, 512, 1024]))
def test_long_side_fills_the_frame(height: int, width: int, image_size: int) -> None:
    sides = scaled_sides(height, width, image_size)
    assert max(sides) == image_size
    for old, new in zip((height, width), sides, strict=True):
        assert new >= 1
        assert abs(new - old * image_size / max(height, width)) <= 0.5 + 1e-9 or new == 1


@pytest.mark.parametrize(("height", "width"), [(200, 300), (517, 259), (64, 64), (50, 31)])
def test_scaling_is_that_of_pil(height: int, width: int) -> None:
    image = noise(height, width)
    new_height, new_width = scaled_sides(height, width, 128)
    ours = grey_levels(prepare(image, 128))[:new_height, :new_width]
    theirs = np.asarray(Image.fromarray(image[0]).resize((new_width, new_height), Image.Resampling.BILINEAR))
    assert np.abs(ours - theirs).max() <= 1.001  # PIL rounds to whole grey levels twice


def test_padding_is_zero_right_and_below() -> None:
    prepared = prepare(noise(20, 40), 64)
    assert prepared.shape == (1, 3, 64, 64)
    assert (prepared[:, :, 32:] == 0).all()
    assert (prepared[:, :, :32] != 0).all()


def test_images_of_the_frame_s_size_are_only_normalised() -> None:
    image = noise(64, 64)
    by_hand = ((image[0].astype(np.float64) - MEAN) / DEVIATION).transpose(2, 0, 1)
    np.testing.assert_allclose(normalise(image)[0].numpy(), by_hand, atol=1e-6)
    torch.testing.assert_close(prepare(image, 64), normalise(image))


def test_takes_memory_maps_and_views_as_they_are() -> None:
    image = noise(32, 32)
    mirrored = image[:, :, ::-1]
    mirrored.flags.writeable = False
    assert torch.equal(normalise(mirrored), normalise(image).flip(3))


@pytest.mark.parametrize("shape", [(64, 64, 3), (1, 3, 64, 64), (1, 0, 64, 3)])
def test_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"\(B, H, W, 3\)"):
        prepare(np.zeros(shape, np.uint8), 64)


@pytest.mark.parametrize(("height", "width"), [(200, 300), (90, 40), (64, 64)])
def test_a_mask_comes_back_to_its_place(height: int, width: int) -> None:
    """A plane through the frame, zero on a line through a chosen point, is zero there in the image too."""
    image_size = 256
    edge_x, edge_y = 0.4 * width, 0.7 * height
    (frame_x, frame_y), _ = scale_points(torch.tensor([[edge_x, edge_y], [0, 0]]), height, width, image_size)
    centre = 4 * torch.arange(image_size // 4) + 2.0
    planes = torch.stack(torch.broadcast_tensors(centre - frame_x, centre[:, None] - frame_y))
    restored = restore(planes[None], height, width)
    assert restored.shape == (1, 2, height, width)
    columns, rows = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    # Beyond the outermost cell's centre, interpolation repeats the edge; the sign holds all the same.
    clear_x, clear_y = (columns - edge_x).abs() > 0.01, (rows - edge_y).abs() > 0.01
    assert ((restored[0, 0] > 0) == (columns > edge_x)).all(dim=0)[clear_x].all()
    assert ((restored[0, 1] > 0) == (rows > edge_y)[:, None]).all(dim=1)[clear_y].all()


def test_corners_scale_to_corners() -> None:
    corners = torch.tensor([[0.0, 0.0], [300.0, 200.0]])
    sides = scaled_sides(200, 300, 256)
    assert scale_points(corners, 200, 300, 256).tolist() == [[0, 0], [sides[1], sides[0]]]
