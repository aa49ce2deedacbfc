"""What: the network, the tiles of every satellite and the tiles everybody is scored on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitfl.data.loading import load
from orbitfl.data.tiles import Tiles, content_hash
from orbitfl.files import cache_folder
from orbitfl.models import checkpoint
from orbitfl.models.mobile_sam import MobileSam, build
from orbitfl.models.trainable import trained_keys
from orbitfl.scenario import Scenario
from orbitfl.training.embeddings import kept_embeddings
from orbitfl.training.learner import DecoderLearner, Lessons
from orbitfl.training.prompts import PROMPTS

PARTITION = 0
"""Purposes of the scenario's seed; training draws from [seed, TRAINING, satellite]."""
TRAINING = 1

Notify = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Classroom:
    """Everything that learning needs, the same for every strategy.

    parts: per satellite, the indices of its tiles in `lessons`. hashes: SHA-256 of the tiles, for provenance.
    """

    learner: DecoderLearner
    lessons: Lessons
    parts: tuple[NDArray[np.intp], ...]
    exam: Lessons
    hashes: dict[str, str]


def open_classroom(scenario: Scenario, satellite_count: int, notify: Notify) -> Classroom:
    """Load weights and tiles, and compute the embeddings that are not kept yet."""
    learner = load_learner(scenario)
    tiles, exam = (load(data, cache_folder()) for data in (scenario.data, scenario.evaluation.data))
    rng = np.random.default_rng([scenario.seed, PARTITION])
    return Classroom(
        learner,
        _lessons(learner.model, tiles, scenario, notify, "training tiles"),
        scenario.data.partition.split(tiles, satellite_count, rng),
        _lessons(learner.model, exam, scenario, notify, "evaluation tiles"),
        {"data": content_hash(tiles), "evaluation": content_hash(exam)},
    )


def load_learner(scenario: Scenario) -> DecoderLearner:
    """The scenario's network with its launch weights, ready to learn what the scenario lets it."""
    options = scenario.model
    model = build(options.kind, options.image_px)
    model.load_state_dict(checkpoint.load(options.weights, options.kind))
    return DecoderLearner(model, trained_keys(model, options.trainable), scenario.training)


def _lessons(model: MobileSam, tiles: Tiles, scenario: Scenario, notify: Notify, name: str) -> Lessons:
    def on_progress(done: int, total: int) -> None:
        notify(f"encoding {name}", done, total)

    folder = cache_folder() / "embeddings"
    embeddings = kept_embeddings(model, tiles.images, content_hash(tiles), folder, on_progress)
    return Lessons(embeddings, tiles.masks, PROMPTS[scenario.training.prompt](tiles.masks))
