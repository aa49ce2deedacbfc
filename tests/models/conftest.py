"""Networks that several tests share. The expensive ones are made once."""

import copy
import importlib.util
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import torch

from orbitfl.models import build
from orbitfl.models.mobile_sam import VARIANTS, MobileSam


@pytest.fixture(scope="session")
def goldens(shared: Path) -> Path:
    return shared / "goldens"


@pytest.fixture(scope="session")
def filler(goldens: Path) -> ModuleType:
    """The goldens' own script of deterministic weights and images."""
    spec = importlib.util.spec_from_file_location("goldens_fill", goldens / "fill.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def official_layout(goldens: Path) -> dict[str, dict]:
    """{key: {shape, dtype}} of the official weight file."""
    return json.loads((goldens / "mobile_sam_state_dict.json").read_text())


@pytest.fixture(scope="session")
def golden_weights(filler: ModuleType, official_layout: dict[str, dict]) -> dict[str, torch.Tensor]:
    arrays = filler.fill({name: entry["shape"] for name, entry in official_layout.items()})
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small only wait for a second thread, and one alone always adds up in the same order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@cache
def lively(variant: str) -> MobileSam:
    """A network for 64 px in which every parameter matters: no zero biases, bias tables or residuals."""
    torch.manual_seed(7)
    model = build(variant, 64)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("attention_biases") or value.dim() == 1:
                value.add_(0.3 * torch.randn_like(value))
    return model


@pytest.fixture
def nano() -> MobileSam:
    return copy.deepcopy(lively("mobile_sam_nano"))


@pytest.fixture(params=VARIANTS)
def network(request: pytest.FixtureRequest) -> MobileSam:
    """Each variant in turn, the test's own."""
    return copy.deepcopy(lively(request.param))
