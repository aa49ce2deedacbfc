"""`orbitfl data`."""

from pathlib import Path
from typing import Annotated

import typer

from orbitfl.cli.progress import reporting

app = typer.Typer(no_args_is_help=True, help="Make synthetic scenes; check a folder of scenes and masks.")


@app.command()
def synth(
    out: Annotated[Path, typer.Option(help="The folder to make; it must not exist.", show_default=False)],
    scenes: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 16,
    size_px: Annotated[int, typer.Option(min=64, max=4096, help="Edge of a scene.")] = 512,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal files.")] = 0,
) -> None:
    """Write synthetic Sentinel-2-like scenes with exact water masks as GeoTIFFs."""
    from orbitfl.data.writing import write_scenes

    with reporting() as notify:
        write_scenes(out, scenes, seed, size_px, lambda done, total: notify("scenes", done, total))
    print(f"{scenes} scenes of {size_px} px are in {out}.")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A folder with images/*.tif and masks/*.tif.")],
) -> None:
    """Read every scene and mask of a folder to the last pixel, and say what is there."""
    from orbitfl.data.loading import load
    from orbitfl.data.options import FolderData
    from orbitfl.files import cache_folder

    tiles = load(FolderData(path=str(folder)), cache_folder())
    water = 100 * float(tiles.water_share().mean())
    print(
        f"{folder}: {len(tiles.scene_names)} scenes, {len(tiles)} tiles of 256 px, {water:.1f} % water. All readable."
    )
