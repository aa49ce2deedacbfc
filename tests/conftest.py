"""Fixtures shared by all rooms."""

import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from skyfield.jpllib import SpiceKernel

# A deadline would test how busy the machine is.
settings.register_profile("orbitfl", deadline=None)
settings.load_profile("orbitfl")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real scenes and golden cases beside the project; tests that need it are skipped without it."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with real scenes and golden cases is not here")
    return folder


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of the tests' own, so that they neither use nor touch the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORBITFL_CACHE", str(folder))
        yield folder


TINY = (
    "duration_s=3600",
    "model.image_px=64",
    "data.scenes=8",
    "data.size_px=128",
    "data.tile_px=64",
    "evaluation.data.scenes=4",
    "evaluation.data.size_px=128",
    "evaluation.data.tile_px=64",
    "evaluation.every_s=1800",
    "training.session_steps=4",
)


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Overrides that make first_light a matter of seconds: an hour, small tiles, few steps."""
    return TINY


@pytest.fixture
def with_damaged_place() -> Callable[[Path], Path]:
    """Write nine values into a GeoTIFF's kind of coordinate system, which has one: GDAL tells when it is asked."""

    def damage(path: Path) -> Path:
        whole, damaged = (struct.pack("<4H", 1024, 0, count, 1) for count in (1, 9))
        content = path.read_bytes()
        assert whole in content
        path.write_bytes(content.replace(whole, damaged))
        return path

    return damage


@pytest.fixture(scope="session")
def de421() -> "Iterator[SpiceKernel]":
    """JPL's ephemeris, from the copy that PASEOS carries."""
    from skyfield.api import load_file

    package = find_spec("paseos")
    assert package is not None and package.origin is not None
    kernel = load_file(str(Path(package.origin).parent / "resources" / "de421.bsp"))
    yield kernel
    kernel.close()


class Publisher:
    """A publisher of data sets on this machine: answers by path, resumes, and breaks off when told to.

    `files`: by path and query, bytes or what makes them of this server's address. `following`: by path, the Link to the
    next page. `cut_after_byte` ends the next transfer longer than that, once. `asked`: paths with their Range.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes | Callable[[str], bytes]] = {}
        self.following: dict[str, str] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.cut_after_byte: int | None = None
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"http://127.0.0.1:{self.http.server_port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers["Range"]
        self.asked.append((handler.path, wanted))
        content = self.files.get(handler.path)
        if content is None:
            handler.send_error(404)
            return
        whole = content if isinstance(content, bytes) else content(self.host)
        first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        handler.send_response(206 if wanted else 200)
        handler.send_header("Content-Length", str(len(whole) - first))
        if wanted:
            handler.send_header("Content-Range", f"bytes {first}-{len(whole) - 1}/{len(whole)}")
        if handler.path in self.following:
            handler.send_header("Link", f'<{self.following[handler.path]}>; rel="next"')
        handler.end_headers()
        last = len(whole)
        if self.cut_after_byte is not None and last > self.cut_after_byte:
            last, self.cut_after_byte = self.cut_after_byte, None
        handler.wfile.write(whole[first:last])


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    publisher = Publisher()
    thread = threading.Thread(target=publisher.http.serve_forever, args=(0.01,))
    thread.start()
    yield publisher
    publisher.http.shutdown()
    thread.join()
    publisher.http.server_close()


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A nano checkpoint that has learnt to tell water from land in drawn scenes of 64 px, in two seconds."""
    import numpy as np

    from orbitfl.data.loading import load
    from orbitfl.data.options import SyntheticData
    from orbitfl.files import cache_folder
    from orbitfl.models.checkpoint import load_model, save
    from orbitfl.models.trainable import trained_keys
    from orbitfl.training.embeddings import encode
    from orbitfl.training.learner import DecoderLearner, Lessons
    from orbitfl.training.options import Training
    from orbitfl.training.prompts import Prompts

    model = load_model("nano-base", 64)
    tiles = load(SyntheticData(scenes=12, size_px=128, tile_px=64), cache_folder())
    learner = DecoderLearner(model, trained_keys(model), Training(learning_rate=3e-4))
    lessons = Lessons(encode(model, tiles.images), tiles.masks, Prompts())
    progress, _ = learner.train(learner.start(), lessons, np.arange(len(tiles)), 120, (0,))
    path = tmp_path_factory.mktemp("taught") / "taught.safetensors"
    save(learner.with_weights(progress.weights), path)
    return path


@pytest.fixture(scope="session")
def bundle(taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The taught network as a bundle for a board: tiles of 64 px, two at a time. Tests leave it as it is."""
    from dataclasses import replace

    from orbitfl.data.options import SyntheticData
    from orbitfl.export.bundle import Options, export
    from orbitfl.export.source import find

    drawn = SyntheticData(scenes=3, size_px=128, tile_px=64, seed=5)
    source = replace(find(str(taught), 64), evaluation=drawn)
    out = tmp_path_factory.mktemp("bundles") / "bundle"
    return export(source, out, Options(batch_size=2, repeats=1), lambda what, done, total: None).folder
