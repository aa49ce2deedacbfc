"""`orbitfl export` and `orbitfl segment`."""

import json
import re
import sys
from collections.abc import Mapping, Set
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from orbitfl.cli.progress import reporting
from orbitfl.cli.signals import on_sigterm
from orbitfl.errors import OrbitflError

if TYPE_CHECKING:
    from orbitfl.export.bundle import Exported
    from orbitfl.export.source import Source

STOPPED = 4
"""The exit code of the board's runtime where it was asked to stop."""

Checkpoint = Annotated[str, typer.Argument(help="A run's folder, a weight file, official, or nano-base.")]


def export(
    context: typer.Context,
    checkpoint: Checkpoint,
    out: Annotated[Path, typer.Option(help="The bundle's folder, or the update's file.", show_default=False)],
    image_px: Annotated[
        int | None, typer.Option(help="What the network sees of a tile. [default: as the run, or 256]")
    ] = None,
    bands: Annotated[
        str | None, typer.Option(help="A composite, or three with commas. [default: as the run, or true_color]")
    ] = None,
    tile_px: Annotated[
        int | None, typer.Option(min=16, help="Of a scene. [default: as the run, or what the network sees]")
    ] = None,
    quantize: Annotated[Literal["none", "int8"], typer.Option(help="int8: a smaller, faster encoder.")] = "none",
    most_loss: Annotated[float, typer.Option(min=0, help="Points of mIoU that int8 may cost.")] = 1.0,
    data: Annotated[
        Path | None, typer.Option(help="Scenes with masks to compare on. [default: those the run was scored on]")
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch", min=1, max=64, help="Tiles at a time.")] = 1,
    overlap_px: Annotated[int | None, typer.Option(help="Of tiles in a scene. [default: a quarter]")] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="For the comparison.")] = 1,
    sign: Annotated[Path | None, typer.Option(help="Private key (Ed25519); made if there is none.")] = None,
    update_for: Annotated[
        Path | None, typer.Option(help="Write no bundle, but what turns this one's decoder into the checkpoint's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest.")] = False,
) -> None:
    """Write a bundle that runs on a board without torch: a folder, and a .tar of it."""
    from orbitfl.export.bundle import Options, export
    from orbitfl.export.source import shown_on

    if update_for is not None:
        _require_left_out(context, context.params.keys() - {"checkpoint", "out", "update_for", "sign"}, "--update-for")
        _export_update(checkpoint, update_for, out, sign)
        return
    options = Options(
        quantize=quantize, batch_size=batch_size, overlap_px=overlap_px, most_loss=most_loss, sign=sign, threads=threads
    )
    with reporting() as notify:
        source = _source(checkpoint, image_px, bands, tile_px)
        exported = export(source if data is None else shown_on(source, data), out, options, notify)
    print(json.dumps(exported.manifest) if as_json else _described(exported))


def segment(
    context: typer.Context,
    scene: Annotated[Path, typer.Argument(help="A GeoTIFF of any size.")],
    out: Annotated[Path, typer.Option(help="The mask: 0 land, 1 water, 255 not known.", show_default=False)],
    bundle: Annotated[Path | None, typer.Option(help="A bundle's folder.", show_default=False)] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="A run's folder, a weight file, official, or nano-base.", show_default=False)
    ] = None,
    image_px: Annotated[int | None, typer.Option(help="Checkpoint: what it sees of a tile. (256)")] = None,
    bands: Annotated[
        str | None,
        typer.Option(
            help="Numbers in the file, such as 3,2,1; checkpoint: also a composite or three names. (true_color)"
        ),
    ] = None,
    tile_px: Annotated[int | None, typer.Option(min=16, help="Checkpoint: of the scene. (as --image-px)")] = None,
    overlap_px: Annotated[int | None, typer.Option(min=0, help="Of tiles. (the bundle's, or a quarter)")] = None,
    vector: Annotated[Path | None, typer.Option(help="Also water as polygons, .geojson.")] = None,
    packed: Annotated[Path | None, typer.Option(help="Also one bit a pixel, compressed, for the downlink.")] = None,
    key: Annotated[Path | None, typer.Option(help="Public key: refuse a bundle that it did not sign.")] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="For onnxruntime.")] = 1,
) -> None:
    """Draw the water of a scene with the board's own runtime, so that the mask is the one a board would draw."""
    if (bundle is None) == (checkpoint is None):
        raise OrbitflError("Give exactly one of --bundle and --checkpoint.")
    numbers, names = (bands, None) if bands is not None and re.fullmatch(r"[\d, ]+", bands) else (None, bands)
    settled = {"image_px", "tile_px"} if names is None else {"image_px", "tile_px", "bands"}
    if bundle is not None:
        _require_left_out(context, settled, "--bundle")
    else:
        _require_left_out(context, {"key"}, "--checkpoint")
    given = {
        "vector": vector,
        "packed": packed,
        "key": key,
        "overlap-px": overlap_px,
        "bands": numbers,
        "threads": threads,
    }
    with on_sigterm(_stop), TemporaryDirectory() as scratch:
        if bundle is None:
            bundle = _passing_bundle(_source(str(checkpoint), image_px, names, tile_px), Path(scratch))
        _segment(bundle, scene, out, given)


