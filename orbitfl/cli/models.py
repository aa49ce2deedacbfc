"""`orbitfl weights` and `pretrain`."""

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from orbitfl.cli.progress import reporting
from orbitfl.errors import OrbitflError

weights = typer.Typer(no_args_is_help=True, help="Get the official MobileSAM weights; tell what a weight file is.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@weights.command(epilog="Example: orbitfl weights get official")
def get(name: Annotated[str, typer.Argument(help="Which weights.")] = "official") -> None:
    """Download weights over https, going on where a broken download stopped; size and SHA-256 are verified."""
    from orbitfl.files import cache_folder
    from orbitfl.models.weights import OFFICIAL, fetch

    if name != "official":
        raise OrbitflError(f"There are no weights called {name!r} to download; the only ones are official.")
    print(f"{OFFICIAL.name}: {OFFICIAL.size_byte / 1e6:.1f} MB, licence {OFFICIAL.licence}, from {OFFICIAL.url}")
    with reporting() as notify:
        path = fetch(OFFICIAL, cache_folder(), lambda done, total: notify("download", done, total))
    print(f"Verified; it is in {path}.")


@weights.command(epilog="Example: orbitfl weights check nano-base --json")
def check(
    file: Annotated[str, typer.Argument(help="A weight file, official, or nano-base.")], as_json: Json = False
) -> None:
    """Tell what a weight file is. Nothing in it is run. Exit code 2 if it is not a MobileSAM."""
    from orbitfl.models.weights import check as describe

    found = describe(file)
    facts = {name: value for name, value in dataclasses.asdict(found).items() if value is not None}
    if as_json:
        print(json.dumps(facts, default=str))
    else:
        print("\n".join(f"{name:<12}{value}" for name, value in facts.items()))
    if found.problem is not None:
        sys.exit(2)


def pretrain(
    out: Annotated[Path, typer.Option(help="Where the checkpoint goes (.safetensors).", show_default=False)],
    steps: Annotated[int | None, typer.Option(min=10, help="Gradient steps. [default: the recipe's]")] = None,
    scenes: Annotated[int | None, typer.Option(min=1, help="Synthetic scenes. [default: the recipe's]")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**40, help="Seed of scenes, weights and batches.")] = 0,
) -> None:
    """Train nano-base anew: a class-agnostic promptable segmenter, from synthetic scenes alone."""
    from orbitfl.models.checkpoint import save_half
    from orbitfl.training.pretrain import Pretraining, pretrain, prompted_iou

    chosen = {"steps": steps, "scenes": scenes}
    options = Pretraining(seed=seed, **{name: value for name, value in chosen.items() if value is not None})
    started_s = time.perf_counter()
    with reporting() as notify:
        model = pretrain(options, lambda step, loss: notify("pre-training", step, options.steps))
    save_half(model, out)
    reached = prompted_iou(model, options, scenes=min(options.scenes, 40))
    minutes = (time.perf_counter() - started_s) / 60
    print(f"{options.steps} steps in {minutes:.1f} min; on unseen synthetic regions, mean IoU")
    print(f"{reached['point']:.1f} % from one point, {reached['box']:.1f} % from a box. The checkpoint is {out}.")
