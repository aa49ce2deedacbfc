"""How many runs fit beside each other, from what the first of each kind took; and what a sweep will take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from orbitfl.scenario import Scenario
from orbitfl.simulation.timeline import Exchange, Sending, Session
from orbitfl.sweep.grid import Trial
from orbitfl.sweep.trials import Outcome, carried_out

SPARE = 0.9
"""Of the memory that is free, how much runs may fill."""


def swept(trials: Sequence[Trial], out: Path, workers: int) -> Iterator[Outcome]:
    """As `carried_out`, but the first run of each kind runs alone and tells how many fit into memory."""
    firsts = firsts_of(trials) if workers > 1 else []
    largest_byte = 0
    for outcome in carried_out(firsts, out, 1):
        largest_byte = max(largest_byte, outcome.peak_byte)
        yield outcome
    fitting = workers if not largest_byte else max(1, min(workers, int(SPARE * free_byte() / largest_byte)))
    done = {trial.name for trial in firsts}
    yield from carried_out([trial for trial in trials if trial.name not in done], out, fitting)


def firsts_of(trials: Sequence[Trial]) -> list[Trial]:
    """One trial of each kind: those of one kind have the same network, batches and satellites."""
    return list({_kind(trial.scenario): trial for trial in reversed(trials)}.values())


def _kind(scenario: Scenario) -> str:
    return repr((scenario.model, scenario.training.batch_size, scenario.constellation))


def free_byte() -> int:
    """Memory that processes can have now; by /proc, elsewhere no limit is known."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return 2**62


@dataclass(frozen=True)
class Forecast:
    """wall_s: with so many workers. peak_byte: of one process. sent_byte: over simulated links, in all runs."""

    runs: int
    workers: int
    wall_s: float
    peak_byte: int
    sent_byte: int
    steps: int


def forecast(trials: Sequence[Trial], workers: int) -> Forecast:
    """From dry runs of all, and one run of each kind cut short after its first and second session."""
    from orbitfl.experiment.dry import dry_run

    spent_s, peak_byte, sent_byte, steps = 0.0, 0, 0, 0
    probes = {_kind(trial.scenario): _probe(trial.scenario) for trial in firsts_of(trials)}
    for trial in trials:
        happenings = dry_run(trial.scenario).happenings
        taken = sum(each.steps for each in happenings if isinstance(each, Session))
        parts = [each for each in happenings if isinstance(each, Exchange | Sending)]
        sent_byte += sum(sum(part.sent_byte) if isinstance(part, Exchange) else part.sent_byte for part in parts)
        probe = probes[_kind(trial.scenario)]
        spent_s += probe.fixed_s + probe.per_step_s * taken
        peak_byte = max(peak_byte, probe.peak_byte)
        steps += taken
    return Forecast(len(trials), workers, spent_s / workers, peak_byte, sent_byte, steps)


@dataclass(frozen=True)
class _Probe:
    fixed_s: float
    per_step_s: float
    peak_byte: int


def _probe(scenario: Scenario) -> _Probe:
    """Two short runs, the second with one session more: their difference is what steps cost, evaluations included."""
    from orbitfl.experiment.dry import dry_run

    begin_s = scenario.training.session_every_s
    steps, spent_s, peak_byte = [], [], 0
    with TemporaryDirectory() as folder:
        for sessions in (1, 1, 3):
            short = _cut(scenario, sessions * begin_s)
            (outcome,) = carried_out([Trial(f"{len(steps)}", short)], Path(folder), 1)
            if outcome.problem is not None:
                from orbitfl.errors import ScenarioError

                raise ScenarioError(f"A run of the sweep, cut short to be timed, failed: {outcome.problem}")
            happenings = dry_run(short).happenings
            steps.append(sum(each.steps for each in happenings if isinstance(each, Session)))
            spent_s.append(outcome.wall_s)
            peak_byte = max(peak_byte, outcome.peak_byte)
    # The first run also fills the caches, which the sweep does once.
    per_step_s = max(0.0, spent_s[2] - spent_s[1]) / max(1, steps[2] - steps[1])
    return _Probe(max(0.0, spent_s[1] - per_step_s * steps[1]), per_step_s, peak_byte)


def _cut(scenario: Scenario, duration_s: float) -> Scenario:
    return replace(scenario, duration_s=min(duration_s, scenario.duration_s))
