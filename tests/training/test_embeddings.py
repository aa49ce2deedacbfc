"""Kept embeddings are the encoder's, are found again, and are never stale."""

import numpy as np
import pytest
import torch

from orbitfl.errors import StorageError
from orbitfl.models.preprocess import prepare
from orbitfl.training.embeddings import kept_embeddings


def test_equal_to_the_encoder_and_kept(model, discs, tmp_path):
    images, _ = discs
    seen: list[int] = []
    first = kept_embeddings(model, images, "tiles", tmp_path, lambda done, total: seen.append(done))
    with torch.inference_mode():
        straight = model.encode(prepare(images, model.image_size)).numpy()
    np.testing.assert_allclose(first, straight, atol=1e-5)
    assert isinstance(first, np.memmap) and seen == [8, 12]
    again = kept_embeddings(model, images, "tiles", tmp_path, lambda done, total: pytest.fail("computed twice"))
    assert np.array_equal(first, again)


def test_other_weights_or_tiles_are_other_files(model, discs, tmp_path):
    images, _ = discs
    kept_embeddings(model, images, "tiles", tmp_path)
    kept_embeddings(model, images, "other tiles", tmp_path)
    with torch.no_grad():
        model.image_encoder.get_parameter("patch_embed.seq.0.c.weight").mul_(1.001)
    kept_embeddings(model, images, "tiles", tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_damaged_file_is_named(model, discs, tmp_path):
    images, _ = discs
    kept_embeddings(model, images, "tiles", tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(StorageError, match=f"{path.name} is damaged"):
        kept_embeddings(model, images, "tiles", tmp_path)
