"""How a checkpoint or a baseline does on scenes with masks, with all that is needed to cite the figure.

A network is imported only where one is appraised, so that an index needs no torch.
"""

import math
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from orbitfl.data.loading import load, scenes
from orbitfl.data.options import FolderData
from orbitfl.data.tiles import Tiles, content_hash
from orbitfl.progress import Notify
from orbitfl.training.baselines.indices import CHANNELS, THRESHOLDS, score_index
from orbitfl.training.scores import Confusion

Prompt = Literal["none", "points", "box"]


@dataclass(frozen=True)
class Appraisal:
    """The pixels that one contestant got right and wrong on `tiles` of `data`; `contestant` says what it was."""

    contestant: dict[str, Any]
    data: FolderData
    tiles: Tiles
    counts: Confusion

    def scores(self) -> dict[str, float | int | None]:
        """Percent and pixel counts, from one confusion matrix; None where there is nothing to divide by."""
        counts, percent = self.counts, ("iou_water", "iou_land", "miou")
        pixels = asdict(counts)
        return {
            **{name: _number(getattr(counts, name)) for name in percent},
            **pixels,
            "pixels": sum(pixels.values()),
            "tiles": len(self.tiles),
            "scenes": len(self.tiles.scene_names),
        }

    def cited(self) -> dict[str, Any]:
        """Scores, contestant and data, as one object of JSON."""
        return {**self.scores(), **self.contestant, "data": _told(self.data, self.tiles), "versions": _versions()}


def appraise_checkpoint(
    weights: str | Path, data: FolderData, image_px: int, prompt: Prompt, cache: Path, notify: Notify
) -> Appraisal:
    """Score MobileSAM weights. Raises WeightsError or DataError where they, the scenes or the prompt cannot be used."""
    from orbitfl.models.checkpoint import load_model
    from orbitfl.models.weights import digest, locate
    from orbitfl.training.evaluate import score_model

    model, tiles = load_model(weights, image_px), load(data, cache)
    counts = score_model(model, tiles, lambda done, total: notify("scoring", done, total), prompt)
    contestant = {
        "checkpoint": str(weights),
        "sha256": digest(locate(weights)),
        "model": model.variant.name,
        "image_px": image_px,
        "prompt": prompt,
    }
    return Appraisal(contestant, data, tiles, counts)


def appraise_index(name: str, data: FolderData, cache: Path, notify: Notify) -> Appraisal:
    """Score water by NDWI, with the threshold called `name`. Raises DataError where scenes have no B03 and B08."""
    data = replace(data, bands=CHANNELS)
    found, tiles = scenes(data, cache), load(data, cache)
    counts = score_index(found, tiles, THRESHOLDS[name], lambda done, total: notify("scoring", done, total))
    return Appraisal({"baseline": name}, data, tiles, counts)


def appraise_unet(data: FolderData, train: FolderData, schooling: Any, cache: Path, notify: Notify) -> Appraisal:
    """Teach a U-Net on `train` as `schooling` (baselines.unet.Schooling) says, and score it on `data`."""
    import torch

    from orbitfl.training.baselines.unet import parameter_count, score, teach

    taught, tiles = load(train, cache), load(data, cache)
    network = teach(taught, schooling, lambda done, total: notify("training", done, total))
    counts = score(network, tiles, lambda done, total: notify("scoring", done, total))
    training = {
        **_told(train, taught),
        **asdict(schooling),
        "loss": "bce_dice",
        "optimizer": "adamw",
        "tiles": len(taught),
        "threads": torch.get_num_threads(),
    }
    contestant = {"baseline": "unet", "parameters": parameter_count(network), "training": training}
    return Appraisal(contestant, data, tiles, counts)


def _told(data: FolderData, tiles: Tiles) -> dict[str, Any]:
    """Which tiles these are: the hash is of their pixels and masks, whatever the files were called."""
    shown = {name: getattr(data, name) for name in ("path", "bands", "tile_px", "rule", "stretch")}
    return {**shown, "sha256": content_hash(tiles)}


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("orbitfl", "torch", "numpy", "rasterio")}


def _number(score: float) -> float | None:
    return None if math.isnan(score) else score
