"""The command line: parsing, progress and messages. Heavy rooms are imported inside the commands that need them."""

import sys
import warnings
from typing import Any

import typer

from orbitfl.cli import (
    bench,
    contacts,
    data,
    doctor,
    evaluate,
    export,
    mission,
    models,
    profile,
    report,
    start,
    sweep,
)
from orbitfl.errors import OrbitflError, OrbitflWarning

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Decentralised learning onboard satellites, from orbit elements to an mIoU curve.",
    epilog="Example: orbitfl init first && orbitfl run first.yaml",
)


def _with_example(example: str) -> Any:
    return app.command(epilog=f"Example: orbitfl {example}")


_with_example("init flood-watch")(start.init)
_with_example("run constellations/first_light.yaml --set duration_s=7200 --out runs/short")(mission.run)
_with_example(
    "sweep constellations/first_light.yaml --grid exchange.min_interval_s=300,900,3600 --seeds 3 --out runs/sweep"
)(sweep.sweep)
_with_example("contacts constellations/first_light.yaml --out plan.czml")(contacts.contacts)
_with_example("report runs/first-light --out report.html")(report.report)
_with_example("validate constellations/first_light.yaml --set seed=3")(mission.validate)
_with_example("evaluate --checkpoint nano-base --data my_scenes --json")(evaluate.evaluate)
_with_example("export runs/first-light --out bundle --quantize int8")(export.export)
_with_example("segment scene.tif --bundle bundle --out mask.tif")(export.segment)
_with_example("pretrain --out base.safetensors --steps 2000")(models.pretrain)
_with_example("profile --image-px 256 --watts 15 --out my_board.yaml")(profile.profile)
_with_example("schema > orbitfl.schema.json")(start.schema)
_with_example("doctor --json")(doctor.doctor)
app.add_typer(models.weights, name="weights")
app.add_typer(data.app, name="data")
app.add_typer(bench.app, name="bench")


def _tell(message: Warning | str, category: type[Warning], *_where: Any) -> None:
    """A warning as a sentence; where in our code it arose is no news for a user."""
    print(
        f"orbitfl: {message}" if issubclass(category, OrbitflWarning) else f"{category.__name__}: {message}",
        file=sys.stderr,
    )


def main() -> None:
    """Run a command; what the user can mend ends in one message and its exit code, never in a traceback."""
    warnings.showwarning = _tell
    warnings.simplefilter("once", OrbitflWarning)
    try:
        app()
    except OrbitflError as error:
        print(f"orbitfl: {error}", file=sys.stderr)
        sys.exit(error.code)
