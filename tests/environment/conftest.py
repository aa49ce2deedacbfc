"""Fixtures of the environment's tests."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from skyfield.api import load_file
from skyfield.jpllib import SpiceKernel


@pytest.fixture(scope="session")
def de421() -> Iterator[SpiceKernel]:
    """JPL's ephemeris, from the copy that PASEOS carries."""
    package = find_spec("paseos")
    assert package is not None and package.origin is not None
    kernel = load_file(str(Path(package.origin).parent / "resources" / "de421.bsp"))
    yield kernel
    kernel.close()
