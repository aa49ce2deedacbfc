"""What: the network, the tiles of every satellite and the tiles everybody is scored on."""

from dataclasses import dataclass, replace

import numpy as np

from orbitfl.data.loading import load
from orbitfl.data.partition import Holding
from orbitfl.data.tiles import Tiles, content_hash
from orbitfl.errors import DataError
from orbitfl.experiment.survey import Survey
from orbitfl.files import cache_folder
from orbitfl.models import checkpoint
from orbitfl.models.identity import sha256_of
from orbitfl.models.mobile_sam import MobileSam, build
from orbitfl.models.trainable import equip
from orbitfl.progress import Notify
from orbitfl.purposes import Purpose
from orbitfl.scenario import Scenario
from orbitfl.training.embeddings import kept_embeddings
from orbitfl.training.learner import DecoderLearner, Lessons
from orbitfl.training.prompts import PROMPTS


@dataclass(frozen=True)
class Classroom:
    """Everything that learning needs, the same for every strategy.

    holdings: per satellite, its tiles by their numbers in `lessons`. event: the tiles to map in the disaster.
    hashes: SHA-256 of the tiles, for provenance. base: that of the launch checkpoint, frozen parts and all, on which
    all who exchange updates have to agree.
    """

    learner: DecoderLearner
    lessons: Lessons
    holdings: tuple[Holding, ...]
    exam: Lessons
    event: Lessons | None
    hashes: dict[str, str]
    base: str


def open_classroom(scenario: Scenario, learner: DecoderLearner, known: Survey, notify: Notify) -> Classroom:
    """Load the tiles to score on, and compute the embeddings that are not kept yet."""
    exam = load(scenario.evaluation.data, cache_folder())
    _require_both(exam)
    tiles = {"training": known.tiles, "evaluation": exam}
    if known.event_tiles is not None:
        tiles["event"] = known.event_tiles
    lessons = {name: _lessons(learner.model, each, scenario, notify, f"{name} tiles") for name, each in tiles.items()}
    hashes = {"data" if name == "training" else name: content_hash(each) for name, each in tiles.items()}
    training = _mislabelled(lessons["training"], scenario)
    exam, event, base = lessons["evaluation"], lessons.get("event"), sha256_of(learner.model.state_dict())
    return Classroom(learner, training, known.holdings, exam, event, hashes, base)


def _require_both(exam: Tiles) -> None:
    """Raises DataError for tiles on which no model has an mIoU, before anything is learnt."""
    for value, name in ((1, "water"), (0, "land")):
        if not (exam.masks == value).any():
            raise DataError(
                f"The tiles of evaluation.data show no {name}, so no mIoU is told by them; add some with it."
            )


def load_learner(scenario: Scenario) -> DecoderLearner:
    """The scenario's network with its launch weights, ready to learn what the scenario lets it."""
    options = scenario.model
    model = build(options.kind, options.image_px)
    model.load_state_dict(checkpoint.load(options.weights, options.kind))
    learns = equip(model, options.trainable, options.lora_rank, options.prompt_tokens)
    return DecoderLearner(model, learns, scenario.training)


def _mislabelled(lessons: Lessons, scenario: Scenario) -> Lessons:
    """A share of the tiles with each other's masks, by lot: what careless labelling does."""
    share = scenario.faults.label_noise
    if not share:
        return lessons
    rng = np.random.default_rng([scenario.seed, Purpose.LABEL_NOISE])
    count = round(share * len(lessons))
    # A single tile has nobody to change masks with.
    wrong = rng.choice(len(lessons), 2 if count == 1 < len(lessons) else count, replace=False)
    masks = lessons.masks.copy()
    masks[wrong] = lessons.masks[np.roll(wrong, 1)]
    return replace(lessons, masks=masks, prompts=PROMPTS[scenario.training.prompt](masks))


def _lessons(model: MobileSam, tiles: Tiles, scenario: Scenario, notify: Notify, name: str) -> Lessons:
    def on_progress(done: int, total: int) -> None:
        notify(f"encoding {name}", done, total)

    folder = cache_folder() / "embeddings"
    embeddings = kept_embeddings(model, tiles.images, content_hash(tiles), folder, on_progress)
    return Lessons(embeddings, tiles.masks, PROMPTS[scenario.training.prompt](tiles.masks))
