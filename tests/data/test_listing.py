"""Listings as Zenodo, Google and Hugging Face write them, and as nobody should."""

import base64
import hashlib
import json
from pathlib import PurePosixPath

import pytest

from orbitfl.data.listing import bucket, hugging_face, zenodo
from orbitfl.errors import DownloadError

RECORD = "/api/records/7"
TREE = "/api/datasets/a/b/tree/main/test"
OBJECTS = "/storage/v1/b/floods/o?prefix=v1%2Fchips%2F&maxResults=1000"
MD5 = hashlib.md5(b"x").hexdigest()
SHA256 = hashlib.sha256(b"x").hexdigest()


def record(**changed: object) -> bytes:
    file = {"key": "set.zip", "size": 5, "checksum": f"md5:{MD5}", "links": {"self": "https://zenodo.org/set.zip"}}
    return json.dumps({"metadata": {"license": {"id": "cc-by-4.0"}}, "files": [file | changed]}).encode()


def test_a_record_of_zenodo(publisher) -> None:
    publisher.files[RECORD] = record()
    listing = zenodo(publisher.host, 7, "unknown")
    (offer,) = listing.offers
    assert (offer.path, offer.file.url) == (PurePosixPath("set.zip"), "https://zenodo.org/set.zip")
    assert (offer.file.size_byte, offer.file.checksum, listing.licence) == (5, f"md5:{MD5}", "cc-by-4.0")
    assert not listing.unproved


def test_a_record_without_licence_or_checksum_claims_neither(publisher) -> None:
    whole = json.loads(record(checksum=None)) | {"metadata": {}}
    publisher.files[RECORD] = json.dumps(whole).encode()
    listing = zenodo(publisher.host, 7, "unknown")
    assert listing.licence is None and listing.offers[0].file.checksum is None
    assert listing.unproved == listing.offers


def test_a_bucket_of_two_pages(publisher) -> None:
    def item(name: str, **more: str) -> dict:
        return {"name": f"v1/chips/{name}", "size": "12", **more}

    md5 = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    publisher.files[OBJECTS] = json.dumps({"items": [item("a b.tif", md5Hash=md5)], "nextPageToken": "p2"}).encode()
    publisher.files[OBJECTS + "&pageToken=p2"] = json.dumps({"items": [item("c.tif")]}).encode()
    first, second = bucket(publisher.host, "floods", ("v1/chips/",), "none").offers
    assert first.path == PurePosixPath("chips/a b.tif")
    assert first.file.url == f"{publisher.host}/floods/v1/chips/a%20b.tif"
    assert (first.file.size_byte, first.file.checksum) == (12, f"md5:{MD5}")
    assert (second.path, second.file.checksum) == (PurePosixPath("chips/c.tif"), None)


@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_a_tree_of_hugging_face(publisher, prefix: str) -> None:
    large = {"oid": prefix + SHA256, "size": 10**9, "pointerSize": 134}
    first = [
        {"type": "directory", "path": "test/S2", "oid": "0", "size": 0},
        {"type": "file", "path": "test/a.tif", "oid": "1", "size": 134, "lfs": large},
    ]
    publisher.files[TREE] = json.dumps(first).encode()
    publisher.files[TREE + "?cursor=2"] = json.dumps([{"type": "file", "path": "test/b.csv", "size": 8}]).encode()
    publisher.following[TREE] = f"{publisher.host}{TREE}?cursor=2"
    a, b = hugging_face(publisher.host, "a/b", ("test",), "cc-by-nc-4.0").offers
    assert (a.file.size_byte, a.file.checksum) == (10**9, f"sha256:{SHA256}")
    assert a.file.url == f"{publisher.host}/datasets/a/b/resolve/main/test/a.tif"
    assert (b.file.size_byte, b.file.checksum, b.path) == (8, None, PurePosixPath("test/b.csv"))


@pytest.mark.parametrize(
    ("following", "told"),
    [("https://example.org/next", "another server"), ("https://[next", "something else than a listing")],
)
def test_a_tree_that_goes_on_elsewhere_is_not_followed(publisher, following: str, told: str) -> None:
    publisher.files[TREE] = json.dumps([{"type": "file", "path": "test/b.csv", "size": 8}]).encode()
    publisher.following[TREE] = following
    with pytest.raises(DownloadError, match=told):
        hugging_face(publisher.host, "a/b", ("test",), "")


def test_pages_without_end_are_given_up(publisher) -> None:
    publisher.files[TREE] = json.dumps([{"type": "file", "path": "test/b.csv", "size": 8}]).encode()
    publisher.following[TREE] = publisher.host + TREE
    with pytest.raises(DownloadError, match="pages"):
        hugging_face(publisher.host, "a/b", ("test",), "")


@pytest.mark.parametrize(
    "name", ["../set.zip", "/etc/passwd", "a/../../b", "a\\b", "", ".bashrc", "a\0b", "C:x", "x" * 300]
)
def test_names_that_lead_astray_are_refused(publisher, name: str) -> None:
    publisher.files[RECORD] = record(key=name)
    with pytest.raises(DownloadError, match="not a plain name"):
        zenodo(publisher.host, 7, "")


@pytest.mark.parametrize("size", [-1, 1.5, "5", None, True])
def test_sizes_that_are_none_are_refused(publisher, size: object) -> None:
    publisher.files[RECORD] = record(size=size)
    with pytest.raises(DownloadError, match="a size of"):
        zenodo(publisher.host, 7, "")


def test_insecure_addresses_are_refused(publisher) -> None:
    publisher.files[RECORD] = record(links={"self": "http://example.org/set.zip"})
    with pytest.raises(DownloadError, match="https"):
        zenodo(publisher.host, 7, "")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b"null",
        b'{"files": 3}',
        b'{"files": [3]}',
        b'{"files": [{"key": "a"}]}',
        b"[" * 100_000,
    ],
)
def test_anything_but_a_listing_is_refused(publisher, answer: bytes) -> None:
    publisher.files[RECORD] = answer
    with pytest.raises(DownloadError, match="something else than a listing"):
        zenodo(publisher.host, 7, "")


def test_an_empty_or_missing_listing_is_refused(publisher) -> None:
    publisher.files[RECORD] = b'{"files": []}'
    with pytest.raises(DownloadError, match="lists no file"):
        zenodo(publisher.host, 7, "")
    with pytest.raises(DownloadError, match="HTTP 404"):
        zenodo(publisher.host, 8, "")


def test_a_listing_too_long_is_not_read_to_its_end(publisher, monkeypatch) -> None:
    monkeypatch.setattr("orbitfl.data.listing.LONGEST_BYTE", 50)
    publisher.files[RECORD] = record()
    with pytest.raises(DownloadError, match="more than 50 bytes"):
        zenodo(publisher.host, 7, "")
