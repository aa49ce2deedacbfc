"""`orbitfl evaluate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from orbitfl.cli.progress import reporting
from orbitfl.errors import OrbitflError
from orbitfl.progress import Notify

if TYPE_CHECKING:
    from orbitfl.data.options import FolderData
    from orbitfl.training.appraisal import Appraisal

Baseline = Literal["ndwi", "otsu", "unet"]
Prompt = Literal["none", "points", "box"]
Rule = Literal["all", "water", "single_region"]

OF_CHECKPOINT = ("image_px", "prompt")
OF_UNET = ("train", "steps", "batch_size", "learning_rate", "seed")
DEFAULT_BANDS = "true_color"
DEFAULT_IMAGE_PX = DEFAULT_TILE_PX = 256

Given = dict[str, Any]
"""The options that were given, by name."""


def evaluate(
    data: Annotated[Path, typer.Option(help="A folder with images/*.tif and masks/*.tif.", show_default=False)],
    checkpoint: Annotated[
        str | None, typer.Option(help="A run's folder, a weight file, official, or nano-base.", show_default=False)
    ] = None,
    baseline: Annotated[
        Baseline | None,
        typer.Option(
            help="ndwi: NDWI above 0. otsu: NDWI above Otsu's threshold of each scene. unet: taught on --train.",
            show_default=False,
        ),
    ] = None,
    bands: Annotated[
        str | None,
        typer.Option(
            help="true_color, false_color or swir, or three with commas, NDWI, MNDWI and NDVI among them. (true_color)"
        ),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="A bundle's folder; bands and tiles are its own.", show_default=False)
    ] = None,
    tile_px: Annotated[int | None, typer.Option(help="Edge of the tiles that scenes are cut into. (256)")] = None,
    rule: Annotated[Rule, typer.Option(help="Which tiles count: all, with water, with one region of it.")] = "all",
    image_px: Annotated[
        int | None, typer.Option(help="Checkpoint: what a tile is resized to. (256)", show_default=False)
    ] = None,
    prompt: Annotated[
        Prompt | None,
        typer.Option(help="Checkpoint: points and box come from the true mask, an oracle. (none)"),
    ] = None,
    train: Annotated[Path | None, typer.Option(help="U-Net: the folder that it learns from.")] = None,
    steps: Annotated[int | None, typer.Option(help="U-Net: gradient steps. (768)")] = None,
    batch_size: Annotated[int | None, typer.Option(help="U-Net: tiles a step. (4)")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="U-Net: AdamW's. (0.001)")] = None,
    seed: Annotated[int | None, typer.Option(help="U-Net: of its weights and batches. (0)")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: scores and what they are of.")
    ] = False,
) -> None:
    """Score a checkpoint, a bundle or a baseline on scenes with masks: one confusion matrix over all valid pixels."""
    network = {"bands": bands, "tile_px": tile_px, "image_px": image_px, "prompt": prompt}
    school = {"train": train, "steps": steps, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed}
    given = {name: value for name, value in {**network, **school}.items() if value is not None}
    _require_one_contestant(checkpoint, baseline, bundle)
    _require_fitting(checkpoint, baseline, given)
    checkpoint, given = _of_run(checkpoint, given)
    with reporting() as notify:
        if bundle is not None:
            appraisal = _appraise_bundle(bundle, data, rule, notify)
        else:
            appraisal = _appraise(checkpoint, baseline, _folder(data, given, rule), given, notify)
    print(json.dumps(appraisal.cited()) if as_json else _table(appraisal))


def _require_one_contestant(checkpoint: str | None, baseline: str | None, bundle: Path | None) -> None:
    named = {"--checkpoint": checkpoint, "--baseline": baseline, "--bundle": bundle}
    given = [name for name, value in named.items() if value is not None]
    if not given:
        raise OrbitflError("Neither --checkpoint nor --baseline nor --bundle was given; give exactly one.")
    if len(given) > 1:
        raise OrbitflError(f"Both {' and '.join(given[:2])} were given; give exactly one.")


def _require_fitting(checkpoint: str | None, baseline: str | None, given: Given) -> None:
    """Options that would be ignored are refused: whoever gave them expects another figure."""
    strange = [*(() if checkpoint else OF_CHECKPOINT), *(() if baseline == "unet" else OF_UNET)]
    if baseline in ("ndwi", "otsu"):
        strange.append("bands")
    if checkpoint is None and baseline is None:
        strange += ["bands", "tile_px"]
    for name in strange:
        if name in given:
            subject = f"--baseline {baseline}" if baseline else "--checkpoint" if checkpoint else "--bundle"
            raise OrbitflError(f"--{name.replace('_', '-')} says nothing about {subject}; leave it out.")
    if baseline == "unet" and "train" not in given:
        raise OrbitflError("--baseline unet learns from scenes with masks; give their folder with --train DIR.")


def _of_run(checkpoint: str | None, given: Given) -> tuple[str | None, Given]:
    """For a run's folder its average checkpoint, and where options are not given, what the run showed its network."""
    if checkpoint is None or not Path(checkpoint).is_dir():
        return checkpoint, given
    from orbitfl.data.channels import shown
    from orbitfl.export.source import run_of

    weights, scenario = run_of(Path(checkpoint))
    data, image_px = scenario.evaluation.data, scenario.model.image_px
    as_run = {"bands": ",".join(shown(data.bands)), "tile_px": data.tile_px, "stretch": data.stretch}
    return str(weights), {**as_run, "image_px": image_px, **given}


def _folder(path: Path, given: Given, rule: Rule) -> "FolderData":
    from orbitfl.data.options import FolderData

    bands = given.get("bands", DEFAULT_BANDS)
    listed = tuple(band.strip() for band in bands.split(",")) if "," in bands else bands
    tile_px, stretch = given.get("tile_px", DEFAULT_TILE_PX), given.get("stretch", "auto")
    return FolderData(path=str(path), bands=listed, tile_px=tile_px, rule=rule, stretch=stretch)


def _appraise_bundle(bundle: Path, data: Path, rule: Rule, notify: Notify) -> "Appraisal":
    from orbitfl.export.appraisal import appraise_bundle
    from orbitfl.files import cache_folder

    return appraise_bundle(bundle, data, rule, cache_folder(), notify)


def _appraise(
    checkpoint: str | None, baseline: str | None, data: "FolderData", given: Given, notify: Notify
) -> "Appraisal":
    from dataclasses import replace

    from orbitfl.files import cache_folder
    from orbitfl.training import appraisal

    cache = cache_folder()
    if checkpoint is not None:
        image_px, prompt = given.get("image_px", DEFAULT_IMAGE_PX), given.get("prompt", "none")
        return appraisal.appraise_checkpoint(checkpoint, data, image_px, prompt, cache, notify)
    if baseline != "unet":
        return appraisal.appraise_index(str(baseline), data, cache, notify)
    from orbitfl.training.baselines.unet import Schooling

    schooling = Schooling(**{name: given[name] for name in OF_UNET if name in given and name != "train"})
    train = replace(data, path=str(given["train"]))
    return appraisal.appraise_unet(data, train, schooling, cache, notify)


def _table(appraisal: "Appraisal") -> str:
    return "\n".join(f"{name:<13}{_shown(value)}" for name, value in appraisal.scores().items())


def _shown(value: float | int | None) -> str:
    if value is None:
        return "no such pixel"
    return f"{value:,}" if isinstance(value, int) else f"{value:.1f}"
