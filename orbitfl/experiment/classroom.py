"""What: the network, the tiles of every satellite and the tiles everybody is scored on."""

from collections.abc import Callable
from dataclasses import dataclass

from orbitfl.data.loading import load
from orbitfl.data.partition import Holding
from orbitfl.data.tiles import Tiles, content_hash
from orbitfl.experiment.survey import Survey
from orbitfl.files import cache_folder
from orbitfl.models import checkpoint
from orbitfl.models.mobile_sam import MobileSam, build
from orbitfl.models.trainable import equip
from orbitfl.scenario import Scenario
from orbitfl.training.embeddings import kept_embeddings
from orbitfl.training.learner import DecoderLearner, Lessons
from orbitfl.training.prompts import PROMPTS

TRAINING = 1
"""A purpose of the scenario's seed: training draws from [seed, TRAINING, satellite]."""

Notify = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Classroom:
    """Everything that learning needs, the same for every strategy.

    holdings: per satellite, its tiles by their numbers in `lessons`. event: the tiles to map in the disaster.
    hashes: SHA-256 of the tiles, for provenance.
    """

    learner: DecoderLearner
    lessons: Lessons
    holdings: tuple[Holding, ...]
    exam: Lessons
    event: Lessons | None
    hashes: dict[str, str]


def open_classroom(scenario: Scenario, known: Survey, notify: Notify) -> Classroom:
    """Load weights and the tiles to score on, and compute the embeddings that are not kept yet."""
    learner, exam = load_learner(scenario), load(scenario.evaluation.data, cache_folder())
    tiles = {"training": known.tiles, "evaluation": exam}
    if known.event_tiles is not None:
        tiles["event"] = known.event_tiles
    lessons = {name: _lessons(learner.model, each, scenario, notify, f"{name} tiles") for name, each in tiles.items()}
    hashes = {"data" if name == "training" else name: content_hash(each) for name, each in tiles.items()}
    return Classroom(learner, lessons["training"], known.holdings, lessons["evaluation"], lessons.get("event"), hashes)


def load_learner(scenario: Scenario) -> DecoderLearner:
    """The scenario's network with its launch weights, ready to learn what the scenario lets it."""
    options = scenario.model
    model = build(options.kind, options.image_px)
    model.load_state_dict(checkpoint.load(options.weights, options.kind))
    learns = equip(model, options.trainable, options.lora_rank, options.prompt_tokens)
    return DecoderLearner(model, learns, scenario.training)


def _lessons(model: MobileSam, tiles: Tiles, scenario: Scenario, notify: Notify, name: str) -> Lessons:
    def on_progress(done: int, total: int) -> None:
        notify(f"encoding {name}", done, total)

    folder = cache_folder() / "embeddings"
    embeddings = kept_embeddings(model, tiles.images, content_hash(tiles), folder, on_progress)
    return Lessons(embeddings, tiles.masks, PROMPTS[scenario.training.prompt](tiles.masks))
