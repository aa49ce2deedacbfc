"""`orbitfl data`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orbitfl.cli.progress import reporting
from orbitfl.errors import OrbitflError, in_a_line

if TYPE_CHECKING:
    from orbitfl.data.catalogue import DataSet
    from orbitfl.data.listing import Listing

app = typer.Typer(no_args_is_help=True, help="Make or get scenes with water masks; check a folder of them.")

Name = Literal["esw", "sen1floods11", "worldfloods"]


@app.command(epilog="Example: orbitfl data synth --out scenes --scenes 32 --seed 1")
def synth(
    out: Annotated[Path, typer.Option(help="The folder to make; it must not exist.", show_default=False)],
    scenes: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 16,
    size_px: Annotated[int, typer.Option(min=64, max=4096, help="Edge of a scene.")] = 512,
    seed: Annotated[int, typer.Option(min=0, max=2**62, help="Equal seeds give equal files.")] = 0,
) -> None:
    """Write synthetic Sentinel-2-like scenes with exact water masks as GeoTIFFs."""
    from orbitfl.data.writing import write_scenes

    with reporting() as notify:
        write_scenes(out, scenes, seed, size_px, lambda done, total: notify("scenes", done, total))
    print(f"{scenes} scenes of {size_px} px are in {out}.")


@app.command(epilog="Example: orbitfl data check scenes")
def check(
    folder: Annotated[Path, typer.Argument(help="A folder with images/*.tif and masks/*.tif.")],
) -> None:
    """Read every band and mask of a folder to the last pixel, and say what is there and which bands each scene has."""
    from orbitfl.data.checking import read_through

    with reporting() as notify:
        found = read_through(folder, lambda done, total: notify("scenes", done, total))
    print(
        f"{folder}: {found.scenes} scenes, {found.known_px:,} known pixels, {found.water_percent:.1f} % water. "
        "All readable."
    )
    for bands, names in found.scenes_by_bands.items():
        print(f"  {_some(names)}: {', '.join(in_a_line(band) or 'a band without a name' for band in bands)}")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names)} {'scene' if len(names) == 1 else 'scenes'} ({shown})"


@app.command(epilog="Example: orbitfl data get esw --out esw")
def get(
    name: Annotated[
        Name | None,
        typer.Argument(
            help="esw: Earth Surface Water. sen1floods11: its hand-labelled chips. worldfloods: version 2, 76 GB.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to make; it must not exist. (the set's name, here)")
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="For worldfloods: I keep to CC BY-NC 4.0.")
    ] = False,
    list_only: Annotated[bool, typer.Option("--list", help="Tell what there is, and fetch nothing.")] = False,
) -> None:
    """Fetch a public data set over https, going on where a broken download stopped; its checksums are compared."""
    from orbitfl.data import getting
    from orbitfl.data.catalogue import DATA_SETS

    if list_only:
        print("\n\n".join(_known(each, DATA_SETS[each]) for each in ([name] if name else DATA_SETS)))
        return
    if name is None:
        raise OrbitflError(f"Name the data set to get: {', '.join(DATA_SETS)}. orbitfl data get --list describes them.")
    data_set, folder = DATA_SETS[name], out or Path(name)
    print(_known(name, data_set))
    getting.require_terms(data_set, accept_licence)
    listing = data_set.listing()
    print(_offered(listing))
    # Size, licence and source come first, even where the output is not a terminal.
    sys.stdout.flush()
    with reporting() as notify:
        found = getting.get(data_set, listing, folder, lambda done, total: notify("download", done, total))
    for path, digest in found.items():
        print(f"{path}: no checksum is published; the SHA-256 of what came is {digest}")
    print(f"It is in {folder}. {data_set.after.format(out=folder)}")


def _known(name: str, data_set: "DataSet") -> str:
    """What is known of a set before its publisher is asked."""
    facts = {"licence": data_set.licence, "source": data_set.source, "cite": data_set.cite}
    lines = [f"{name}: {data_set.title}, {data_set.about}", *(f"  {fact:<8} {text}" for fact, text in facts.items())]
    return "\n".join(lines)


def _offered(listing: "Listing") -> str:
    count, unproved = len(listing.offers), len(listing.unproved)
    proof = "each with a checksum" if not unproved else f"{unproved} of them without a checksum"
    lines = [f"  size     {listing.size_byte / 1e9:.2f} GB in {count} files, {proof}"]
    if listing.licence is not None:
        lines.append(f"  licence  {listing.licence}, as the record states")
    return "\n".join(lines)
