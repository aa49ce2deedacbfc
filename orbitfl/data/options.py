"""Data sets as components of a scenario: their options. `loading` turns them into tiles."""

from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Discriminator

from orbitfl.data.channels import checked, shown
from orbitfl.data.partition import Iid, Partition
from orbitfl.data.tiles import Rule, Stretch, Tiling
from orbitfl.errors import DataError

RGB: Final = ("B04", "B03", "B02")

# Checked first, since pydantic's own complaint about a union names no key that a user wrote.
Bands = Annotated[str | tuple[str, ...], BeforeValidator(checked)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderData:
    """Scenes of the user's own.

    path: a folder with images/*.tif and masks/*.tif of the same names. bands: what is shown as red, green and blue:
    three bands, indices among them if wanted, or the name of a composite (`channels`). tile_px: the edge of the square
    tiles that scenes are cut into. rule: which tiles are kept: all, those with some water, or those with a single
    region of it (`Tiling`). stretch: `auto` stretches the brightness of all but 8-bit scenes, `percentile` that of all;
    `none` takes 8-bit scenes alone (`Tiling`). partition: which satellite holds which tiles.
    """

    kind: Literal["folder"] = "folder"
    path: str
    bands: Bands = RGB
    tile_px: int = 256
    rule: Rule = "all"
    stretch: Stretch = "auto"
    partition: Partition = field(default_factory=Iid)

    def __post_init__(self) -> None:
        _check_tiling(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticData:
    """Synthetic scenes, the same for the same seed.

    scenes: how many there are. size_px: the edge of each, which is square. seed: what they are drawn from by lot.
    bands, tile_px, rule, stretch, partition: as in `FolderData`.
    """

    kind: Literal["synthetic"] = "synthetic"
    scenes: int = 32
    size_px: int = 512
    seed: int = 0
    bands: Bands = RGB
    tile_px: int = 256
    rule: Rule = "all"
    stretch: Stretch = "auto"
    partition: Partition = field(default_factory=Iid)

    def __post_init__(self) -> None:
        _check_tiling(self)
        for name, least, most in (("scenes", 1, 100_000), ("size_px", 64, 4096), ("seed", 0, 2**63)):
            if not least <= getattr(self, name) <= most:
                raise DataError(f"{name} is {getattr(self, name)}; choose a number from {least} to {most}.")


Data = Annotated[FolderData | SyntheticData, Discriminator("kind")]


def tiling(data: Data) -> Tiling:
    """How the scenes of `data` become tiles."""
    return Tiling(tile_px=data.tile_px, rule=data.rule, stretch=data.stretch)


def _check_tiling(data: Data) -> None:
    shown(data.bands)
    tiling(data)
