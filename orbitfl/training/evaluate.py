"""The score of any network on any tiles, without keeping embeddings."""

from typing import Literal

from orbitfl.data.tiles import Tiles
from orbitfl.models.mobile_sam import MobileSam
from orbitfl.progress import Count, uncounted
from orbitfl.training.embeddings import encode
from orbitfl.training.learner import DecoderLearner, Lessons
from orbitfl.training.options import Training
from orbitfl.training.prompts import PROMPTS, Prompts
from orbitfl.training.scores import Confusion

CHUNK = 16


def score_model(
    model: MobileSam,
    tiles: Tiles,
    on_progress: Count = uncounted,
    prompt: Literal["none", "points", "box"] = "none",
) -> Confusion:
    """Every valid pixel of `tiles` counted once; `prompt` as in training's options.

    Raises DataError for a prompt where a tile holds no water.
    """
    learner = DecoderLearner(model, (), Training())
    counts, told = Confusion(), PROMPTS[prompt](tiles.masks)
    for first in range(0, len(tiles), CHUNK):
        chunk = slice(first, first + CHUNK)
        lessons = Lessons(encode(model, tiles.images[chunk]), tiles.masks[chunk], _part(told, chunk))
        counts += learner.score(learner.launch, lessons)
        on_progress(min(first + CHUNK, len(tiles)), len(tiles))
    return counts


def _part(told: Prompts, chunk: slice) -> Prompts:
    return Prompts(
        points=None if told.points is None else told.points[chunk],
        labels=None if told.labels is None else told.labels[chunk],
        boxes=None if told.boxes is None else told.boxes[chunk],
    )
