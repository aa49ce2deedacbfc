"""How much time kept embeddings save, on this machine."""

import time
from collections.abc import Callable

import numpy as np
import torch

from orbitfl.models.mobile_sam import build
from orbitfl.models.trainable import trained_keys
from orbitfl.training.embeddings import encode
from orbitfl.training.learner import DecoderLearner, Lessons
from orbitfl.training.options import Training
from orbitfl.training.prompts import Prompts


def time_steps(variant: str, image_px: int, batch_size: int, repeats: int) -> dict[str, float]:
    """Seconds of one training step on random tiles: `kept_s` from embeddings, `naive_s` with the encoder's forward
    pass in every step; the fastest of `repeats` of each, taken in turns."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch_size, image_px, image_px, 3), dtype=np.uint8)
    masks = rng.integers(0, 2, (batch_size, image_px, image_px), dtype=np.uint8)
    model = build(variant, image_px)
    learner = DecoderLearner(model, trained_keys(model), Training(batch_size=batch_size))
    start, own, embeddings = learner.start(), np.arange(batch_size), encode(model, images)

    def step(view: np.ndarray) -> None:
        learner.train(start, Lessons(view, masks, Prompts()), own, 1, (0,))

    kept_s, naive_s = [], []
    for _ in range(repeats + 1):
        kept_s.append(_seconds(lambda: step(embeddings)))
        naive_s.append(_seconds(lambda: step(encode(model, images))))
    kept, naive = min(kept_s[1:]), min(naive_s[1:])
    return {"kept_s": kept, "naive_s": naive, "ratio": naive / kept, "threads": torch.get_num_threads()}


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
