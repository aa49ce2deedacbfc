"""Published sets in small, from a server on this machine to a data folder."""

import dataclasses
import hashlib
import io
import json
import shutil
import stat
import zipfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from orbitfl.data.catalogue import DATA_SETS, ESW_BANDS, DataSet
from orbitfl.data.folder import scan
from orbitfl.data.getting import get, require_terms
from orbitfl.data.loading import load
from orbitfl.data.options import FolderData
from orbitfl.errors import DataError, DownloadError, StorageError
from orbitfl.files import locked

SCENES = {"tra": ("S2A_L2A_20190125_N0211_R034_{}S1", "S2A_L2A_20190125_N0211_R034_{}S2"), "val": ("S2B_R061_{}S2",)}


def silent(done: int, total: int) -> None:
    pass


def fetch(data_set: DataSet, out: Path) -> dict[PurePosixPath, str]:
    return get(data_set, data_set.listing(), out, silent)


@pytest.fixture
def tif_bytes(tif, tmp_path: Path) -> Callable[..., bytes]:
    def written(bands: np.ndarray, *names: str) -> bytes:
        return tif(tmp_path / "one.tif", bands, names).read_bytes()

    return written


@pytest.fixture
def esw_members(tif_bytes) -> dict[str, bytes]:
    """Members of an archive like Earth Surface Water's: six nameless bands, images and masks of different names."""
    rng, members = np.random.default_rng(0), {}
    for part, names in SCENES.items():
        for name in names:
            image = tif_bytes(rng.integers(1, 5000, (6, 40, 48)).astype(np.uint16))
            mask = tif_bytes(rng.integers(0, 2, (1, 40, 48)).astype(np.uint8))
            members[f"dset-s2/{part}_scene/{name.format('6Bands_')}.tif"] = image
            members[f"dset-s2/{part}_truth/{name.format('')}_Truth.tif"] = mask
    return members


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return packed.getvalue()


def publish_esw(publisher, archive: bytes, checksum: str | None = "right") -> DataSet:
    if checksum == "right":
        checksum = f"md5:{hashlib.md5(archive).hexdigest()}"
    links = {"self": f"{publisher.host}/dset-s2.zip"}
    file = {"key": "dset-s2.zip", "size": len(archive), "checksum": checksum, "links": links}
    record = {"metadata": {"license": {"id": "cc-by-4.0"}}, "files": [file, file | {"key": "paper.pdf"}]}
    publisher.files |= {"/api/records/5205674": json.dumps(record).encode(), "/dset-s2.zip": archive}
    return dataclasses.replace(DATA_SETS["esw"], host=publisher.host)


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "sets").mkdir()
    return tmp_path / "sets/esw"


def test_earth_surface_water_becomes_two_data_folders(publisher, esw_members, out: Path) -> None:
    assert fetch(publish_esw(publisher, zipped(esw_members)), out) == {}
    assert left(out.parent) == {"esw"}
    assert [scene.name for scene in scan(out / "train")] == [name.format("") for name in SCENES["tra"]]
    (scene,) = scan(out / "val")
    assert scene.band_names == ESW_BANDS
    for bands in ("true_color", "swir", ("NDWI", "MNDWI", "NDVI")):
        assert len(load(FolderData(path=str(out / "train"), bands=bands, tile_px=16), out)) == 2 * 2 * 3
    assert [path for path, _ in publisher.asked if "paper" in path] == []


def test_a_broken_download_leaves_no_folder_and_is_resumed(publisher, esw_members, out: Path) -> None:
    data_set = publish_esw(publisher, zipped(esw_members))
    publisher.cut_after_byte = 5000
    with pytest.raises(DownloadError, match="broke off"):
        fetch(data_set, out)
    assert not out.exists()
    fetch(data_set, out)
    assert ("/dset-s2.zip", "bytes=5000-") in publisher.asked
    assert len(scan(out / "train")) == 2 and left(out.parent) == {"esw"}


def test_two_do_not_fetch_to_one_folder(publisher, esw_members, out: Path, monkeypatch) -> None:
    """Else both would write to one file, and what came of it would be no copy."""
    monkeypatch.setattr("orbitfl.files.LETTING_GO_S", 0.1)
    data_set = publish_esw(publisher, zipped(esw_members))
    with locked(out.with_name(".esw.download")), pytest.raises(StorageError, match="another process"):
        fetch(data_set, out)
    assert ("/dset-s2.zip", None) not in publisher.asked
    fetch(data_set, out)
    assert left(out.parent) == {"esw"}


