"""The score of any network on any tiles, without keeping embeddings."""

from collections.abc import Callable

from orbitfl.data.tiles import Tiles
from orbitfl.models.mobile_sam import MobileSam
from orbitfl.training.embeddings import encode
from orbitfl.training.learner import DecoderLearner, Lessons
from orbitfl.training.options import Training
from orbitfl.training.prompts import Prompts
from orbitfl.training.scores import Confusion

CHUNK = 16


def score_model(
    model: MobileSam, tiles: Tiles, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Confusion:
    """Every valid pixel of `tiles` counted once, without any prompt."""
    learner = DecoderLearner(model, (), Training())
    counts = Confusion()
    for first in range(0, len(tiles), CHUNK):
        chunk = slice(first, first + CHUNK)
        lessons = Lessons(encode(model, tiles.images[chunk]), tiles.masks[chunk], Prompts())
        counts += learner.score(learner.launch, lessons)
        on_progress(min(first + CHUNK, len(tiles)), len(tiles))
    return counts
