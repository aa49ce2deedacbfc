"""What keeping embeddings saves: a training step with them, and one that runs the encoder again."""

import torch

from orbitfl.training.bench import Bench, seconds_of


def time_steps(variant: str, image_px: int, batch_size: int, repeats: int) -> dict[str, float]:
    """Seconds of one training step on random tiles: `kept_s` from embeddings, `naive_s` with the encoder's forward
    pass in every step; the fastest of `repeats` of each, taken in turns."""
    bench = Bench.set_up(variant, image_px, batch_size)
    kept_s, naive_s = [], []
    for _ in range(repeats + 1):
        kept_s.append(seconds_of(lambda: bench.train(bench.embeddings)))
        naive_s.append(seconds_of(lambda: bench.train(bench.encode(bench.images))))
    kept, naive = min(kept_s[1:]), min(naive_s[1:])
    return {"kept_s": kept, "naive_s": naive, "ratio": naive / kept, "threads": torch.get_num_threads()}
