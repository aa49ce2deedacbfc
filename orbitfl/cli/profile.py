"""`orbitfl profile`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orbitfl.cli.progress import reporting

if TYPE_CHECKING:
    from orbitfl.scenario.profiles import Board


def profile(
    model: Annotated[str, typer.Option(help="mobile_sam or mobile_sam_nano.")] = "mobile_sam",
    image_px: Annotated[int, typer.Option(help="Image size.")] = 256,
    batch: Annotated[int, typer.Option(min=1, max=64, help="Tiles per training step.")] = 4,
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="How often each work is timed; the median counts.")] = 5,
    watts: Annotated[float | None, typer.Option(help="What the machine draws at work. [default: counted]")] = None,
    standby_watts: Annotated[float | None, typer.Option(help="… and idle. [default: as --watts]")] = None,
    out: Annotated[Path | None, typer.Option(help="The profile to write. [default: print it]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure this machine's seconds per training step, inference and merge, and write a board profile."""
    from orbitfl.experiment.board_profile import Profiling, measured_board
    from orbitfl.files import write_text
    from orbitfl.scenario.profiles import to_text

    options = Profiling(
        model=model, image_px=image_px, batch_size=batch, repeats=repeats, watts=watts, standby_w=standby_watts
    )
    with reporting() as notify:
        board = measured_board(options, out.stem if out else "this_machine", notify)
    if out:
        write_text(out, to_text(board))
    if as_json:
        print(json.dumps(_values(board)))
    elif out:
        print("\n".join(f"{key:<18}{value:g}" for key, value in _values(board).items()))
        print(f"The profile is {out}; a scenario takes it as compute: {out.absolute()}.")
    else:
        print(to_text(board), end="")


def _values(board: "Board") -> dict[str, float]:
    from orbitfl.scenario.profiles import Figure

    return {key: entry.value for key, entry in vars(board).items() if isinstance(entry, Figure)}
