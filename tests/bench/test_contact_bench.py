"""What `orbitfl bench contacts` gives, on shells so small that it takes seconds. No time is asserted."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from orbitfl.bench import contacts, timing
from orbitfl.bench.contacts import against_paseos, runner
from orbitfl.bench.contacts.against_brahe import against_brahe
from orbitfl.bench.contacts.against_paseos import AgainstPaseos
from orbitfl.bench.contacts.against_skyfield import AgainstPasses, against_skyfield, compared
from orbitfl.bench.contacts.given import EPOCH_UTC, STATIONS, Shell, planning
from orbitfl.bench.contacts.growth import Scale, grown
from orbitfl.cli.bench import app
from orbitfl.contacts import ContactRules, found
from orbitfl.environment.plain_paseos import plain_actors
from orbitfl.errors import OrbitflError, ScenarioError
from orbitfl.orbit.tle import read_tle

SHELL = Shell(total=6, planes=3, phasing=1, altitude_km=700.0, inclination_deg=80.0)
SPAN_S = 6 * 3600.0
ASKED = AgainstPaseos(
    shell=SHELL, stations=2, duration_s=SPAN_S, satellite_calls=40, station_calls=30, edge_calls=20, repeats=1
)
PASSES = AgainstPasses(shell=SHELL, asked=3, stations=3, duration_s=SPAN_S, bisected_pairs=4, repeats=1)
SCALE = Scale(shell=SHELL, engine="numpy", stations=2, duration_s=SPAN_S, repeats=2)
TINY = contacts.Bench(paseos=ASKED, passes=(PASSES,), growth=(SCALE,), roofline=replace(SCALE, engine="numba"))


def test_two_lines_and_elements_of_a_shell_are_the_same(tmp_path: Path):
    path = tmp_path / "shell.tle"
    path.write_text("\n".join(line for lines in SHELL.two_lines for line in lines), encoding="ascii")
    read = read_tle(path)
    for ours, theirs in zip(SHELL.elements, read, strict=True):
        assert replace(ours, name="") == theirs


def test_paseos_agrees_and_its_time_is_extrapolated():
    result = against_paseos.against_paseos(ASKED)
    assert (result["satellite_calls"], result["station_calls"], result["edge_calls"]) == (40, 30, 40)
    assert result["disagreements"] == result["edge_disagreements"] == 0
    assert result["nearest_edge_s"] > 0
    instants = 6 * 60
    isl_calls, ground_calls = 15 * instants, 12 * instants
    assert result["all_calls"] == isl_calls + ground_calls
    whole_s = isl_calls * result["satellite_call_s"] + ground_calls * result["station_call_s"]
    assert result["paseos_s"] == pytest.approx(whole_s)
    assert result["ratio"] == pytest.approx(whole_s / result["ours_s"])


def test_paseos_disagrees_with_the_sky():
    """So the sample beside edges would tell a plan that does not follow PASEOS."""
    stations = STATIONS[:2]
    paseos, sky = (
        found(planning(SHELL, stations, SPAN_S, ContactRules(convention=name))).of_kind("ground")
        for name in ("paseos", "physical")
    )
    asked = against_paseos._beside_edges(np.random.default_rng(1), paseos, 20)
    _, seen = against_paseos._answers(plain_actors(SHELL.two_lines, stations, EPOCH_UTC), asked)
    assert 5 < seen.sum() < 15
    assert against_paseos._disagreements(paseos, asked, seen) == 0
    assert against_paseos._disagreements(sky, asked, seen) > 5


def test_distance_of_the_nearest_edge():
    plan = found(planning(SHELL, STATIONS[:2], SPAN_S, ContactRules()))
    asked = against_paseos._beside_edges(np.random.default_rng(1), plan, 50)
    np.testing.assert_allclose(against_paseos._distances_s(plan, asked), against_paseos.BESIDE_EDGE_S, rtol=1e-6)


def test_skyfield_finds_the_same_passes():
    result = against_skyfield(PASSES)
    assert result["edges"] == result["their_edges"] > 20
    assert result["pairs_that_differ"] == result["edges_not_confirmed"] == 0
    assert result["apart_max_s"] < 1
    assert result["bisected_edges"] > 8 and result["edge_error_max_s"] < 5e-3
    assert result["skyfield_s"] == pytest.approx(2 * result["asked_s"])
    assert result["ratio"] == pytest.approx(result["skyfield_s"] / result["ours_s"])


def test_brahe_finds_the_same_passes():
    pytest.importorskip("brahe", reason="brahe is installed for comparison alone")
    result = against_brahe(PASSES)
    assert result["edges"] == result["their_edges"] > 20
    assert result["windows"] == result["their_windows"]
    assert result["pairs_that_differ"] == 0 and result["apart_max_s"] < 0.2
    assert result["ratio"] == pytest.approx(2 * result["asked_s"] / result["ours_s"])


def test_edges_are_compared_pair_by_pair():
    mine = {(0, 0): np.array([1.0, 2.0]), (0, 1): np.array([5.0])}
    theirs = {(0, 0): np.array([1.5, 2.1]), (2, 0): np.array([5.0])}
    result = compared(mine, theirs)
    assert (result["edges"], result["their_edges"], result["pairs_that_differ"]) == (3, 3, 2)
    assert result["apart_median_s"] == pytest.approx(0.3) and result["apart_max_s"] == pytest.approx(0.5)


def test_edges_of_no_common_pair_are_nowhere_near():
    result = compared({(0, 0): np.array([1.0])}, {})
    assert result["pairs_that_differ"] == 1
    assert result["apart_median_s"] is result["apart_max_s"] is None


def test_growth_tells_parts_that_sum_up():
    result = grown(SCALE)
    parts = [name for name in result if name.endswith("_s") and name not in ("total_s", "load_s")]
    assert len(parts) == 5
    assert sum(result[name] for name in parts) == pytest.approx(result["total_s"])
    assert result["pairs"] == 15
    plan = found(SCALE.planning())
    assert result["isl_windows"] + result["ground_windows"] == len(plan)


def test_growth_takes_circles_for_the_closed_form():
    result = grown(replace(SCALE, engine="closed_form", repeats=1))
    plan = found(SCALE.planning())
    assert result["engine"] == "closed_form" and result["isl_search_s"] > 0
    assert result["isl_windows"] == len(plan.of_kind("isl"))


def test_growth_among_neighbours_is_the_same_with_numba():
    pytest.importorskip("numba", reason="numba is an extra")
    few = replace(SCALE, neighbours=1, repeats=1)
    by_numpy, by_numba = grown(few), grown(replace(few, engine="numba"))
    assert by_numpy["pairs"] < 15
    for name in ("pairs", "isl_windows", "ground_windows"):
        assert by_numpy[name] == by_numba[name]


def test_roofline_sets_rates_against_bounds():
    pytest.importorskip("numba", reason="numba is an extra")
    from orbitfl.bench.contacts.roofline import roofline

    result = roofline(TINY.roofline)
    machine, bounds = result["machine"], result["bounds_pair_steps_s"]
    assert bounds["compute"] == machine["f32_flop_s"] / result["scan_flop"]
    assert bounds["l1"] == machine["l1_byte_s"] / result["scan_byte"]
    # Below what any core computes with these kernels vectorised, they would not be bounds.
    assert machine["f32_flop_s"] > 1.2 * machine["f64_flop_s"] > 1e9
    for name in ("scan", "search", "plan"):
        rate = result["pair_steps"] / result[name]["cpu_s"]
        assert result[name]["share_of"] == pytest.approx({bound: rate / bounds[bound] for bound in bounds})
    assert result["between"].startswith("Of ")


def test_fastest_keeps_the_least_time_and_the_last_result(monkeypatch: pytest.MonkeyPatch):
    clock, results = iter([0.0, 3.0, 10.0, 11.0, 20.0, 22.0]), iter("abc")
    monkeypatch.setattr(timing.time, "process_time", lambda: next(clock))
    assert timing.fastest(lambda: next(results), 3) == (1.0, "c")


def test_long_work_is_not_repeated(monkeypatch: pytest.MonkeyPatch):
    clock = iter([0.0, 2.0, 10.0, 14.0])
    monkeypatch.setattr(timing.time, "process_time", lambda: next(clock))
    assert timing.fastest(lambda: "done", 3) == (2.0, "done")


def test_cases_run_in_processes_of_their_own_with_one_thread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert runner._in_its_own_process(runner.Job("threads", os.getenv, "OMP_NUM_THREADS", {})) == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "RAYON_NUM_THREADS" not in os.environ


def test_a_killed_case_is_told():
    with pytest.raises(OrbitflError, match="growth was killed"):
        runner._in_its_own_process(runner.Job("growth", os._exit, 1, {}))


def test_unknown_cases_are_refused():
    with pytest.raises(ScenarioError, match="stk is not a case of the benchmark; choose from paseos"):
        contacts.measured(TINY, ["stk"], lambda *_: None)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "QUICK", TINY)
    monkeypatch.setitem(runner.NEEDS, "brahe", "brahe_that_is_not_there")


def test_command_prints_tables(tiny: None):
    ended = CliRunner().invoke(
        app, ["contacts", "--quick", "--only", "skyfield", "--only", "brahe", "--only", "growth"]
    )
    assert ended.exit_code == 0, ended.output
    assert "skyfield find_events, 6/3/1, 700 km, 80°, 3 stations, 6 h (asked for 3 satellites)" in ended.stdout
    assert "brahe_that_is_not_there is not installed" in ended.stdout
    assert "constellation  neighbours" in ended.stdout
    assert "contact bench: 100 %" in ended.stderr


def test_command_prints_one_json_object(tiny: None):
    ended = CliRunner().invoke(app, ["contacts", "--quick", "--json", "--only", "growth"])
    assert ended.exit_code == 0, ended.output
    printed = json.loads(ended.stdout)
    assert set(printed) == {"machine", "growth"}
    assert [run["engine"] for run in printed["growth"]] == ["numpy"]


def test_every_case_has_words():
    """`described` of all results at once, made up but for their keys."""
    text = contacts.described(
        {
            "machine": {"processor": "abacus", "python": "3.11", "threads": 1},
            "paseos": {"missing": "paseos"},
            "growth": [grown(replace(SCALE, repeats=1))],
            "compile_s": 12.34,
            "roofline": {"missing": "numba"},
        }
    )
    for words in ("abacus", "paseos is not installed", "12.3 s", "numba is not installed"):
        assert words in text
