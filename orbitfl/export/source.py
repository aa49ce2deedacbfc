"""What is to be exported: the network, what it wants to be shown, and where it comes from."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orbitfl.data.channels import INDICES, shown
from orbitfl.data.options import RGB, Data, FolderData, SyntheticData
from orbitfl.data.tiles import Stretch
from orbitfl.errors import WeightsError
from orbitfl.models.checkpoint import load_model
from orbitfl.models.mobile_sam import MobileSam
from orbitfl.models.weights import check
from orbitfl.results import AVERAGE, read_provenance, read_table
from orbitfl.scenario import Scenario, load

DEFAULT_IMAGE_PX = 256
LICENCES = {
    "official": "Apache-2.0: the weights of MobileSAM (ChaoningZhang/MobileSAM)",
    "nano-base": "GPL-3.0-or-later, as orbitfl, which carries it",
}
OTHER_LICENCE = "not known: that of the given weights and of the data behind them"


@dataclass(frozen=True)
class Source:
    """A network with what a scene has to become before it sees it.

    channels: shown as red, green and blue. evaluation: the tiles that the run itself was scored on, or synthetic ones.
    calibration: those that it was trained on, or other synthetic ones.
    provenance: JSON: the checkpoint and, of a run, its scenario, seed, data, score and lineage.
    """

    model: MobileSam
    channels: tuple[str, ...]
    tile_px: int
    stretch: Stretch
    evaluation: Data
    calibration: Data
    provenance: dict[str, Any]


def find(checkpoint: str, image_px: int | None) -> Source:
    """The source of a run folder (its average checkpoint), a weight file, `nano-base` or `official`.

    `image_px` None: as the run had it, else 256. Raises WeightsError, ScenarioError or StorageError for what is none.
    """
    folder = Path(checkpoint)
    return _of_run(folder, image_px) if folder.is_dir() else _of_file(checkpoint, image_px)


def shown_as(source: Source, bands: str | None, tile_px: int | None) -> Source:
    """The same network, shown other bands (a composite's name, or three with commas) or tiles; None leaves them.

    A weight file does not say what it was taught on. Raises DataError or WeightsError for bands that cannot be shown.
    """
    wanted = tuple(band.strip() for band in bands.split(",")) if bands and "," in bands else bands
    channels = source.channels if wanted is None else _without_indices(shown(wanted))
    tile_px = tile_px or source.tile_px
    evaluation, calibration = (_cut_as(data, channels, tile_px) for data in (source.evaluation, source.calibration))
    return replace(source, channels=channels, tile_px=tile_px, evaluation=evaluation, calibration=calibration)


def _cut_as(data: Data, channels: tuple[str, ...], tile_px: int) -> Data:
    if isinstance(data, SyntheticData):
        data = replace(data, size_px=max(data.size_px, tile_px))
    return replace(data, bands=channels, tile_px=tile_px)


def shown_on(source: Source, folder: Path) -> Source:
    """The same network, to be compared on the scenes of a data folder."""
    data = FolderData(path=str(folder), bands=source.channels, tile_px=source.tile_px, stretch=source.stretch)
    return replace(source, evaluation=data)


def _of_file(checkpoint: str, image_px: int | None) -> Source:
    model = load_model(checkpoint, DEFAULT_IMAGE_PX if image_px is None else image_px)
    provenance = {**_checkpoint(checkpoint), "licence": LICENCES.get(checkpoint, OTHER_LICENCE), "run": None}
    evaluation, calibration = (_synthetic(model.image_size, seed) for seed in (0, 1))
    return Source(model, RGB, model.image_size, "auto", evaluation, calibration, provenance)


def _synthetic(tile_px: int, seed: int) -> SyntheticData:
    size_px = 2 * tile_px if tile_px <= 256 else tile_px
    return SyntheticData(scenes=4, size_px=size_px, tile_px=tile_px, seed=seed)


def run_of(folder: Path) -> tuple[Path, Scenario]:
    """The average checkpoint of a finished run, and the run's scenario. Raises WeightsError for any other folder."""
    weights, scenario = folder / "checkpoints" / f"{AVERAGE}.safetensors", folder / "scenario.yaml"
    if not weights.is_file() or not scenario.is_file() or not (folder / "run.json").is_file():
        raise WeightsError(
            f"{folder} is not a folder of a finished run: it lacks scenario.yaml, run.json or "
            f"{weights.relative_to(folder)}. Give a run's folder, a weight file, official or nano-base."
        )
    return weights, load(scenario)


def _of_run(folder: Path, image_px: int | None) -> Source:
    weights, options = run_of(folder)
    channels = _without_indices(shown(options.data.bands))
    model = load_model(weights, options.model.image_px if image_px is None else image_px)
    launch = options.model.weights
    provenance = {
        **_checkpoint(str(weights)),
        "licence": LICENCES.get(launch, OTHER_LICENCE),
        "run": _history(folder, options),
    }
    data = options.evaluation.data
    return Source(model, channels, data.tile_px, data.stretch, data, options.data, provenance)


def _without_indices(channels: tuple[str, ...]) -> tuple[str, ...]:
    if indices := [channel for channel in channels if channel in INDICES]:
        raise WeightsError(
            f"The network was shown {', '.join(indices)}, an index of bands, which the board runtime does not compute. "
            "Export a network that is shown bands."
        )
    return channels


def _checkpoint(weights: str) -> dict[str, Any]:
    found = check(weights)
    return {"checkpoint": str(weights), "sha256": found.sha256, "kind": found.kind}


def _history(folder: Path, scenario: Scenario) -> dict[str, Any]:
    """Where the average comes from: every satellite of the run has trained, and the average is over all."""
    told = read_provenance(folder)
    satellites = sorted(path.stem for path in (folder / "checkpoints").glob("*.safetensors") if path.stem != AVERAGE)
    return {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "strategy": told.get("strategy"),
        "launch_weights": scenario.model.weights,
        "trainable": scenario.model.trainable,
        "data_sha256": told.get("input_sha256"),
        "evaluation": _final_scores(folder),
        "lineage": {"average_of": satellites, "training_data": _place(scenario.data)},
    }


def _final_scores(folder: Path) -> dict[str, float | None]:
    """The average's last scores in percent, by kind; None where there is none, as of water where all is land."""
    records = read_table(folder, "records")
    own = records[(records["node"] == AVERAGE) & records["kind"].isin(["miou", "iou_water"])]
    last = {str(kind): float(values.iloc[-1]) for kind, values in own.groupby("kind")["value"]}
    return {kind: value if math.isfinite(value) else None for kind, value in last.items()}


def _place(data: Data) -> str:
    return f"{data.kind}: {getattr(data, 'path', 'synthetic scenes')}"
