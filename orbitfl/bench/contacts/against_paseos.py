"""Against PASEOS: its own `is_in_line_of_sight` on a sample, extrapolated to all pairs and samples of a day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from orbitfl.bench.contacts.given import EPOCH_UTC, STATIONS, Shell, best_engine, planning
from orbitfl.bench.timing import fastest, timed
from orbitfl.contacts import ContactPlan, ContactRules, found
from orbitfl.environment.plain_paseos import PlainActors, plain_actors
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.clock import DAY_S

SEED = 11
STEP_S = 60.0
BESIDE_EDGE_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstPaseos:
    """How much of a day of `shell` over `stations` PASEOS is asked: that many calls of either kind at instants
    drawn from every `STEP_S`, and, untimed, as many `edge_calls` of each kind `BESIDE_EDGE_S` off an edge of ours."""

    shell: Shell
    stations: int = 4
    duration_s: float = DAY_S
    satellite_calls: int = 400
    station_calls: int = 150
    edge_calls: int = 100
    repeats: int = 3


class Asked(NamedTuple):
    """Pairs of nodes of a plan and one instant for each; all (n,)."""

    a: Ints
    b: Ints
    t_s: Floats


def against_paseos(options: AgainstPaseos) -> dict[str, Any]:
    """CPU seconds of both, their ratio, and in how many samples they disagree.

    Both read the same two-line elements; our plan follows the convention "paseos". Raises OrbitflError if PASEOS
    is not installed.
    """
    shell, stations = options.shell, STATIONS[: options.stations]
    actors = plain_actors(shell.two_lines, stations, EPOCH_UTC)
    asked_for = planning(shell, stations, options.duration_s, ContactRules(convention="paseos"))
    engine = best_engine()
    found(asked_for, engine)  # loads what is loaded once
    ours_s, plan = fastest(lambda: found(asked_for, engine), options.repeats)
    random = np.random.default_rng(SEED)
    isl, ground = _drawn(random, options)
    isl_call_s, isl_seen = _answers(actors, isl)
    ground_call_s, ground_seen = _answers(actors, ground)
    counts = _all_calls(options)
    paseos_s = counts[0] * isl_call_s + counts[1] * ground_call_s
    edges = [_beside_edges(random, plan.of_kind(kind), options.edge_calls) for kind in ("isl", "ground")]
    return {
        "case": f"{shell.title}, {len(stations)} stations, {options.duration_s / 3600:g} h every {STEP_S:g} s",
        "satellite_calls": len(isl.t_s),
        "station_calls": len(ground.t_s),
        "all_calls": sum(counts),
        "satellite_call_s": isl_call_s,
        "station_call_s": ground_call_s,
        "paseos_s": paseos_s,
        "ours_s": ours_s,
        "ratio": paseos_s / ours_s,
        "contacts": len(plan),
        "disagreements": _disagreements(plan, isl, isl_seen) + _disagreements(plan, ground, ground_seen),
        "nearest_edge_s": _nearest_edge_s(plan, (isl, ground)),
        "edge_calls": sum(len(each.t_s) for each in edges),
        "beside_edge_s": BESIDE_EDGE_S,
        "edge_disagreements": sum(_disagreements(plan, each, _answers(actors, each)[1]) for each in edges),
    }


def _all_calls(options: AgainstPaseos) -> tuple[int, int]:
    """How often a user would ask: of pairs of satellites, and of satellites and stations."""
    n, instants = options.shell.total, int(options.duration_s / STEP_S)
    return n * (n - 1) // 2 * instants, n * options.stations * instants


def _drawn(random: np.random.Generator, options: AgainstPaseos) -> tuple[Asked, Asked]:
    n, instants = options.shell.total, int(options.duration_s / STEP_S)
    a, b = np.triu_indices(n, k=1)
    pair = random.integers(len(a), size=options.satellite_calls)
    t_s = STEP_S * random.integers(instants, size=options.satellite_calls).astype(np.float64)
    satellite, station = (random.integers(each, size=options.station_calls) for each in (n, options.stations))
    t_ground_s = STEP_S * random.integers(instants, size=options.station_calls).astype(np.float64)
    return Asked(a[pair], b[pair], t_s), Asked(satellite, n + station, t_ground_s)


def _beside_edges(random: np.random.Generator, plan: ContactPlan, count: int) -> Asked:
    """Just before or after an opening or closing that the span did not make."""
    table = plan.table
    edges_s, rows = np.concatenate([table["start_s"], table["end_s"]]), np.tile(np.arange(len(plan)), 2)
    inner = np.flatnonzero((edges_s > BESIDE_EDGE_S) & (edges_s < plan.duration_s - BESIDE_EDGE_S))
    chosen = random.permutation(inner)[:count]
    aside_s = random.choice([-BESIDE_EDGE_S, BESIDE_EDGE_S], size=len(chosen))
    return Asked(table["a"][rows[chosen]], table["b"][rows[chosen]], edges_s[chosen] + aside_s)


def _answers(actors: PlainActors, asked: Asked) -> tuple[float, NDArray[np.bool_]]:
    """CPU seconds per call, and what PASEOS says (n,). One call goes ahead, for what PASEOS loads on its first."""
    n = len(actors.satellites)

    def ask(a: int, b: int, t_s: float) -> bool:
        return actors.satellites_see(a, b, t_s) if b < n else actors.station_sees(b - n, a, t_s)

    calls = list(zip(*(column.tolist() for column in asked), strict=True))
    if not calls:
        return 0.0, np.empty(0, np.bool_)
    ask(*calls[0])
    spent_s, seen = timed(lambda: [ask(*call) for call in calls])
    return spent_s / len(calls), np.array(seen)


def _disagreements(plan: ContactPlan, asked: Asked, seen: NDArray[np.bool_]) -> int:
    ours = _of_pairs(plan, asked, lambda start_s, end_s, t_s: bool(((start_s <= t_s) & (t_s < end_s)).any()))
    return int(np.count_nonzero(ours != seen))


def _nearest_edge_s(plan: ContactPlan, samples: Sequence[Asked]) -> float | None:
    """How near any sample lies to an edge of its pair; None if no pair has one."""
    nearest_s = float(min(_distances_s(plan, asked).min(initial=np.inf) for asked in samples))
    return nearest_s if isfinite(nearest_s) else None


def _distances_s(plan: ContactPlan, asked: Asked) -> Floats:
    """How far the nearest edge of the same pair is, (n,); infinity where it has none."""

    def nearest(start_s: Floats, end_s: Floats, t_s: float) -> float:
        edges_s = np.concatenate([start_s[start_s > 0], end_s[end_s < plan.duration_s]])
        return float(np.abs(edges_s - t_s).min(initial=np.inf))

    return _of_pairs(plan, asked, nearest)


def _of_pairs(plan: ContactPlan, asked: Asked, answer: Callable[[Floats, Floats, float], Any]) -> NDArray[Any]:
    """The answer (n,) from starts and ends of the windows of each pair asked about."""
    table, answers = plan.table, []
    for a, b, t_s in zip(*(column.tolist() for column in asked), strict=True):
        mine = (table["a"] == a) & (table["b"] == b)
        answers.append(answer(table["start_s"][mine], table["end_s"][mine], t_s))
    return np.array(answers)
