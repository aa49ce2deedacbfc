"""What publishers say they have: names, sizes and checksums of files, asked of them when they are wanted.

So no checksum is copied from hand to hand: a wrong one of Earth Surface Water (that of LandCover.ai, from a template)
goes round. Whatever comes from a server is checked before a path, a size or an address is made of it.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from orbitfl.download import RemoteFile, read
from orbitfl.errors import DownloadError

LONGEST_BYTE: Final = 20_000_000
MOST_PAGES: Final = 50
PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,199}")
"""A name that is one step down a path on every system."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One published file, and its place in the set."""

    path: PurePosixPath
    file: RemoteFile


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a set. licence: as the publisher's catalogue states it, if it does."""

    offers: tuple[Offer, ...]
    licence: str | None = None

    @property
    def size_byte(self) -> int:
        return sum(offer.file.size_byte for offer in self.offers)

    @property
    def unproved(self) -> tuple[Offer, ...]:
        """Those without a published checksum."""
        return tuple(offer for offer in self.offers if offer.file.checksum is None)


def zenodo(host: str, record: int, licence: str) -> Listing:
    """The files of a record (developers.zenodo.org: records). Raises DownloadError for any other answer."""
    url = f"{host}/api/records/{record}"
    with _parsed(_Page(url, read(url, LONGEST_BYTE)[0])) as answer:
        stated = answer.get("metadata", {}).get("license", {}).get("id")
        offers = [
            _offer(each["key"], each["links"]["self"], each["size"], _prefixed(each.get("checksum")), stated or licence)
            for each in answer["files"]
        ]
        return Listing(_some(tuple(offers), url), str(stated) if stated else None)


def bucket(host: str, name: str, prefixes: tuple[str, ...], licence: str) -> Listing:
    """The objects below some prefixes of a public bucket (cloud.google.com/storage/docs/json_api: objects.list), at
    paths counted from the last folder of each prefix. Raises DownloadError for any other answer.
    """
    offers: list[Offer] = []
    for prefix in prefixes:
        above = PurePosixPath(prefix).parent
        for page in _pages_of_bucket(host, name, prefix):
            with _parsed(page) as answer:
                offers += [_object(each, host, name, above, licence) for each in answer.get("items", ())]
    return Listing(_some(tuple(offers), f"{host}/{name}"))


def hugging_face(host: str, repository: str, folders: tuple[str, ...], licence: str) -> Listing:
    """The files of some folders of a data set (huggingface.co/docs/hub/api: tree). Raises DownloadError for any other
    answer.
    """
    offers: list[Offer] = []
    for folder in folders:
        for page in _pages_of_tree(f"{host}/api/datasets/{repository}/tree/main/{folder}"):
            with _parsed(page) as answer:
                offers += [_entry(each, host, repository, licence) for each in answer if each["type"] == "file"]
    return Listing(_some(tuple(offers), f"{host}/datasets/{repository}"))


@dataclass(frozen=True)
class _Page:
    url: str
    content: bytes


@contextmanager
def _parsed(page: _Page) -> Iterator[Any]:
    """The JSON of a page; what does not look as it should inside the block is a DownloadError."""
    try:
        yield json.loads(page.content)
    except DownloadError:
        raise
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise DownloadError(f"{page.url} answered something else than a listing of files.") from error


def _pages_of_bucket(host: str, name: str, prefix: str) -> Iterator[_Page]:
    token: str | None = None
    for _ in range(MOST_PAGES):
        asked = {"prefix": prefix, "maxResults": "1000"} | ({"pageToken": token} if token else {})
        url = f"{host}/storage/v1/b/{name}/o?{urlencode(asked)}"
        page = _Page(url, read(url, LONGEST_BYTE)[0])
        yield page
        with _parsed(page) as answer:
            token = answer.get("nextPageToken")
        if not token:
            return
    raise DownloadError(f"{host} lists {name} on more than {MOST_PAGES} pages; that is not the known data set.")


def _pages_of_tree(url: str) -> Iterator[_Page]:
    host = urlsplit(url)[:2]
    for _ in range(MOST_PAGES):
        content, headers = read(url, LONGEST_BYTE)
        page = _Page(url, content)
        yield page
        following = re.search(r'<([^<>]+)>;\s*rel="next"', headers.get("Link", ""))
        if following is None:
            return
        url = following[1]
        with _parsed(page):
            is_elsewhere = urlsplit(url)[:2] != host
        if is_elsewhere:
            raise DownloadError(
                f"The listing goes on at {url}, which is another server; nothing is downloaded from it."
            )
    raise DownloadError(f"{url} lists more than {MOST_PAGES} pages; that is not the known data set.")


def _object(entry: Any, host: str, name: str, above: PurePosixPath, licence: str) -> Offer:
    path = PurePosixPath(entry["name"])
    if not path.is_relative_to(above):
        raise DownloadError(f"{host} lists {path}, which was not asked for.")
    address = f"{host}/{name}/{quote(str(path))}"
    return _offer(str(path.relative_to(above)), address, int(entry["size"]), _md5(entry.get("md5Hash")), licence)


def _entry(entry: Any, host: str, repository: str, licence: str) -> Offer:
    kept_apart = entry.get("lfs")
    size_byte = kept_apart["size"] if kept_apart else entry["size"]
    checksum = "sha256:" + str(kept_apart["oid"]).removeprefix("sha256:") if kept_apart else None
    address = f"{host}/datasets/{repository}/resolve/main/{quote(str(entry['path']))}"
    return _offer(entry["path"], address, size_byte, _prefixed(checksum), licence)


def _offer(path: str, url: str, size_byte: int, checksum: str | None, licence: str) -> Offer:
    place = PurePosixPath(path)
    if not place.parts or not all(PLAIN.fullmatch(part) for part in place.parts):
        raise DownloadError(f"The publisher lists a file {path!r:.100}, not a plain name; nothing is downloaded.")
    if isinstance(size_byte, bool) or not isinstance(size_byte, int) or size_byte < 0:
        raise DownloadError(f"The publisher gives {path} a size of {size_byte!r:.40}; nothing is downloaded.")
    return Offer(place, RemoteFile(place.name, str(url), size_byte, checksum, str(licence)))


def _prefixed(checksum: Any) -> str | None:
    """A checksum as `md5:` or `sha256:` and hex; another kind is as good as none."""
    known = isinstance(checksum, str) and re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", checksum)
    return checksum if known else None


def _md5(encoded: Any) -> str | None:
    try:
        return _prefixed(f"md5:{base64.b64decode(encoded, validate=True).hex()}")
    except (TypeError, ValueError, binascii.Error):
        return None


def _some(offers: tuple[Offer, ...], place: str) -> tuple[Offer, ...]:
    if not offers:
        raise DownloadError(f"{place} lists no file; it may have moved. Look there with a browser.")
    return offers
