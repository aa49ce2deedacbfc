"""Scenes, truth, and what the model said of them before and after the mission."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from orbitfl.data.loading import load
from orbitfl.data.tiles import IGNORE, Tiles, content_hash
from orbitfl.errors import DataError
from orbitfl.experiment.classroom import load_learner
from orbitfl.experiment.result import RunResult
from orbitfl.files import cache_folder
from orbitfl.models import checkpoint
from orbitfl.report.plots import chosen
from orbitfl.report.provenance import flat
from orbitfl.results import AVERAGE, read_provenance
from orbitfl.training.embeddings import encode
from orbitfl.training.learner import DecoderLearner, Lessons
from orbitfl.training.prompts import PROMPTS
from orbitfl.training.scores import confusion

MOST = 4
LEAST_WATER = 0.05
QUALITY: dict[str, dict[str, Any]] = {"jpeg": {"quality": 90}, "png": {"optimize": True}}
LAND, WATER, MISSED, INVENTED, UNKNOWN = (240, 237, 226), (0, 114, 178), (240, 228, 66), (213, 94, 0), (150, 150, 150)
"""Okabe and Ito's blue, yellow and vermillion on pale ground."""


@dataclass(frozen=True)
class Example:
    """Pictures as data URLs. before, after: with the mIoU of this tile in percent."""

    scene: str
    name: str
    truth: str
    before: str
    after: str
    before_miou: float
    after_miou: float


def examples(result: RunResult) -> list[Example]:
    """A few tiles of the evaluation, spread over its scenes, by the launch model and the average model at the end.

    Raises OrbitflError if the data or the checkpoint are no longer where they were, or other ones than in the run.
    """
    if result.folder is None:
        raise DataError("The run was not written to a folder, so its checkpoints are not known.")
    tiles = load(result.scenario.evaluation.data, cache_folder())
    _require_the_same(tiles, result.folder)
    shown = tiles.take(_telling(tiles))
    before = _predicted(load_learner(result.scenario), shown, result)
    model = checkpoint.load_model(
        result.folder / "checkpoints" / f"{AVERAGE}.safetensors", result.scenario.model.image_px
    )
    after = _predicted(DecoderLearner(model, (), result.scenario.training), shown, result)
    return [_example(shown, number, before[number], after[number]) for number in range(len(shown))]


def _require_the_same(tiles: Tiles, folder: Path) -> None:
    known = dict(flat(read_provenance(folder)))
    if known.get("input_sha256 evaluation") != content_hash(tiles):
        raise DataError("The evaluation's scenes are no longer those of the run.")


def _telling(tiles: Tiles) -> NDArray[np.intp]:
    """Of each scene the tile that has most of both land and water; then scenes from wet to dry, evenly spread."""
    share = tiles.water_share()
    mixed = np.minimum(share, 1 - share)
    best = [max(np.flatnonzero(tiles.scene == scene), key=lambda tile: mixed[tile]) for scene in np.unique(tiles.scene)]
    telling = [tile for tile in best if mixed[tile] >= LEAST_WATER] or best
    ordered = sorted(telling, key=lambda tile: share[tile], reverse=True)
    return np.array(ordered, dtype=np.intp)[chosen(len(ordered), MOST)]


def _predicted(learner: DecoderLearner, tiles: Tiles, result: RunResult) -> NDArray[np.bool_]:
    """Water (n, H, W)."""
    prompts = PROMPTS[result.scenario.training.prompt](tiles.masks)
    lessons = Lessons(encode(learner.model, tiles.images), tiles.masks, prompts)
    return learner.water(learner.launch, lessons)


def _example(tiles: Tiles, number: int, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Example:
    mask = tiles.masks[number]
    return Example(
        scene=_url(tiles.images[number], "jpeg"),
        name=tiles.scene_names[tiles.scene[number]],
        truth=_url(_painted(mask == 1, mask), "png"),
        before=_url(_painted(before, mask), "png"),
        after=_url(_painted(after, mask), "png"),
        before_miou=confusion(before, mask).miou,
        after_miou=confusion(after, mask).miou,
    )


def _painted(water: NDArray[np.bool_], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3): blue where water is rightly seen, yellow where missed, vermillion where there is none."""
    picture = np.full((*mask.shape, 3), LAND, np.uint8)
    picture[water & (mask == 1)] = WATER
    picture[~water & (mask == 1)] = MISSED
    picture[water & (mask == 0)] = INVENTED
    picture[mask == IGNORE] = UNKNOWN
    return picture


def _url(picture: NDArray[np.uint8], form: Literal["jpeg", "png"]) -> str:
    """A picture (H, W, 3) of at most 256 pixels a side; scenes are photographs, where JPEG takes a fifth of PNG."""
    from matplotlib import image

    step = max(1, -(-picture.shape[1] // 256))
    content = io.BytesIO()
    image.imsave(content, np.ascontiguousarray(picture[::step, ::step]), format=form, pil_kwargs=QUALITY[form])
    return f"data:image/{form};base64,{base64.b64encode(content.getvalue()).decode()}"
