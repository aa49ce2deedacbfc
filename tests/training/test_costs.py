"""What a piece of work costs: the seconds of a clock and the joules of a counter."""

import time
from pathlib import Path

import numpy as np
import pytest

from orbitfl.progress import silent
from orbitfl.training.bench import Bench
from orbitfl.training.costs import measure, timed
from orbitfl.training.rapl import EnergyCounter

PX = 64


def test_the_median_of_the_seconds_counts_and_every_repeat_is_told():
    naps_s = iter([0.001, 0.2, 0.02])
    told = []
    cost = timed(lambda: time.sleep(next(naps_s)), 3, None, "naps", lambda *each: told.append(each))
    assert 0.02 <= cost.seconds < 0.2 and cost.watts is None
    assert told == [("naps", 1, 3), ("naps", 2, 3), ("naps", 3, 3)]


def test_watts_are_the_counted_joules_over_the_seconds(tmp_path: Path):
    energy = tmp_path / "energy_uj"
    energy.write_text("5")

    def work() -> None:
        time.sleep(0.01)
        energy.write_text("400005")

    cost = timed(work, 1, EnergyCounter((tmp_path,)), "work", silent)
    assert cost.watts is not None and cost.watts * cost.seconds == pytest.approx(0.4)


def test_measuring_does_each_work_once_more_than_it_times(monkeypatch: pytest.MonkeyPatch):
    done: dict[str, int] = {"train": 0, "infer": 0, "merge": 0}
    for name in done:
        real = getattr(Bench, name)

        def counted(*given: object, name: str = name, real=real) -> object:
            done[name] += 1
            return real(*given)

        monkeypatch.setattr(Bench, name, counted)
    costs = measure("mobile_sam_nano", PX, 2, 3, None, silent)
    assert done == {"train": 4, "infer": 4, "merge": 4}
    assert min(costs.train_step.seconds, costs.inference.seconds, costs.merge.seconds) > 0
    assert costs.standby_w is None and costs.peak_byte > 1e7 and costs.threads >= 1


def test_the_work_on_the_bench_is_real():
    bench = Bench.set_up("mobile_sam_nano", PX, 2)
    launch, trained = bench.learner.launch, bench.train(bench.embeddings)
    assert np.mean(trained != launch) > 0.9
    assert bench.infer().shape == (1, PX, PX)
    assert len(bench.payload) > 2 * launch.size
    # Both sides of this exchange are at launch, so nobody moves.
    np.testing.assert_array_equal(bench.merge(), launch)
