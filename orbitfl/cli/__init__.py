"""The command line: parsing, progress and messages. Heavy rooms are imported inside the commands that need them."""

import sys
import warnings
from typing import Any

import typer

from orbitfl.cli import bench, contacts, data, evaluate, export, mission, models, profile, sweep
from orbitfl.errors import OrbitflError, OrbitflWarning

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Decentralised learning onboard satellites, from orbit elements to an mIoU curve.",
)
app.command()(mission.run)
app.command()(sweep.sweep)
app.command()(contacts.contacts)
app.command()(mission.validate)
app.command()(evaluate.evaluate)
app.command()(export.export)
app.command()(export.segment)
app.command()(models.pretrain)
app.command()(profile.profile)
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
    """Run a command; what the user can mend ends in one message and exit code 2, never in a traceback."""
    warnings.showwarning = _tell
    warnings.simplefilter("once", OrbitflWarning)
    try:
        app()
    except OrbitflError as error:
        print(f"orbitfl: {error}", file=sys.stderr)
        sys.exit(2)
