"""What this machine could do at most, and what share of it the search over pairs of satellites gets.

The bounds are those of Williams, Waterman & Patterson, Roofline (Comm. ACM 52(4), 2009): a kernel runs at most as fast
as the machine computes, and as fast as a cache delivers what the kernel reads. Both are measured with kernels of
the same compiler: in single precision with fused multiply-adds, as the scan has them, and in double precision without,
which the engine must not use there for the sake of equal bits.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from orbitfl.bench.contacts.growth import Scale, first_plan_s, isl_windows, pairs_of, states
from orbitfl.bench.timing import fastest
from orbitfl.contacts import compiled, found
from orbitfl.contacts.visibility import PairProducts, past_sphere

CACHES_BYTE = {"l1": 16 << 10, "l2": 256 << 10, "l3": 6 << 20, "dram": 256 << 20}
"""Working sets that lie well within one level and not within the one before, on common machines."""
READ_BYTE = 2 << 30
CHAINS, LINKS = 4, 8
MULTIPLIED = 1024
MULTIPLY_ROUNDS = 4000

SCAN_FLOP = 20
"""Of `compiled.may_cross_row` for a pair in a step: two sums of four products and a constant (16), and what compares
them with the reach (4; signs are free)."""
SCAN_BYTE = 37
"""Of the same: two vectors of four and the reach read, four bytes each, and a byte written."""

_plain = njit(error_model="numpy")
_fused = njit(error_model="numpy", fastmath={"contract"})


def roofline(scale: Scale) -> dict[str, Any]:
    """The machine's bounds, the rates of scan, search and plan as shares of them, and what stands between.

    Rates are pairs times steps per second; bytes and operations are decimal.
    """
    machine = _machine(scale.repeats)
    bounds = {
        "compute": machine["f32_flop_s"] / SCAN_FLOP,
        "l1": machine["l1_byte_s"] / SCAN_BYTE,
        "l2": machine["l2_byte_s"] / SCAN_BYTE,
    }
    pair_steps, spent_s = _spent(scale)
    rates = {name: {"cpu_s": cpu_s, "pair_steps_s": pair_steps / cpu_s} for name, cpu_s in spent_s.items()}
    shares = {name: _shares(rate["pair_steps_s"], bounds) for name, rate in rates.items()}
    return {
        "case": scale.shell.title,
        "machine": machine,
        "pair_steps": pair_steps,
        "scan_flop": SCAN_FLOP,
        "scan_byte": SCAN_BYTE,
        "bounds_pair_steps_s": bounds,
        **{name: {**rates[name], "share_of": shares[name]} for name in rates},
        "between": _between(spent_s, pair_steps, bounds),
    }


def _machine(repeats: int) -> dict[str, float]:
    """Multiplications and additions per second, and bytes per second read from each level of memory."""
    flop_s = {
        "f32_flop_s": _flop_s(_fused(_multiply_add), np.float32, repeats),
        "f64_flop_s": _flop_s(_plain(_multiply_add), np.float64, repeats),
    }
    return flop_s | {f"{level}_byte_s": _read_byte_s(size_byte, repeats) for level, size_byte in CACHES_BYTE.items()}


def _flop_s(multiply_add: Callable[..., None], kind: Any, repeats: int) -> float:
    values, factor, term = np.ones(MULTIPLIED, kind), kind(0.5), kind(0.75)
    multiply_add(values, factor, term, 1)
    least_s, _ = fastest(lambda: multiply_add(values, factor, term, MULTIPLY_ROUNDS), repeats)
    return 2 * CHAINS * LINKS * MULTIPLIED * MULTIPLY_ROUNDS / least_s


def _multiply_add(values, factor, term, rounds):
    """Four independent chains of eight multiplications and additions per value: enough to hide their latency."""
    for _ in range(rounds):
        for n in range(len(values)):
            p = values[n]
            q, r, s = p + term, p - term, term - p
            for _ in range(8):
                p, q, r, s = p * factor + term, q * factor + term, r * factor + term, s * factor + term
            values[n] = (p + q) - (r + s)


def _read_byte_s(size_byte: int, repeats: int) -> float:
    words = np.arange(size_byte // 8)
    rounds = READ_BYTE // size_byte
    _read(words, 1)
    least_s, _ = fastest(lambda: _read(words, rounds), repeats)
    return rounds * size_byte / least_s


@_plain
def _read(words, rounds):
    # Whole numbers: sums of floats must keep their order, and so would run one after the other.
    total = 0
    for turn in range(rounds):
        for n in range(len(words)):
            total += words[n] ^ turn
    return total


def _spent(scale: Scale) -> tuple[int, dict[str, float]]:
    """Pairs times steps, and CPU seconds of the bare scan, of the search between satellites and of the whole plan."""
    first_plan_s(scale)
    asked = scale.planning()
    plan_s, _ = fastest(lambda: found(asked, scale.engine), scale.repeats)
    parts = states(asked)
    pairs = pairs_of(asked)
    search_s, _ = fastest(lambda: isl_windows(asked, parts, pairs, scale.engine), scale.repeats)
    radius_km = asked.convention.blocking_radius_km(asked.constellation.kind)
    scan_s = sum(_scan_s(past_sphere(part, *pairs, radius_km), scale.repeats) for part in parts)
    return len(pairs.a) * (len(parts.nodes_s) - 1), {"scan": scan_s, "search": search_s, "plan": plan_s}


def _scan_s(products: PairProducts, repeats: int) -> float:
    left, right, constant = products.coarse
    may = np.empty(left.shape[2], np.bool_)
    _scan_all(left[:2], right[:2], constant[:2], products.reach, may)
    return fastest(lambda: _scan_all(left, right, constant, products.reach, may), repeats)[0]


@_plain
def _scan_all(left, right, constant, reach, may):
    n = left.shape[2]
    for node in range(len(left) - 1):
        both, first = slice(node, node + 2), 0
        for i in range(n - 1):
            row = slice(first, first + n - 1 - i)
            compiled.may_cross_row(left[both], right[both], constant[both], reach[row], i, i + 1, may[: n - 1 - i])
            first += n - 1 - i


def _shares(rate: float, bounds: dict[str, float]) -> dict[str, float]:
    return {name: rate / bound for name, bound in bounds.items()}


def _between(spent_s: dict[str, float], pair_steps: int, bounds: dict[str, float]) -> str:
    """One sentence: where the time of the whole plan goes."""
    plan_s, search_s, scan_s = spent_s["plan"], spent_s["search"], spent_s["scan"]
    least = min(bounds, key=lambda name: bounds[name])
    return (
        f"Of {plan_s:.2f} s for the plan, {pair_steps / bounds[least]:.2f} s are what the bound of the scan ({least}) "
        f"asks for; the bare scan takes {scan_s:.2f} s, picking intervals and finding the zeros in them "
        f"{search_s - scan_s:.2f} s, and propagation, passes, ranges and the table {plan_s - search_s:.2f} s."
    )
