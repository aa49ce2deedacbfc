"""What is kept comes back, whatever others do to the folder at the same time."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orbitfl.contacts import ContactPlan
from orbitfl.contacts.cache import kept
from orbitfl.contacts.plan import columns_of
from orbitfl.errors import OrbitflWarning, ScenarioError, StorageError

KEY = {"constellation": {"kind": "walker", "total": 8}, "step_s": 60.0}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORBITFL_CACHE", str(tmp_path))
    return tmp_path / "contacts"


def not_again() -> ContactPlan:
    raise AssertionError("computed though it was kept")


def test_a_plan_is_computed_once(plan: ContactPlan, folder: Path):
    assert kept(KEY, lambda: plan) is plan
    assert kept(dict(reversed(KEY.items())), not_again) == plan
    assert len(list(folder.iterdir())) == 1


def test_other_keys_are_other_plans(plan: ContactPlan, folder: Path):
    kept(KEY, lambda: plan)
    assert len(kept(KEY | {"step_s": 61.0}, lambda: plan.of_kind("isl"))) == 1
    assert len(list(folder.iterdir())) == 2


def cut(content: bytes) -> bytes:
    return content[:-40]


def emptied(content: bytes) -> bytes:
    return b""


def one_bit_off(content: bytes) -> bytes:
    """Within the pages of data."""
    place = len(content) // 4
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("damage", [cut, emptied, one_bit_off])
def test_a_damaged_file_is_replaced(damage: Callable[[bytes], bytes], plan: ContactPlan, folder: Path):
    kept(KEY, lambda: plan)
    (file,) = folder.iterdir()
    content = file.read_bytes()
    file.write_bytes(damage(content))
    with pytest.warns(OrbitflWarning, match="A kept contact plan is computed anew: .* cannot be read"):
        assert kept(KEY, lambda: plan) == plan
    assert file.read_bytes() == content
    assert kept(KEY, not_again) == plan


def test_where_nothing_can_be_kept_the_plan_comes_all_the_same(plan: ContactPlan, folder: Path):
    folder.write_text("a file where the folder should be")
    with pytest.warns(OrbitflWarning, match="The contact plan is not kept for the next run: .* could not be written"):
        assert kept(KEY, lambda: plan) is plan


def test_a_folder_that_cannot_even_be_looked_into_is_no_hindrance(plan: ContactPlan, monkeypatch):
    monkeypatch.setenv("ORBITFL_CACHE", "/tmp/" + "a" * 300)
    with pytest.warns(OrbitflWarning, match="The contact plan is not kept for the next run: .* could not be written"):
        assert kept(KEY, lambda: plan) is plan


def test_a_home_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setenv("ORBITFL_CACHE", "~nobody.here/cache")
    with pytest.raises(StorageError, match="begins at a home that is not there"):
        kept(KEY, not_again)


def test_what_computing_raises_is_raised_and_nothing_kept(folder: Path):
    with pytest.raises(AssertionError, match="computed though"):
        kept(KEY, not_again)
    assert not folder.exists()


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, datetime(2026, 1, 1, tzinfo=UTC)])
def test_a_key_must_be_json(value: object):
    with pytest.raises(ScenarioError, match="kept by values of JSON"):
        kept({"step_s": value}, not_again)


def plan_of(number: int) -> ContactPlan:
    rows = [("isl", 0, 1, float(start), float(start + number + 1), False, 1.0, 2.0, 8.0, 8.0) for start in range(500)]
    return ContactPlan(datetime(2026, 3, 1, tzinfo=UTC), 600.0, ("a", "b"), columns_of(rows))


def ask_often(seed: int) -> bool:
    """Ask for three plans in turn, and spoil a file at times, as a dying disk would."""
    import os
    import warnings

    warnings.simplefilter("ignore", OrbitflWarning)
    right = True
    for turn in range(20):
        number = (seed + turn) % 3
        right &= kept({"number": number}, lambda number=number: plan_of(number)) == plan_of(number)
        if turn % 10 == seed % 10:
            for file in (Path(os.environ["ORBITFL_CACHE"]) / "contacts").glob("*.parquet"):
                file.write_bytes(b"spoiled")
    return right


def test_many_processes_may_ask_and_keep_at_once(folder: Path):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        assert all(pool.map(ask_often, range(3)))
    assert {file.suffix for file in folder.iterdir()} == {".parquet"}
