"""Fixtures shared by all rooms."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
