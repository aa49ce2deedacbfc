"""Downloads that resume, and of which nothing keeps the name of the wanted file unless it is that file."""

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orbitfl.errors import DownloadError, StorageError
from orbitfl.progress import Count

BLOCK_BYTE = 1 << 16
TIMEOUT_S = 30.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Answer = http.client.HTTPResponse | urllib.error.HTTPError


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A published file and the proof of a true copy. Raises DownloadError unless the address is secure.

    checksum: `sha256:` or `md5:` and the digest in hex, as the publisher gives it; None where it gives none, so that
    only the size can be compared.
    """

    name: str
    url: str
    size_byte: int
    checksum: str | None
    licence: str

    def __post_init__(self) -> None:
        _require_secure(self.url)


def fetch(remote: RemoteFile, folder: Path, progress: Count | None = None) -> Path:
    """Return the path of the verified file in `folder`, after downloading what is missing of it.

    A transfer that breaks off stays as `NAME.part`, from where the next call goes on.
    Raises DownloadError when the server, the network or the content fails, StorageError when the disk does; a
    wrong download is removed, a file that already bears the name is never overwritten.
    """
    path, part = folder / remote.name, folder / f"{remote.name}.part"
    with _storage(part):
        if path.exists():
            return _existing(remote, path)
        folder.mkdir(parents=True, exist_ok=True)
        _complete(remote, part, progress or (lambda done, wanted: None))
        if not is_copy(remote, part):
            part.unlink()
            raise DownloadError(
                f"What {remote.url} sent is not {remote.name} (its checksum differs) and was removed; try again."
            )
        part.replace(path)
    return path


def read(url: str, most_byte: int) -> tuple[bytes, Message]:
    """A short answer, such as a listing of files, and its headers. Raises DownloadError when there is none."""
    _require_secure(url)
    with _open(url, start=0) as answer:
        if answer.status != http.client.OK:
            raise DownloadError(f"{url} answered HTTP {answer.status} {answer.reason}; try again later.")
        try:
            content = answer.read(most_byte + 1)
        except (OSError, http.client.HTTPException) as error:
            raise DownloadError(f"{url} broke off ({_reason(error)}); try again.") from error
        if len(content) > most_byte:
            raise DownloadError(f"{url} answered more than {most_byte} bytes, which is not a listing of files.")
        return content, answer.headers


def _existing(remote: RemoteFile, path: Path) -> Path:
    if not is_copy(remote, path):
        raise DownloadError(f"{path} is not the published {remote.name}; move it away or choose another folder.")
    return path


def is_copy(remote: RemoteFile, path: Path) -> bool:
    if path.stat().st_size != remote.size_byte or remote.checksum is None:
        return path.stat().st_size == remote.size_byte
    algorithm, _, published = remote.checksum.partition(":")
    return digest(path, algorithm) == published


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Of the file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _complete(remote: RemoteFile, part: Path, progress: Count) -> None:
    """Bring `part` to the expected size, from where it is or, if the server cannot resume, from zero."""
    is_begun = part.exists()
    here = part.stat().st_size if is_begun else 0
    if is_begun and here == remote.size_byte:
        return
    if 0 < here < remote.size_byte and _resume(remote, part, here, progress):
        return
    with _open(remote.url, start=0) as answer:
        if answer.status != http.client.OK:
            raise DownloadError(f"{remote.url} answered HTTP {answer.status} {answer.reason}; try again later.")
        offered = answer.headers.get("Content-Length", str(remote.size_byte))
        if offered != str(remote.size_byte):
            raise DownloadError(
                f"{remote.url} offers {offered} bytes, but {remote.name} has {remote.size_byte}; "
                "check whether the network wants a login, or try again later."
            )
        _receive(remote, answer, part, 0, progress)


def _resume(remote: RemoteFile, part: Path, here: int, progress: Count) -> bool:
    """Append the rest to `part`; False, with nothing written, unless the server offers exactly that rest."""
    with _open(remote.url, start=here) as answer:
        offers_rest = _range(answer) == (here, remote.size_byte - 1, remote.size_byte)
        if answer.status != http.client.PARTIAL_CONTENT or not offers_rest:
            return False
        _receive(remote, answer, part, here, progress)
    return True


def _receive(remote: RemoteFile, answer: Answer, part: Path, here: int, progress: Count) -> None:
    """Write to `part` from byte `here` on, never beyond the expected size whatever the server sends."""
    with part.open("ab" if here else "wb") as file:
        progress(here, remote.size_byte)
        for block in _blocks(remote, answer, remote.size_byte - here):
            file.write(block)
            here += len(block)
            progress(here, remote.size_byte)
        file.flush()
        os.fsync(file.fileno())
    if here < remote.size_byte:
        raise _broken_off(remote, "the server closed the connection")


def _blocks(remote: RemoteFile, answer: Answer, wanted: int) -> Iterator[bytes]:
    try:
        while wanted > 0 and (block := answer.read(min(BLOCK_BYTE, wanted))):
            wanted -= len(block)
            yield block
    except (OSError, http.client.HTTPException) as error:
        raise _broken_off(remote, _reason(error)) from error


def _open(url: str, start: int) -> Answer:
    """The server's answer, whatever its status, to a request for the bytes from `start` on."""
    headers = {"User-Agent": "orbitfl", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        return _OPENER.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        return error
    except DownloadError:
        raise
    # A publisher may name an address that cannot even be written down for a server: a ValueError of many kinds.
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DownloadError(
            f"{url} could not be reached ({_reason(error)}); check the network and try again."
        ) from error


def _range(answer: Answer) -> tuple[int, ...] | None:
    """First byte, last byte and total of a Content-Range header (RFC 9110, section 14.4)."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers.get("Content-Range", ""))
    return tuple(map(int, match.groups())) if match else None


def _require_secure(url: str) -> None:
    """https everywhere, redirects included; plain http to this machine alone."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
            return
    raise DownloadError(f"{url} is not an https address; nothing is downloaded from others.")


class _SecureRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str) -> Any:
        _require_secure(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_SecureRedirects)


def _broken_off(remote: RemoteFile, reason: str) -> DownloadError:
    return DownloadError(f"The download of {remote.name} broke off ({reason}); start it again to go on from there.")


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", "") or error or type(error).__name__)


@contextmanager
def _storage(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} could not be written ({error.strerror or error}); free space or take another folder."
        ) from error