def _stop(*_: object) -> NoReturn:
    """As the runtime ends, leaving nothing but what another try goes on with."""
    print("orbitfl: stopped; the same command goes on where it was.", file=sys.stderr)
    sys.exit(STOPPED)


def _require_left_out(context: typer.Context, names: Set[str], subject: str) -> None:
    """Options that would be ignored are refused: whoever gave them expects something else."""
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in names and source is not None and source.name == "COMMANDLINE":
            raise OrbitflError(f"{option.opts[0]} says nothing about {subject}; leave it out.")


def _segment(bundle: Path, scene: Path, out: Path, given: Mapping[str, object]) -> None:
    from orbitfl.export.runtime import call

    options = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
    print(call(["segment", scene, "-o", out, "--bundle", bundle, *options]), end="")


def _passing_bundle(source: "Source", scratch: Path) -> Path:
    from orbitfl.export.bundle import Options, export

    with reporting() as notify:
        options = Options(repeats=1, most_pixels=0)  # The few tiles that are compared on anyway.
        return export(source, scratch / "bundle", options, notify).folder


def _source(checkpoint: str, image_px: int | None, bands: str | None, tile_px: int | None) -> "Source":
    from orbitfl.export.source import find, shown_as

    return shown_as(find(checkpoint, image_px), bands, tile_px)


def _export_update(checkpoint: str, bundle: Path, out: Path, sign: Path | None) -> None:
    from orbitfl.export.reading import read_bundle
    from orbitfl.export.source import find
    from orbitfl.export.update import require_place, require_shown_alike, write_update

    found = read_bundle(bundle)
    source = find(checkpoint, int(found.manifest["model"]["image_px"]))
    require_place(out, source, found, sign)
    require_shown_alike(source, found)
    size_byte = write_update(source.model, found, out, sign)
    print(f"{out}: {size_byte:,} bytes; apply it with: python -P -B -m orbitfl_edge apply-update {out.name} --bundle …")


def _described(exported: "Exported") -> str:
    from orbitfl.export.costs import costs_on_boards

    lines = [f"Compared on {exported.shipped.parity.tiles} tiles ({exported.manifest['evidence']['data']}):"]
    lines += [f"{'variant':<14}{'MB':>8}{'ms a tile':>11}{'mIoU':>8}{'equal pixels':>14}"]
    lines.append(f"{'torch':<14}{'':>8}{1e3 * exported.torch_s:>11.1f}{exported.shipped.parity.miou_torch:>8.2f}")
    lines += [
        f"{each.name:<14}{each.byte / 1e6:>8.2f}{1e3 * each.seconds:>11.1f}{each.parity.miou:>8.2f}"
        f"{each.parity.equal_percent:>12.3f} %"
        for each in exported.trials
    ]
    if exported.shipped.parity.water_percent in (0, 100):
        answer = "water" if exported.shipped.parity.water_percent else "land"
        lines.append(f"The network calls every pixel {answer}, so that they are equal proves little; teach it first.")
    lines.append(f"Shipped: {exported.shipped.name}, in {exported.folder} and {exported.folder}.tar.")
    lines.append(f"SHA-256 of its manifest, which vouches for every file: {exported.manifest_sha256}")
    return "\n".join([*lines, *costs_on_boards()])
