"""Files gone wrong: mutated bytes of good ones, and what a parser may make of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from orbitfl.errors import OrbitflError

ODD = [b"", b"\x00", b"\xff\xfe", b"nan", b"inf", b"-", b"1e999", b"9" * 5000, b"[", b"{", b"<", b"\n", b'"']

Mutated = Callable[[bytes], st.SearchStrategy[bytes]]
Survives = Callable[[Callable[[Path], Any], bytes], None]


@st.composite
def _mutated(draw: st.DrawFn, original: bytes) -> bytes:
    content = original
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        filling = draw(st.sampled_from([*ODD, "é²٣".encode(), content[start:end] * 2]) | st.binary(max_size=6))
        content = content[:start] + filling + content[end:]
    return content


@pytest.fixture(scope="session")
def mutated() -> Mutated:
    """A few places overwritten, cut out, doubled or filled with what parsers trip over."""
    return _mutated


@pytest.fixture(scope="session")
def survives(tmp_path_factory: pytest.TempPathFactory) -> Survives:
    """Has a reader read bytes: whatever they are, they are either taken or refused in one sentence of ours."""
    path = tmp_path_factory.mktemp("broken") / "file"

    def check(read: Callable[[Path], Any], content: bytes) -> None:
        path.write_bytes(content)
        try:
            read(path)
        except OrbitflError as error:
            assert str(error).startswith(str(path))
            assert len(str(error)) < 1000
            assert str(error).isprintable()

    return check
