"""The energy counter, against folders laid out as the kernel's documentation (power/powercap) has them."""

from pathlib import Path

import pytest

from orbitfl.training.rapl import EnergyCounter, find_counter

RANGE_UJ = 1_000_000


def zone(powercap: Path, folder: str, name: str, energy_uj: int) -> Path:
    place = powercap / folder
    place.mkdir()
    for file, content in (("name", name), ("energy_uj", energy_uj), ("max_energy_range_uj", RANGE_UJ)):
        (place / file).write_text(f"{content}\n")
    return place


def test_packages_and_memory_add_up_and_nothing_counts_twice(tmp_path: Path):
    package = zone(tmp_path, "intel-rapl:0", "package-0", 100)
    memory = zone(tmp_path, "intel-rapl:0:1", "dram", 7)
    zone(tmp_path, "intel-rapl:0:0", "core", 50)
    zone(tmp_path, "intel-rapl:1", "psys", 900)
    assert find_counter(tmp_path) == EnergyCounter((package, memory))


def test_joules_between_two_readings_even_if_a_zone_went_round(tmp_path: Path):
    first = zone(tmp_path, "intel-rapl:0", "package-0", RANGE_UJ - 99_999)
    second = zone(tmp_path, "intel-rapl:1", "package-1", 0)
    counter = EnergyCounter((first, second))
    before = counter.read()
    (first / "energy_uj").write_text("400000")  # 100 000 steps up to 0 again, then 400 000
    (second / "energy_uj").write_text("250000")
    assert counter.joules_between(before, counter.read()) == pytest.approx(0.75)


@pytest.mark.parametrize("broken", ["energy_uj", "max_energy_range_uj", "name"])
def test_zones_that_cannot_be_read_are_left_out(tmp_path: Path, broken: str):
    assert find_counter(tmp_path / "nowhere") is None
    place = zone(tmp_path, "intel-rapl:0", "package-0", 5)
    (place / broken).unlink()
    assert find_counter(tmp_path) is None
    (place / broken).write_text("no number")
    assert find_counter(tmp_path) is None
