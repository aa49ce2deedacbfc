"""Public sets of scenes with water masks: where they lie, under which terms, and how they become data folders."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

import rasterio
from rasterio.errors import RasterioError

from orbitfl.data.folder import scan
from orbitfl.data.listing import Listing, bucket, hugging_face, zenodo
from orbitfl.data.unpacking import link, opened
from orbitfl.errors import DataError


class Publisher(Protocol):
    def __call__(self, host: str, *, licence: str) -> Listing: ...


class Arrangement(Protocol):
    def __call__(self, fetched: Mapping[PurePosixPath, Path], folder: Path) -> None: ...


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A published set.

    licence: what its publisher says, or that it says nothing. bound: whether the terms must be accepted first.
    publisher: lists its files. wanted: the paths that are fetched. arrange: makes the new folder of what was fetched.
    room: how many times the download must be free on the disk. after: what there is to do with the folder.
    """

    title: str
    about: str
    licence: str
    source: str
    cite: str
    host: str
    publisher: Publisher
    wanted: str
    arrange: Arrangement
    room: float
    after: str
    bound: bool = False

    def listing(self) -> Listing:
        """What the publisher has of it today. Raises DownloadError."""
        listed = self.publisher(self.host, licence=self.licence)
        offers = tuple(offer for offer in listed.offers if re.fullmatch(self.wanted, str(offer.path)))
        if not offers:
            raise DataError(f"{self.source} has none of the files of {self.title} any more. Look there with a browser.")
        return Listing(offers, listed.licence)


ESW_BANDS: Final = ("B02", "B03", "B04", "B08", "B11", "B12")
ESW_PARTS: Final = {"train": ("tra_scene", "tra_truth"), "val": ("val_scene", "val_truth")}
SEN1FLOODS11_SPLITS: Final = ("train", "valid", "test", "bolivia")


def arrange_esw(fetched: Mapping[PurePosixPath, Path], folder: Path) -> None:
    """train/ and val/ with images/ and masks/ of the same names, the six bands named.

    Raises DataError for an archive that is not of this form.
    """
    with opened(fetched[PurePosixPath("dset-s2.zip")]) as archive:
        for part, inside in ESW_PARTS.items():
            for kind, above in zip(("images", "masks"), inside, strict=True):
                for path in _tifs_in(archive.paths, above):
                    archive.extract(path, folder / part / kind / f"{scene_of_esw(path.stem)}.tif")
    for part in ESW_PARTS:
        for image in sorted((folder / part / "images").glob("*.tif")):
            _name_bands(image, ESW_BANDS)
        scan(folder / part)


def scene_of_esw(stem: str) -> str:
    """`…_R061_6Bands_S2` and `…_R061_S2_Truth` are the image and the mask of `…_R061_S2`."""
    return stem.replace("_6Bands", "").removesuffix("_Truth")


def arrange_sen1floods11(fetched: Mapping[PurePosixPath, Path], folder: Path) -> None:
    """train/, valid/, test/ and bolivia/, as the authors divide the hand-labelled chips.

    Raises DataError where their lists name what is not there.
    """
    for split in SEN1FLOODS11_SPLITS:
        for chip in _chips(fetched[PurePosixPath(f"flood_handlabeled/flood_{split}_data.csv")]):
            for kind, layer in (("images", "S2Hand"), ("masks", "LabelHand")):
                source = fetched.get(PurePosixPath(f"{layer}/{chip}_{layer}.tif"))
                if source is None:
                    raise DataError(f"The {split} split names the chip {chip}, of which the bucket has no {layer}.")
                link(source, folder / split / kind / f"{chip}.tif")
        scan(folder / split)


def arrange_as_published(fetched: Mapping[PurePosixPath, Path], folder: Path) -> None:
    for path, source in fetched.items():
        link(source, folder / path)


def _tifs_in(paths: Iterable[PurePosixPath], above: str) -> list[PurePosixPath]:
    found = [path for path in paths if path.parent.name == above and re.fullmatch(r"[A-Za-z0-9]\w*\.tif", path.name)]
    if not found:
        raise DataError(f"The archive holds no {above}/*.tif, so it is not the known data set.")
    return found


