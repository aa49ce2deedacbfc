"""What `orbitfl bench environment` gives, on a mission so short that it takes seconds. No time is asserted."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from orbitfl.bench import environment
from orbitfl.bench.environment.flights import Flight, apart, flown, started, tasks
from orbitfl.cli.bench import app
from orbitfl.environment import Battery
from orbitfl.orbit.walker import Walker

TWO = Walker(total=2, planes=1, phasing=0, altitude_km=786.0, inclination_deg=98.62)
TINY = environment.Bench(
    satellites=TWO, duration_s=3600.0, plain_s=720.0, many=replace(TWO, total=4), many_s=7200.0, repeats=1
)


def test_tasks_fill_the_mission():
    planned = tasks(4000.0)
    assert [task.until_s for task in planned][:3] == [720.0, 1177.3, 1185.0]
    assert planned[-1].until_s == 4000.0
    assert np.all(np.diff([task.until_s for task in planned]) >= 0)


def test_no_limit_interferes_with_the_day_that_is_flown():
    fleet = started(Battery(), environment.STANDARD.satellites, 86_400.0)
    spells = [fleet.advance(node, *task) for task in tasks(86_400.0) for node in range(8)]
    assert all(spell.reason is None for spell in spells)
    assert 0.2 < min(spell.charge_end for spell in spells) < max(spell.charge_end for spell in spells) < 1


def test_differences_are_the_largest_ones():
    one = Flight(np.array([10.0, 20.0]), np.array([[0.5, 0.6], [0.7, 0.8]]), np.array([[280.0, 281.0], [282.0, 283.0]]))
    other = Flight(np.array([10.0, 15.0]), np.array([[0.5, 0.4], [0.0, 0.0]]), np.array([[280.5, 281.0], [0.0, 0.0]]))
    assert apart(one, other) == {"charge": pytest.approx(0.2), "temperature_k": 0.5}


def test_figures_fit_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(environment, "QUICK", TINY)
    ended = CliRunner().invoke(app, ["environment", "--quick", "--json"], catch_exceptions=False)
    results = json.loads(ended.stdout)
    assert set(results["seconds"]) == set(results["ratio"]) and len(results["seconds"]) == 5
    for name, ratio in results["ratio"].items():
        assert ratio == pytest.approx(results["seconds"]["plain PASEOS"] / results["seconds"][name])
    differences = {tuple(each["between"]): each for each in results["apart"]}
    assert len(differences) == 4
    plain = differences["plain PASEOS", "PASEOS as we drive it, its own convention"]
    assert plain["charge"] == 0 and plain["temperature_k"] == 0
    steps = differences["PASEOS as we drive it, its own convention", "twin in PASEOS's steps"]
    assert steps["charge"] < 1e-9 and steps["temperature_k"] < 1e-9
    exact = differences["PASEOS as we drive it, repaired", "twin, exact"]
    assert exact["charge"] < 0.01 and 0 < exact["temperature_k"] < 0.1
    assert results["many"]["advances"] == 4 * len(tasks(7200.0))
    words = environment.described(results)
    assert "2 satellites, 1 h" in words and "plain: 0.2 h, extrapolated" in words
    assert flown(started(Battery(), TWO, 3600.0), 2, tasks(3600.0)).charge.shape == (len(tasks(3600.0)), 2)
