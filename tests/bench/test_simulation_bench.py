"""What `orbitfl bench simulation` gives, on missions so short that they take seconds. No time is asserted."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orbitfl.bench import simulation
from orbitfl.bench.simulation.flights import flown
from orbitfl.bench.simulation.missions import mission
from orbitfl.cli.bench import app
from orbitfl.experiment.mission import contact_plan, timeline
from orbitfl.federation.weights import line
from orbitfl.orbit.walker import Walker
from orbitfl.simulation.timeline import Exchange, Session

FOUR = Walker(total=4, planes=2, phasing=1, altitude_km=786.0, inclination_deg=60.0)
TINY = simulation.Bench(
    many=replace(FOUR, total=12), many_s=7200.0, few=FOUR, few_s=1800.0, image_px=64, workers=(1, 3), repeats=1
)


def test_figures_fit_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(simulation, "QUICK", TINY)
    ended = CliRunner().invoke(app, ["simulation", "--quick", "--json"], catch_exceptions=False)
    results = json.loads(ended.stdout)
    dry, learning = results["dry"], results["learning"]
    assert dry["events"] == dry["happenings"]["session"] + dry["happenings"]["exchange"] > 0
    assert dry["timeline_s"] == pytest.approx(dry["sky_s"] + dry["advance_s"] + dry["engine_s"])
    assert learning["sessions"] == 8 and learning["exchanges"] > 0
    one, three = learning["runs"]
    assert (one["workers"], three["workers"]) == (1, 3)
    assert one["sha256"] == three["sha256"] and learning["equal_bytes"]
    rest_s = learning["timeline_s"] + one["cpu_s"] - one["gradients_s"] - one["scores_s"]
    assert learning["overhead"] == pytest.approx(rest_s / (learning["timeline_s"] + one["cpu_s"]))
    assert 0 < learning["overhead"] < 1
    words = simulation.described(results)
    assert "12 satellites" in words and "4 satellites, 0.5 h, 8 sessions" in words and "workers: yes" in words


def test_counts_are_those_of_the_timeline():
    scenario = mission(FOUR, 3600.0)
    expected = timeline(scenario, contact_plan(scenario), line(1000)).happenings
    given = flown(scenario, 1000, 1)
    assert given["happenings"]["session"] == sum(isinstance(each, Session) for each in expected)
    assert given["happenings"]["exchange"] == sum(isinstance(each, Exchange) for each in expected)
    assert given["happenings"]["evaluation"] == 3


def test_flying_without_learning_loads_no_torch(repository: Path):
    action = (
        "import sys; from orbitfl.bench import simulation as bench;"
        "from orbitfl.bench.simulation.flights import flown;"
        "from orbitfl.bench.simulation.missions import mission;"
        "assert flown(mission(bench.STANDARD.few, 1800.0), 1000, 1)['events'];"
        "print([name for name in ('torch', 'matplotlib', 'rasterio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", action], cwd=repository, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
