"""The command line: parsing, progress and messages. Heavy rooms are imported inside the commands that need them."""

import errno
import os
import sys
import warnings
from importlib import metadata
from typing import Annotated, Any

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
from orbitfl.errors import OrbitflError, OrbitflWarning, StorageError

NO_WAY_THERE = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP)
"""What the system says of a path that cannot even be asked about."""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Decentralised learning onboard satellites, from orbit elements to an mIoU curve.",
    epilog="Example: orbitfl init first && orbitfl run first.yaml",
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"orbitfl {metadata.version('orbitfl')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None: ...


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
        try:
            app()
        finally:
            _require_printed()
    except OrbitflError as error:
        print(f"orbitfl: {error}", file=sys.stderr)
        sys.exit(error.code)
    except OSError as error:
        if error.errno not in NO_WAY_THERE:
            raise
        print(
            f"orbitfl: {error.filename} cannot be reached ({error.strerror}); check the path and who may read it.",
            file=sys.stderr,
        )
        sys.exit(OrbitflError.code)
    except UnicodeEncodeError as error:
        if error.encoding != sys.stdout.encoding:
            raise
        print(
            f"orbitfl: stdout is encoded as {error.encoding}, which has no {error.object[error.start]!a}; set "
            "PYTHONIOENCODING=utf-8:backslashreplace, and try again.",
            file=sys.stderr,
        )
        sys.exit(OrbitflError.code)


def _require_printed() -> None:
    """Raises StorageError where stdout is a file on a full disk; where its reader has left, as `head` does, ends."""
    try:
        # Unlike flush() it takes a stdout closed from the start; what could not be written before fails once more.
        print(end="", flush=True)
    except OSError as error:
        # Python would try a third time as it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(1)
        raise StorageError(
            f"stdout could not be written: {error.strerror}. Free some space, or send it to another file."
        ) from error
