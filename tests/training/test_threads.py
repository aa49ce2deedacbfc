"""What is computed does not depend on how many threads there are."""

from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from orbitfl.models.mobile_sam import build
from orbitfl.training.embeddings import kept_embeddings
from orbitfl.training.threads import own_threads_kept, unshared


def _blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_a_block_that_shares_nothing_gives_back_what_it_found():
    with own_threads_kept(), threadpool_limits(2, user_api="blas"):
        torch.set_num_threads(2)
        with unshared():
            assert torch.get_num_threads() == 1 and _blas_threads() == {1}
        assert torch.get_num_threads() == 2 and _blas_threads() == {2}


def test_embeddings_are_the_same_bytes_for_any_number_of_threads(tmp_path: Path):
    torch.manual_seed(0)
    model = build("mobile_sam", 256)  # Its sums are long enough to be shared out.
    images = np.random.default_rng(0).integers(0, 256, (3, 256, 256, 3), dtype=np.uint8)
    found = []
    with own_threads_kept():
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(kept_embeddings(model, images, "tiles", tmp_path / str(threads)).tobytes())
    assert len(set(found)) == 1