def test_another_file_than_the_published_one_is_refused(publisher, esw_members, out: Path) -> None:
    data_set = publish_esw(publisher, zipped(esw_members), checksum=f"md5:{'0' * 32}")
    with pytest.raises(DownloadError, match="checksum differs"):
        fetch(data_set, out)
    assert not out.exists()


def test_without_a_published_checksum_the_digest_is_told(publisher, esw_members, out: Path) -> None:
    archive = zipped(esw_members)
    found = fetch(publish_esw(publisher, archive, checksum=None), out)
    assert found == {PurePosixPath("dset-s2.zip"): hashlib.sha256(archive).hexdigest()}


def test_what_stands_there_already_is_left_alone(publisher, esw_members, out: Path) -> None:
    out.mkdir()
    (out / "mine.txt").write_text("months of work")
    with pytest.raises(StorageError, match="not empty"):
        fetch(publish_esw(publisher, zipped(esw_members)), out)
    assert left(out) == {"mine.txt"} and ("/dset-s2.zip", None) not in publisher.asked


def test_a_full_disk_is_told_before_the_first_byte(publisher, esw_members, out: Path, monkeypatch) -> None:
    free = shutil.disk_usage(out.parent)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: free)
    with pytest.raises(StorageError, match="free some space"):
        fetch(publish_esw(publisher, zipped(esw_members)), out)
    assert ("/dset-s2.zip", None) not in publisher.asked


