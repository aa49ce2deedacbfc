"""Downloads from a real server on this machine that breaks off, lies and refuses."""

import dataclasses
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from orbitfl import download
from orbitfl.download import RemoteFile, fetch
from orbitfl.errors import DownloadError, StorageError

CONTENT = np.random.default_rng(11).bytes(300_000)
HERE = 100_000
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Gives the queued answers one by one, then behaves; notes the Range header of every request."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.ranges: list[str | None] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.ranges.append(self.headers["Range"])
                (server.answers.pop(0) if server.answers else well_behaved)(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))

    def file(self, content: bytes = CONTENT) -> RemoteFile:
        url = f"http://127.0.0.1:{self.http.server_port}/weights/net.pt"
        return RemoteFile("net.pt", url, len(content), f"sha256:{hashlib.sha256(content).hexdigest()}", "Apache-2.0")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.thread.start()
    yield server
    server.http.shutdown()
    server.thread.join()
    server.http.server_close()


@pytest.fixture
def resumable(tmp_path: Path) -> Path:
    """A folder with the first bytes of an earlier transfer."""
    (tmp_path / "net.pt.part").write_bytes(CONTENT[:HERE])
    return tmp_path


def answer(status: int, body: bytes, **headers: str) -> Answer:
    def give(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return give


def whole(body: bytes = CONTENT) -> Answer:
    return answer(200, body, Content_Length=str(len(body)))


def partial(first: int, last: int, total: int, body: bytes) -> Answer:
    return answer(206, body, Content_Range=f"bytes {first}-{last}/{total}")


def well_behaved(handler: BaseHTTPRequestHandler) -> None:
    wanted = handler.headers["Range"]
    first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
    last, total = len(CONTENT) - 1, len(CONTENT)
    give = partial(first, last, total, CONTENT[first:]) if wanted else whole()
    give(handler)


def cut_after(count: int) -> Answer:
    return answer(200, CONTENT[:count], Content_Length=str(len(CONTENT)))


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_whole_file_with_progress(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch(server.file(), tmp_path / "new" / "folder", lambda done, wanted: seen.append((done, wanted)))
    assert path == tmp_path / "new" / "folder" / "net.pt"
    assert path.read_bytes() == CONTENT
    assert left(path.parent) == {"net.pt"}
    assert seen[0] == (0, len(CONTENT)) and seen[-1] == (len(CONTENT), len(CONTENT)) and seen == sorted(seen)


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_the_published_checksum_is_the_one_compared(server: Server, tmp_path: Path, algorithm: str) -> None:
    true = f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}"
    false = f"{algorithm}:{hashlib.new(algorithm, CONTENT[1:]).hexdigest()}"
    with pytest.raises(DownloadError, match="checksum differs"):
        fetch(dataclasses.replace(server.file(), checksum=false), tmp_path)
    assert left(tmp_path) == set()
    assert fetch(dataclasses.replace(server.file(), checksum=true), tmp_path).read_bytes() == CONTENT


def test_without_a_checksum_the_size_decides(server: Server, tmp_path: Path) -> None:
    unproved = dataclasses.replace(server.file(), checksum=None)
    assert fetch(unproved, tmp_path).read_bytes() == CONTENT
    (tmp_path / "net.pt").write_bytes(CONTENT[1:])
    with pytest.raises(DownloadError, match="move it away"):
        fetch(unproved, tmp_path)


def test_what_is_here_is_not_downloaded(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(CONTENT)
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == []


def test_a_file_of_that_name_is_never_overwritten(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"months of fine-tuning")
    with pytest.raises(DownloadError, match="move it away"):
        fetch(server.file(), tmp_path)
    assert (tmp_path / "net.pt").read_bytes() == b"months of fine-tuning"


def test_a_broken_transfer_is_resumed(server: Server, tmp_path: Path) -> None:
    server.answers = [cut_after(HERE)]
    with pytest.raises(DownloadError, match="broke off"):
        fetch(server.file(), tmp_path)
    assert (tmp_path / "net.pt.part").read_bytes() == CONTENT[:HERE]
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={HERE}-"]
    assert left(tmp_path) == {"net.pt"}


def test_a_stalled_transfer_breaks_off(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT_S", 0.2)
    done = threading.Event()

    def stall(handler: BaseHTTPRequestHandler) -> None:
        cut_after(HERE)(handler)
        handler.wfile.flush()
        done.wait(10)

    server.answers = [stall]
    with pytest.raises(DownloadError, match="timed out"):
        fetch(server.file(), tmp_path)
    done.set()
    assert (tmp_path / "net.pt.part").stat().st_size > 0


LIES = {
    "ignores ranges": whole(),
    "another start": partial(0, len(CONTENT) - 1, len(CONTENT), CONTENT),
    "another end": partial(HERE, HERE + 9, len(CONTENT), CONTENT[HERE : HERE + 10]),
    "another total": partial(HERE, len(CONTENT) - 1, len(CONTENT) + 1, CONTENT[HERE:]),
    "no Content-Range": answer(206, CONTENT[HERE:]),
    "nonsense": answer(206, CONTENT[HERE:], Content_Range="bytes -1-x/*"),
    "nothing there": answer(416, b"", Content_Length="0"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_cannot_resume_is_asked_for_all(server: Server, resumable: Path, lie: str) -> None:
    server.answers = [LIES[lie]]
    assert fetch(server.file(), resumable).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={HERE}-", None]


@pytest.mark.parametrize("start", [0, HERE])
def test_more_bytes_than_promised_are_not_taken(server: Server, tmp_path: Path, start: int) -> None:
    (tmp_path / "net.pt.part").write_bytes(CONTENT[:start])
    surplus = CONTENT[start:] + b"surplus" * 50_000
    server.answers = [partial(start, len(CONTENT) - 1, len(CONTENT), surplus) if start else answer(200, surplus)]
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_dropped(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.pt.part").write_bytes(CONTENT + b"?")
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None]


def test_a_complete_part_only_takes_its_name(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.pt.part").write_bytes(CONTENT)
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == []


def test_an_empty_file_is_fetched_as_any_other(server: Server, tmp_path: Path) -> None:
    server.answers = [whole(b"")]
    assert fetch(server.file(b""), tmp_path).read_bytes() == b""


def test_a_wrong_file_is_removed_and_the_next_attempt_starts_fresh(server: Server, tmp_path: Path) -> None:
    server.answers = [whole(bytes(len(CONTENT)))]
    with pytest.raises(DownloadError, match="checksum differs"):
        fetch(server.file(), tmp_path)
    assert left(tmp_path) == set()
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, None]


def test_a_wrong_beginning_is_removed_too(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.pt.part").write_bytes(bytes(HERE))
    with pytest.raises(DownloadError, match="checksum differs"):
        fetch(server.file(), tmp_path)
    assert left(tmp_path) == set()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (answer(404, b"not here"), "HTTP 404"),
        (answer(500, b""), "HTTP 500"),
        (whole(b"<html>Please log in</html>"), "offers 26 bytes"),
        (partial(0, len(CONTENT) - 1, len(CONTENT), CONTENT), "HTTP 206"),
        (answer(302, b"", Location="http://192.0.2.1/net.pt"), "not an https address"),
        (answer(302, b"", Location="https://[nowhere/net.pt"), "could not be reached"),
        (lambda handler: handler.wfile.write(b"no http at all\r\n\r\n"), "could not be reached"),
    ],
    ids=[
        "absent",
        "broken",
        "login page",
        "unasked range",
        "insecure redirect",
        "redirect to no address",
        "not a web server",
    ],
)
def test_refusals_leave_nothing(server: Server, tmp_path: Path, given: Answer, told: str) -> None:
    server.answers = [given]
    with pytest.raises(DownloadError, match=told):
        fetch(server.file(), tmp_path)
    assert left(tmp_path) == set()


def test_refusals_keep_what_is_here(server: Server, resumable: Path) -> None:
    server.answers = [answer(503, b""), answer(503, b"")]
    with pytest.raises(DownloadError, match="HTTP 503"):
        fetch(server.file(), resumable)
    assert fetch(server.file(), resumable).read_bytes() == CONTENT
    assert server.ranges[-1] == f"bytes={HERE}-"


def test_no_network(tmp_path: Path) -> None:
    closed = RemoteFile("net.pt", "http://127.0.0.1:9/net.pt", 1, None, "")
    with pytest.raises(DownloadError, match="could not be reached"):
        fetch(closed, tmp_path)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/néT.pt", f"https://{'a' * 64}.example/net.pt"])
def test_an_address_that_no_server_can_be_asked_for(url: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="could not be reached"):
        fetch(RemoteFile("net.pt", url, 1, None, ""), tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_no_space(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.pt.part").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="No space left"):
        fetch(server.file(), tmp_path)


def test_a_folder_that_cannot_be(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="free space or take another folder"):
        fetch(server.file(), tmp_path / "file")


@pytest.mark.parametrize(
    "url", ["http://example.org/net.pt", "ftp://127.0.0.1/net.pt", "file:///etc/passwd", "net.pt", "https://[x"]
)
def test_insecure_addresses_cannot_be_stated(url: str) -> None:
    with pytest.raises(DownloadError, match="https"):
        RemoteFile("net.pt", url, 1, None, "")
