"""A small board and a shipped scenario to put profiles into."""

from pathlib import Path
from typing import Any

import pytest

Document = dict[str, Any]


@pytest.fixture
def first_light(repository: Path) -> Path:
    return repository / "constellations/first_light.yaml"


@pytest.fixture(scope="session")
def board() -> Document:
    """The least that a board has to say; nothing of exchanges."""
    keys = ("train_step_s", "train_w", "inference_s", "inference_w", "standby_w")
    return {"kind": "board", "name": "mine", **{key: {"value": 2.0, "source": "a stopwatch"} for key in keys}}
