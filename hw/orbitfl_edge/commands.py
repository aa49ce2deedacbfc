"""The command line of the board.

Exit codes, for a watchdog: 0 done. 1 a fault of the runtime itself. 2 something given cannot be used; to try again
changes nothing. 3 a place cannot be written, and 4 asked to stop: what is finished is kept, the same command goes on.
"""

import argparse
import errno
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from orbitfl_edge import __version__
from orbitfl_edge.bundle import SIGNATURE, Bundle, load
from orbitfl_edge.files import cannot_write, lies_in, replacing, require_possible
from orbitfl_edge.lineage import KEPT
from orbitfl_edge.problems import EdgeError, StoppedError

MOST_THREADS = 256
BANDS = "numbers in the file of red, green and blue, such as 3,2,1"
LARGEST_COUNT, LARGEST_SEED = 1_000_000, 2**59
NO_WAY_THERE = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP)
"""What the system says of a path that cannot even be asked about."""


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, _stop)
    try:
        options.do(options)
    except EdgeError as error:
        _remark(f"orbitfl_edge: {error}")
        return error.code
    except KeyboardInterrupt:
        _remark("orbitfl_edge: stopped; the same command goes on where it was.")
        return StoppedError.code
    except BrokenPipeError:  # Who was reading has left, as `head` does; the work may not be done.
        return StoppedError.code
    except OSError as error:
        if error.errno not in NO_WAY_THERE:
            raise
        _remark(
            f"orbitfl_edge: {error.filename} cannot be reached ({error.strerror}); check the path and who may read it."
        )
        return EdgeError.code
    return 0


