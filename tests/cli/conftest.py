"""The command line in this process: what it prints, and the code it ends with."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from orbitfl.cli import main


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Orbitfl = Callable[..., Ended]


@pytest.fixture
def orbitfl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Orbitfl:
    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["orbitfl", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Ended(int(ended.value.code or 0), told.out, told.err)

    return call