def linked(name: str, target: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(entry, target)
    return packed.getvalue()


TRUE = "dset-s2/tra_scene/a_6Bands_S1.tif"


@pytest.mark.parametrize(
    ("archive", "told"),
    [
        pytest.param(zipped({TRUE: b"x", "../../escaped.tif": b"x"}), "path out of it", id="above"),
        pytest.param(zipped({TRUE: b"x", "/escaped.tif": b"x"}), "path out of it", id="from the root"),
        pytest.param(zipped({TRUE: b"x", "..\\escaped.tif": b"x"}), "path out of it", id="above on Windows"),
        pytest.param(zipped({TRUE: b"x", "C:escaped.tif": b"x"}), "path out of it", id="another drive"),
        pytest.param(linked(TRUE, "/etc/passwd"), "a link", id="link"),
        pytest.param(b"no zip at all" * 9, "cannot be unpacked", id="no zip"),
        pytest.param(zipped({TRUE: b"x" * 9999})[:100], "cannot be unpacked", id="cut off"),
        pytest.param(zipped({"readme.txt": b"x"}), "not the known data set", id="no scenes"),
        pytest.param(
            zipped({f"dset-s2/{each}/a.tif": b"x" for each in ("tra_scene", "tra_truth")}),
            "not the known data set",
            id="other names",
        ),
    ],
)
def test_archives_that_are_not_what_they_should_be(publisher, out: Path, archive: bytes, told: str) -> None:
    with pytest.raises(DataError, match=told):
        fetch(publish_esw(publisher, archive), out)
    assert left(out.parent) <= {".esw.download"} and left(out.parent.parent) <= {"sets", "one.tif"}


def test_too_much_or_more_than_said_is_not_unpacked(publisher, esw_members, out: Path, monkeypatch) -> None:
    archive = zipped(esw_members)
    monkeypatch.setattr("orbitfl.data.unpacking.MOST_BYTE", 1000)
    with pytest.raises(DataError, match="would unpack to more"):
        fetch(publish_esw(publisher, archive), out)
    monkeypatch.undo()
    central = archive.rindex(b"PK\x01\x02")
    short = archive[: central + 24] + (10).to_bytes(4, "little") + archive[central + 28 :]
    with pytest.raises(DataError, match=r"longer than|cannot be unpacked"):
        fetch(publish_esw(publisher, short), out.with_name("other"))
    assert not out.exists() and not out.with_name("other").exists()


def test_a_damaged_member_leaves_nothing(publisher, esw_members, out: Path) -> None:
    archive = bytearray(zipped(esw_members))
    archive[1000] ^= 0xFF
    with pytest.raises(DataError, match="cannot be unpacked"):
        fetch(publish_esw(publisher, bytes(archive)), out)
    assert not out.exists()


@pytest.mark.parametrize("change", ["a mask less", "five bands", "another size"])
def test_scenes_that_do_not_fit_leave_nothing(publisher, esw_members, tif_bytes, out: Path, change: str) -> None:
    image, mask = (next(name for name in esw_members if part in name) for part in ("val_scene", "tra_truth"))
    if change == "a mask less":
        del esw_members[mask]
    elif change == "five bands":
        esw_members[image] = tif_bytes(np.ones((5, 40, 48), np.uint16))
    else:
        esw_members[mask] = tif_bytes(np.ones((1, 4, 4), np.uint8))
    with pytest.raises(DataError):
        fetch(publish_esw(publisher, zipped(esw_members)), out)
    assert left(out.parent) == {".esw.download"}


@pytest.fixture
def sen1floods11(publisher, tif_bytes) -> DataSet:
    """Four chips, one a split, as the bucket lists them."""
    rng, above = np.random.default_rng(1), "v1.1/data/flood_events/HandLabeled"
    chips = dict(
        zip(("train", "valid", "test", "bolivia"), ("Ghana_1", "India_22", "Spain_3", "Bolivia_4"), strict=True)
    )
    objects: dict[str, bytes] = {}
    for split, chip in chips.items():
        image = tif_bytes(rng.integers(1, 9000, (2, 32, 32)).astype(np.int16), "B3", "B8")
        label = tif_bytes(rng.integers(-1, 2, (1, 32, 32)).astype(np.int16))
        objects |= {f"{above}/S2Hand/{chip}_S2Hand.tif": image, f"{above}/LabelHand/{chip}_LabelHand.tif": label}
        row = f"{chip}_S1Hand.tif,{chip}_LabelHand.tif\n".encode()
        objects[f"v1.1/splits/flood_handlabeled/flood_{split}_data.csv"] = row
    for prefix in (f"{above}/S2Hand/", f"{above}/LabelHand/", "v1.1/splits/flood_handlabeled/"):
        items = [
            {"name": name, "size": str(len(content)), "md5Hash": b64encode(hashlib.md5(content).digest()).decode()}
            for name, content in objects.items()
            if name.startswith(prefix)
        ]
        query = prefix.replace("/", "%2F")
        publisher.files[f"/storage/v1/b/sen1floods11/o?prefix={query}&maxResults=1000"] = json.dumps(
            {"items": items}
        ).encode()
    publisher.files |= {f"/sen1floods11/{name}": content for name, content in objects.items()}
    return dataclasses.replace(DATA_SETS["sen1floods11"], host=publisher.host)


def test_sen1floods11_is_divided_as_its_authors_do(sen1floods11: DataSet, out: Path) -> None:
    assert fetch(sen1floods11, out) == {}
    assert left(out) == {"train", "valid", "test", "bolivia"} and left(out.parent) == {"esw"}
    assert [scene.name for scene in scan(out / "bolivia")] == ["Bolivia_4"]
    tiles = load(FolderData(path=str(out / "test"), bands=("NDWI", "B03", "B08"), tile_px=32), out)
    assert set(np.unique(tiles.masks)) == {0, 1, 255}


def test_a_chip_that_is_named_but_not_there(sen1floods11: DataSet, publisher, out: Path) -> None:
    (listing,) = (url for url in publisher.files if "LabelHand" in url and "?prefix" in url)
    items = json.loads(publisher.files[listing])["items"]
    publisher.files[listing] = json.dumps({"items": items[1:]}).encode()
    with pytest.raises(DataError, match="names the chip Ghana_1, of which the bucket has no LabelHand"):
        fetch(sen1floods11, out)
    assert not out.exists()


def test_terms_that_bind_are_accepted_first() -> None:
    for name, data_set in DATA_SETS.items():
        assert data_set.bound == (name == "worldfloods")
        require_terms(data_set, accepted=True)
    require_terms(DATA_SETS["esw"], accepted=False)
    with pytest.raises(DataError, match=r"CC BY-NC 4\.0.*--accept-licence"):
        require_terms(DATA_SETS["worldfloods"], accepted=False)


def test_worldfloods_stays_as_published(publisher, out: Path) -> None:
    base, content = "/api/datasets/isp-uv-es/WorldFloodsv2/tree/main", b"a tif"
    for part in ("train", "val", "test"):
        for kind in ("S2", "gt"):
            path = f"{part}/{kind}/EMSR_1.tif"
            large = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
            entries = [
                {"type": "file", "path": path, "size": 134, "lfs": large},
                {"type": "file", "path": f"{path}.xml"},
            ]
            publisher.files[f"{base}/{part}/{kind}"] = json.dumps([entry | {"size": 134} for entry in entries]).encode()
            publisher.files[f"/datasets/isp-uv-es/WorldFloodsv2/resolve/main/{path}"] = content
    assert fetch(dataclasses.replace(DATA_SETS["worldfloods"], host=publisher.host), out) == {}
    files = sorted(str(path.relative_to(out)) for path in out.rglob("*.*"))
    assert files == sorted(f"{part}/{kind}/EMSR_1.tif" for part in ("train", "val", "test") for kind in ("S2", "gt"))
