"""What the study's page says of seeds, against scipy; and what its command takes."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from scipy import stats

STUDY = "benchmarks/study"


@pytest.fixture
def evidence(repository: Path) -> Iterator[ModuleType]:
    """benchmarks/study is a script, whose modules find each other where it lies."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repository / STUDY))
        yield import_module("evidence")
    for name in {"evidence", "reading", "variants"} - before:
        sys.modules.pop(name, None)


def test_a_comparison_is_a_paired_t_test(evidence: ModuleType):
    better, worse = pd.Series([1.0, 2.0, 3.0, 4.0, 5.5]), pd.Series([0.5, 2.2, 2.0, 3.1, 4.0])
    told, test = evidence.compared(better, worse), stats.ttest_rel(better, worse)
    assert told.p == pytest.approx(test.pvalue)
    interval = test.confidence_interval()
    assert told.difference.half == pytest.approx((interval.high - interval.low) / 2)
    assert (told.wins, told.seeds) == (4, 5)


def test_one_seed_shows_nothing(evidence: ModuleType):
    assert evidence.compared(pd.Series([60.0]), pd.Series([50.0])).p == 1.0


@pytest.mark.parametrize("given", [("--groups", "nope"), ("--seeds", "0"), ("--workers", "none")])
def test_what_the_study_cannot_take_is_told_before_it_runs(repository: Path, tmp_path: Path, given: tuple[str, str]):
    command = [sys.executable, str(repository / STUDY), "--out", str(tmp_path / "study"), *given]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and given[1] in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "study").exists()
