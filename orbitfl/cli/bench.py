"""`orbitfl bench`: what is measured on this machine, side by side in one run."""

import json
from pathlib import Path
from typing import Annotated

import typer

from orbitfl.cli.progress import reporting

app = typer.Typer(no_args_is_help=True, help="Measure this machine.")


@app.callback()
def bench() -> None:
    """Measure this machine."""


@app.command(epilog="Example: orbitfl bench training --image-px 256 --json")
def training(
    image_px: Annotated[int, typer.Option(help="Image size.")] = 256,
    model: Annotated[str, typer.Option(help="mobile_sam or mobile_sam_nano.")] = "mobile_sam",
    batch_size: Annotated[int, typer.Option(min=1, max=64, help="Tiles per step.")] = 4,
    repeats: Annotated[int, typer.Option(min=1, max=100, help="Steps timed; the fastest counts.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time a training step from kept embeddings against one that runs the encoder again."""
    from orbitfl.bench.training import time_steps

    timed = time_steps(model, image_px, batch_size, repeats)
    if as_json:
        print(json.dumps(timed))
        return
    print(f"{model}, {image_px} px, batch {batch_size}, {timed['threads']} threads, fastest of {repeats}:")
    print(f"kept embeddings   {1e3 * timed['kept_s']:8.1f} ms a step")
    print(f"encoder each step {1e3 * timed['naive_s']:8.1f} ms a step, {timed['ratio']:.1f} times as long")


@app.command(epilog="Example: orbitfl bench contacts --only skyfield --quick")
def contacts(
    only: Annotated[
        list[str] | None,
        typer.Option(help="One case: paseos, skyfield, brahe, growth or roofline; may be repeated. All if left out."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out repeats, and 720 satellites in NumPy.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time contact plans against PASEOS, skyfield and brahe, as they grow, and against the machine's bounds."""
    from orbitfl.bench.contacts import CASES, QUICK, STANDARD, described, measured

    options = QUICK if quick else STANDARD
    with reporting() as notify:
        results = measured(options, only or CASES, notify)
    print(json.dumps(results) if as_json else described(results))


@app.command(epilog="Example: orbitfl bench environment --quick")
def environment(
    quick: Annotated[bool, typer.Option("--quick", help="An hour and a half instead of a day.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time PASEOS as its user has it, PASEOS as orbitfl drives it, and its twin, and tell how far they are apart."""
    from orbitfl.bench.environment import QUICK, STANDARD, described, measured

    options = QUICK if quick else STANDARD
    with reporting() as notify:
        results = measured(options, notify)
    print(json.dumps(results) if as_json else described(results))


@app.command(epilog="Example: orbitfl bench simulation --quick")
def simulation(
    quick: Annotated[
        bool, typer.Option("--quick", help="A day and half an hour instead of a week and an hour.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time a week of 100 satellites without learning, and what a small run takes besides its learning."""
    from orbitfl.bench.simulation import QUICK, STANDARD, described, measured
    from orbitfl.process import keep_freed_memory

    keep_freed_memory()
    options = QUICK if quick else STANDARD
    with reporting() as notify:
        results = measured(options, notify)
    print(json.dumps(results) if as_json else described(results))


@app.command(epilog="Example: orbitfl bench edge --scene-px 2048 --json")
def edge(
    checkpoint: Annotated[
        str, typer.Option(help="A run's folder, a weight file, official, or nano-base.")
    ] = "nano-base",
    image_px: Annotated[int | None, typer.Option(help="What it sees of a tile. [default: as the run, or 256]")] = None,
    data: Annotated[Path | None, typer.Option(help="Scenes with masks. [default: as the run, or drawn ones]")] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="For torch and onnxruntime alike.")] = 1,
    repeats: Annotated[int, typer.Option(min=1, max=100, help="Of each timing; the fastest counts.")] = 5,
    scene_px: Annotated[int, typer.Option(min=64, max=20_000, help="Side of the large scene.")] = 10_980,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the board's runtime beside torch: speed, bytes, accuracy, start, a large scene, seams."""
    from orbitfl.bench.edge import Bench, described, measured
    from orbitfl.export.source import find, shown_on

    source = find(checkpoint, image_px)
    options = Bench(threads=threads, repeats=repeats, scene_px=scene_px)
    with reporting() as notify:
        found = measured(source if data is None else shown_on(source, data), options, notify)
    print(json.dumps(found) if as_json else described(found))