def _name_bands(image: Path, bands: tuple[str, ...]) -> None:
    try:
        with rasterio.Env(), rasterio.open(image, "r+", driver="GTiff") as file:
            if file.count != len(bands):
                raise DataError(f"{image.name} has {file.count} bands instead of {', '.join(bands)}.")
            file.descriptions = bands
    except (RasterioError, OSError) as error:
        raise DataError(f"{image.name} is damaged or no GeoTIFF. Fetch the archive again.") from error


def _chips(table: Path) -> list[str]:
    """The chips that a split names: each row has the file of the radar image, then that of the label."""
    with table.open(newline="", encoding="ascii", errors="replace") as file:
        names = [row[1].strip().removesuffix("_LabelHand.tif") for row in csv.reader(file) if len(row) == 2]
    if not names or not all(re.fullmatch(r"[A-Za-z0-9-]+_\d+", name) for name in names):
        raise DataError(f"{table.name} is not a list of chips, so it is not the known data set.")
    return names


DATA_SETS: Final[dict[str, DataSet]] = {
    "esw": DataSet(
        title="Earth Surface Water",
        about="64 + 31 Sentinel-2 L2A scenes from all over the world, six bands, drawn masks",
        licence="not stated here: the record's own licence is shown when it is asked",
        source="https://zenodo.org/records/5205674",
        cite="Luo, Tong & Hu 2021, Int. J. Applied Earth Observation and Geoinformation 103, 102472",
        host="https://zenodo.org",
        publisher=partial(zenodo, record=5205674),
        wanted=r"dset-s2\.zip",
        arrange=arrange_esw,
        room=4.0,
        after="train/ and val/ are data folders: orbitfl evaluate --baseline ndwi --data {out}/val",
    ),
    "sen1floods11": DataSet(
        title="Sen1Floods11, hand-labelled",
        about="446 chips of 512 px of eleven floods, Sentinel-2 L1C in 13 bands",
        licence="its publisher states none: ask before any use but research",
        source="https://github.com/cloudtostreet/Sen1Floods11 (bucket gs://sen1floods11)",
        cite="Bonafilia et al. 2020, CVPR Workshops, 210-211",
        host="https://storage.googleapis.com",
        publisher=partial(
            bucket,
            name="sen1floods11",
            prefixes=(
                "v1.1/data/flood_events/HandLabeled/S2Hand/",
                "v1.1/data/flood_events/HandLabeled/LabelHand/",
                "v1.1/splits/flood_handlabeled/",
            ),
        ),
        wanted=r"(S2Hand|LabelHand)/\w+\.tif|flood_handlabeled/flood_(train|valid|test|bolivia)_data\.csv",
        arrange=arrange_sen1floods11,
        room=1.1,
        after="train/, valid/, test/ and bolivia/ are data folders: orbitfl evaluate --baseline ndwi --data {out}/test",
    ),
    "worldfloods": DataSet(
        title="WorldFloods v2",
        about="509 floods, Sentinel-2 L1C in 13 bands, about 76 GB",
        licence="CC BY-NC 4.0: not for commercial use",
        source="https://huggingface.co/datasets/isp-uv-es/WorldFloodsv2",
        cite="Portalés-Julià et al. 2023, Scientific Reports 13, 20316",
        host="https://huggingface.co",
        publisher=partial(
            hugging_face,
            repository="isp-uv-es/WorldFloodsv2",
            folders=tuple(f"{part}/{kind}" for part in ("train", "val", "test") for kind in ("S2", "gt")),
        ),
        wanted=r"(train|val|test)/(S2|gt)/[^/]+\.tif",
        arrange=arrange_as_published,
        room=1.1,
        after=(
            "It is not yet a data folder: gt/*.tif has clouds in band 1 (2 = cloud), water in band 2 (0 = not known, "
            "1 = land, 2 = water). Write masks/*.tif with 0 for land, 1 for water, 255 for cloud and not known, "
            "move S2/*.tif to images/, and name their bands."
        ),
        bound=True,
    ),
}