def _say(text: str) -> None:
    """Raises PlaceError where stdout is a file on a full disk, BrokenPipeError where nobody reads it any more."""
    try:
        print(_printable(text), flush=True)
    except OSError as error:
        _give_up(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise
        raise cannot_write(Path("/dev/stdout"), error) from error


def _printable(text: str) -> str:
    """With escapes for what stdout's encoding lacks: to a watchdog a traceback would undo work that is done."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _remark(text: str) -> None:
    """On stderr, which may be full or closed: no work ends for that."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _give_up(sys.stderr)


def _give_up(stream: TextIO) -> None:
    """What could not be written would be tried again as Python ends, and change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _stop(*_: object) -> NoReturn:
    raise StoppedError("stopped; the same command goes on where it was.")


def _segment(options: argparse.Namespace) -> None:
    # Imported where they are needed: `info` and `verify --files-only` start without onnxruntime and GDAL.
    from orbitfl_edge.blending import grid
    from orbitfl_edge.network import open_network
    from orbitfl_edge.polygons import require_place, write_polygons
    from orbitfl_edge.products import geotiff, require_kept, water_share, write_packed
    from orbitfl_edge.scene import open_scene
    from orbitfl_edge.segmenting import segment
    from orbitfl_edge.work import alone, work_for

    bundle = _bundle(options)
    overlap_px = bundle.spec.overlap_px if options.overlap_px is None else options.overlap_px
    if not 0 <= overlap_px <= bundle.spec.tile_px // 2:
        raise EdgeError(f"--overlap-px is {overlap_px}; choose from 0 to half a tile, {bundle.spec.tile_px // 2}.")
    _require_apart([options.out, options.vector, options.packed], options.scene, bundle.folder)
    with open_scene(options.scene, bundle.spec, options.bands) as scene, alone(options.out):
        require_kept(options.scene, scene.file)
        if options.vector is not None:
            require_place(options.scene, scene.file)
        told = {"network": bundle.network, "overlap_px": overlap_px, "bands": scene.numbers}
        tiles = grid(scene.height_px, scene.width_px, bundle.spec.tile_px, overlap_px)
        work = work_for(options.out, options.scene, tiles, told)
        mask = segment(scene, open_network(bundle, options.threads), work, _progress(options.scene))
        done = []
        with geotiff(options.out, mask, scene.file, work.folder) as drawn:
            if options.vector is not None:
                done.append(f"{options.vector}: {write_polygons(options.vector, drawn)} polygons")
            if options.packed is not None:
                done.append(f"{options.packed}: {write_packed(options.packed, mask)} bytes")
        done.append(f"{options.out}: {scene.height_px} × {scene.width_px} pixels, {water_share(mask):.2%} water")
        work.remove()
    _say("\n".join(done))


def _require_apart(written: Sequence[Path | None], scene: Path, folder: Path) -> None:
    """Raises EdgeError as `_require_place`, and where an output would overwrite what belongs to another output."""
    taken: set[Path] = set()
    for path in filter(None, written):
        _require_place(path, [scene, folder])
        place = path.resolve()
        if any(place == other or place in other.parents or other in place.parents for other in taken):
            raise EdgeError(f"{path} is another output, or lies below one; give it another name.")
        taken |= {place, *(place.with_name(f".{place.name}.{kind}") for kind in ("lock", "part", "work"))}


def _require_place(path: Path, read: Sequence[Path]) -> None:
    """Raises EdgeError where `path` can never be written, or is or lies in what is only read."""
    require_possible(path)
    for place in read:
        if lies_in(path, place):
            raise EdgeError(f"{path} is or lies in {place}, which is only read; choose another place.")


def _progress(scene: Path) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        _remark(f"{scene.name}: {done} of {total}")

    return tell


def _verify(options: argparse.Namespace) -> None:
    bundle = _bundle(options)
    _say(f"{bundle.folder}: {len(bundle.manifest['files'])} files as the manifest says, whose SHA-256 is")
    _say(bundle.fingerprint)
    if options.key is None and any((bundle.folder / name).exists() for name in (SIGNATURE, *KEPT)):
        _say("signed, but not checked: give the public key with --key")
    if not options.files_only:
        from orbitfl_edge.checking import check_drawing

        _say(f"test scene: {check_drawing(bundle, options.threads):.3f} % of pixels as expected")


def _info(options: argparse.Namespace) -> None:
    bundle = _bundle(options)
    _say(json.dumps({name: told for name, told in bundle.manifest.items() if name != "files"}, indent=1))


def _bench(options: argparse.Namespace) -> None:
    from orbitfl_edge.bench import measured, profile, require_profile

    bundle = _bundle(options)
    if options.out is not None:
        require_profile(options.out.stem, options.watts)
        _require_place(options.out, [bundle.folder])
    found = measured(bundle, options.threads, options.repeats)
    if options.out is not None:
        text = profile(found, bundle, options.out.stem, options.watts, options.standby_watts)
        with replacing(options.out) as beside:
            beside.write_text(text, encoding="utf-8")
    _say(json.dumps(found.told(), indent=1))


def _apply_update(options: argparse.Namespace) -> None:
    from orbitfl_edge.update import apply_update, read_update

    bundle, update = _bundle(options), read_update(options.update)
    if options.key is not None:
        from orbitfl_edge.signature import require_step_signed

        require_step_signed(update.step, options.key, str(update.path))
    _require_place(options.out, [bundle.folder])
    changed = apply_update(update, bundle, options.out, options.threads)
    _say(f"{options.out}: updated; draws {changed:.3f} % of the test scene's pixels otherwise than before")


def _learn(options: argparse.Namespace) -> None:
    from orbitfl_edge.learning import FOLDERS, Schooling, learn

    given = {name: getattr(options, name) for name in ("bands", "steps", "learning_rate", "seed")}
    schooling = Schooling(**given)
    progress, bundle = _progress(options.data), _bundle(options)
    lessons = [place for name in FOLDERS for place in (options.data / name, *(options.data / name).glob("*.tif"))]
    _require_place(options.out, [bundle.folder, *lessons])
    losses = learn(options.data, bundle, options.out, schooling, options.threads, progress)
    _say(f"{options.out}: loss {losses[0]:.4f} at the first of {len(losses)} steps, {losses[-1]:.4f} at the last")


def _bundle(options: argparse.Namespace) -> Bundle:
    if options.bundle.is_file():
        raise EdgeError(f"{options.bundle} is a file, but a bundle is a folder; unpack it first, as by tar -xf.")
    if options.key is not None:
        from orbitfl_edge.signature import require_signed

        require_signed(options.bundle, options.key)
    return load(options.bundle)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("orbitfl_edge", description="Water masks on the board.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    segment = _command(commands, "segment", _segment, "draw the water of a scene")
    segment.add_argument("scene", type=Path, help="GeoTIFF of any size")
    segment.add_argument("-o", "--out", type=Path, required=True, help="mask: 0 land, 1 water, 255 not known")
    segment.add_argument("--bands", type=_bands, help=BANDS)
    segment.add_argument("--overlap-px", type=int, help="of neighbouring tiles (the bundle's)")
    segment.add_argument("--vector", type=Path, help="also polygons of water, GeoJSON")
    segment.add_argument("--packed", type=Path, help="also one bit a pixel, compressed, for the downlink")

    verify = _command(commands, "verify", _verify, "is every file of the bundle whole, and does it draw as it did?")
    verify.add_argument("--files-only", action="store_true", help="do not draw the test scene")

    _command(commands, "info", _info, "what the bundle is")

    bench = _command(commands, "bench", _bench, "seconds, memory and joules on this board")
    bench.add_argument("--repeats", type=_between(1, LARGEST_COUNT), default=20)
    bench.add_argument("-o", "--out", type=Path, help="also a board profile for orbitfl, NAME.yaml")
    bench.add_argument("--watts", type=_amount, help="what the board draws at work, if it does not count")
    bench.add_argument("--standby-watts", type=_amount)

    update = _command(commands, "apply-update", _apply_update, "a new bundle from this one and a received update")
    update.add_argument("update", type=Path, help="safetensors, from orbitfl export --update-for")
    update.add_argument("-o", "--out", type=Path, required=True, help="the new bundle's folder")

    learn = _command(commands, "learn", _learn, "teach the last layers of the decoder; the result is an update")
    learn.add_argument("data", type=Path, help="folder with images/*.tif and masks/*.tif of the same names")
    learn.add_argument("-o", "--out", type=Path, required=True, help="the update, safetensors")
    learn.add_argument("--bands", type=_bands, help=BANDS)
    learn.add_argument("--steps", type=_between(1, LARGEST_COUNT), default=40, help="of four tiles")
    learn.add_argument("--learning-rate", type=_amount, default=1e-4)
    learn.add_argument("--seed", type=_between(0, LARGEST_SEED), default=0, help="of the order of tiles")
    return parser


def _command(commands: Any, name: str, do: Callable[[argparse.Namespace], None], told: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=told, description=told)
    command.set_defaults(do=do)
    command.add_argument("--bundle", type=Path, required=True, help="folder of the bundle")
    command.add_argument("--key", type=Path, help="public key; refuse bundles and updates that it did not sign")
    command.add_argument(
        "--threads",
        type=_between(1, MOST_THREADS),
        default=min(len(os.sched_getaffinity(0)), MOST_THREADS),
        help="of onnxruntime",
    )
    return command


def _between(lowest: int, highest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        found = _whole(text)
        if found is None or not lowest <= found <= highest:
            raise argparse.ArgumentTypeError(f"{text[:20]!r} was given where {lowest} to {highest} is expected")
        return found

    return number


def _amount(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} was given where a number above 0 is expected")
    return number


def _bands(text: str) -> tuple[int, ...]:
    """One number may come more than once, as for a scene in grey."""
    numbers = tuple(number for part in text.split(",") if (number := _whole(part)) is not None)
    if not len(numbers) == text.count(",") + 1 == 3:
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} was given where three numbers of bands are expected, with commas, such as 3,2,1"
        )
    return numbers


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r" *\d{1,18} *", text, re.ASCII) else None
