"""How many runs fit beside each other, from what the first of each kind took; and what a sweep will take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from orbitfl.errors import ScenarioError
from orbitfl.scenario import Scenario
from orbitfl.simulation.timeline import Exchange, Sending, Session
from orbitfl.sweep.grid import Trial
from orbitfl.sweep.trials import Outcome, carried_out, one_after_another

SPARE = 0.9
"""Of the memory that is free, how much runs may fill."""
WEIGHING = ("path", "scenes", "size_px", "tile_px", "rule")
"""The keys of data that say how many tiles there are and how large, and so what they weigh."""


def swept(trials: Sequence[Trial], out: Path, workers: int) -> Iterator[Outcome]:
    """As `carried_out`, but the first run of each kind runs alone and tells how many fit into memory."""
    firsts = firsts_of(trials) if workers > 1 else []
    largest_byte = 0
    for first in firsts:
        # One at a time, but in the pool that goes on with the others: its processes have then loaded what a run needs.
        for outcome in carried_out([first], out, workers):
            largest_byte = max(largest_byte, outcome.peak_byte)
            yield outcome
    done = {trial.name for trial in firsts}
    yield from carried_out([trial for trial in trials if trial.name not in done], out, fitting(workers, largest_byte))


def fitting(workers: int, peak_byte: int) -> int:
    """How many of so many workers have room beside each other, but one at least."""
    return max(1, min(workers, int(SPARE * free_byte() / peak_byte))) if peak_byte else workers


def firsts_of(trials: Sequence[Trial]) -> list[Trial]:
    """One trial of each kind: those of one kind have the same network, batches, satellites and tiles, which weigh."""
    return list({_kind(trial.scenario): trial for trial in reversed(trials)}.values())


def _kind(scenario: Scenario) -> str:
    tiles = [getattr(data, key, None) for data in (scenario.data, scenario.evaluation.data) for key in WEIGHING]
    return repr((scenario.model, scenario.training.batch_size, scenario.constellation, tiles))


def free_byte() -> int:
    """Memory that processes can have now; by /proc, elsewhere no limit is known."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return 2**62


@dataclass(frozen=True)
class Forecast:
    """workers: those asked for that fit into memory. wall_s: with these. peak_byte: of one process. sent_byte: over
    simulated links, in all runs.
    """

    runs: int
    workers: int
    wall_s: float
    peak_byte: int
    sent_byte: int
    steps: int


@dataclass(frozen=True)
class Probe:
    """What runs of one kind take: once for each process, for each run, and for each step, evaluations included."""

    start_s: float
    run_s: float
    step_s: float
    peak_byte: int


def forecast(trials: Sequence[Trial], workers: int) -> Forecast:
    """From dry runs of all, and short runs of each kind.

    Raises ScenarioError if a short run fails.
    """
    probes = {_kind(trial.scenario): probe(trial.scenario) for trial in firsts_of(trials)}
    drafts = [(probes[_kind(trial.scenario)], *_dry(trial.scenario)) for trial in trials]
    peak_byte = max(each.peak_byte for each in probes.values())
    beside = fitting(workers, peak_byte)
    busy_s = sum(each.run_s + each.step_s * steps for each, steps, _ in drafts)
    return Forecast(
        runs=len(trials),
        workers=beside,
        wall_s=max(each.start_s for each in probes.values()) + busy_s / beside,
        peak_byte=peak_byte,
        sent_byte=sum(sent_byte for *_, sent_byte in drafts),
        steps=sum(steps for _, steps, _ in drafts),
    )


def probe(scenario: Scenario) -> Probe:
    """Three short runs in one process: the first also loads and fills caches, the third has more sessions."""
    short, longer = (
        replace(scenario, duration_s=min(n * scenario.training.session_every_s, scenario.duration_s)) for n in (1, 3)
    )
    with TemporaryDirectory() as folder:
        runs = [Trial(f"probe-{place}", each) for place, each in enumerate((short, short, longer))]
        outcomes = list(one_after_another(runs, Path(folder)))
    for outcome in outcomes:
        if outcome.problem is not None:
            raise ScenarioError(f"A run of the sweep, cut short to be timed, failed: {outcome.problem}")
    first, second, third = outcomes
    more_steps = _dry(longer)[0] - _dry(short)[0]
    step_s = max(0.0, third.wall_s - second.wall_s) / max(1, more_steps)
    run_s = max(0.0, second.wall_s - step_s * _dry(short)[0])
    return Probe(max(0.0, first.wall_s - second.wall_s), run_s, step_s, third.peak_byte)


def _dry(scenario: Scenario) -> tuple[int, int]:
    """Training steps, and bytes over links."""
    from orbitfl.experiment.dry import dry_run

    happenings = dry_run(scenario).happenings
    steps = sum(each.steps for each in happenings if isinstance(each, Session))
    there_and_back = sum(sum(each.sent_byte) for each in happenings if isinstance(each, Exchange))
    one_way = sum(each.sent_byte for each in happenings if isinstance(each, Sending))
    return steps, there_and_back + one_way
