"""The tables of docs/study.md, each as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from statistics import median

import pandas as pd
from evidence import Comparison, at_end, compared, finals, holm, to_target, within
from reading import Place, of
from variants import HELD, STEPS, STRATEGIES, variants

from orbitfl.results import Estimate

COLUMNS = {
    "mean": "satellites' mean",
    "worst": "worst satellite",
    "average": "average model",
    "water": "IoU of water",
}
MODELS = ("mean", "worst", "average")
COSTS = {"t_s": ("h", 3600.0), "byte": ("MB", 1e6), "joule": ("kJ", 1e3)}
GOSSIP = ("strategies", "gossip")

CLAIMS = {
    "Gossip beats isolated (by scene)": (GOSSIP, ("strategies", "isolated")),
    "Gossip beats isolated (overflight)": (("overflight", "gossip"), ("overflight", "isolated")),
    "Exchange every 5 min beats every 15 min": (("interval", "5 min"), GOSSIP),
    "Exchange every 15 min beats every 60 min": (GOSSIP, ("interval", "60 min")),
    "Exchange every 60 min beats every 240 min": (("interval", "60 min"), ("interval", "240 min")),
    "Exchange every 240 min beats never": (("interval", "240 min"), ("strategies", "isolated")),
    "Gossip on 8 tiles beats isolated on all": (("tiles", "gossip, 8 tiles"), ("strategies", "isolated")),
    "Gossip on all tiles beats gossip on 8": (GOSSIP, ("tiles", "gossip, 8 tiles")),
    "Gossip on 8 tiles beats gossip on 2": (("tiles", "gossip, 8 tiles"), ("tiles", "gossip, 2 tiles")),
}

BESIDES = {
    f"Gossip beats {name}": (GOSSIP, ("strategies", name))
    for name in STRATEGIES
    if name not in ("base", "isolated", "gossip")
}

CONSTANT = {variant.removesuffix(", constant"): ("steps", variant) for variant in STEPS}
CONSTANT_CLAIMS = {
    **{f"{name}: falling beats constant": (("strategies", name), CONSTANT[name]) for name in HELD},
    "Gossip beats isolated": (CONSTANT["gossip"], CONSTANT["isolated"]),
    "Exchange every 5 min beats every 15 min": (CONSTANT["5 min"], CONSTANT["gossip"]),
    "Exchange every 15 min beats every 60 min": (CONSTANT["gossip"], CONSTANT["60 min"]),
    "Exchange every 60 min beats every 240 min": (CONSTANT["60 min"], CONSTANT["240 min"]),
    "Exchange every 240 min beats never": (CONSTANT["240 min"], CONSTANT["isolated"]),
    "Gossip on 8 tiles beats isolated on all": (CONSTANT["8 tiles"], CONSTANT["isolated"]),
    "Gossip on all tiles beats gossip on 8": (CONSTANT["gossip"], CONSTANT["8 tiles"]),
}


def scores(curves: pd.DataFrame, group: str) -> str:
    """mIoU in percent at the end, and what was sent and spent by all satellites."""
    rows = [
        [variant, *_cells(curves, (group, variant), COLUMNS), *_spent(curves, (group, variant), "byte", "joule")]
        for variant in variants()[group]
    ]
    return markdown(["variant", *COLUMNS.values(), "sent, MB", "spent, kJ"], rows)


def claims(curves: pd.DataFrame, asked: Mapping[str, tuple[Place, Place]]) -> str:
    """What beats what, as paired comparisons of the satellites' mean at the end, corrected for their number."""
    found = [_against(curves, better, worse) for better, worse in asked.values()]
    corrected = holm([each.p for each in found])
    heads = ["claim", "difference, points", "seeds that agree", "p (Holm)", "verdict"]
    rows = [
        [claim, _signed(each), f"{each.wins} of {each.seeds}", _p(p), _verdict(each, p)]
        for claim, each, p in zip(asked, found, corrected, strict=True)
    ]
    return markdown(heads, rows)


def budgets(curves: pd.DataFrame, group: str, limits: Sequence[tuple[str, float]]) -> str:
    """Satellites' mean mIoU at the last evaluation within each budget."""
    heads = ["variant", *(f"≤ {limit / COSTS[cost][1]:g} {COSTS[cost][0]}" for cost, limit in limits)]
    rows = [
        [variant, *(str(within(of(curves, (group, variant)), cost, limit)) for cost, limit in limits)]
        for variant in variants()[group]
    ]
    return markdown(heads, rows)


def over_time(curves: pd.DataFrame, places: Sequence[Place], group: str) -> str:
    """Satellites' mean mIoU at each evaluation, of `places` and of a whole group."""
    chosen = [*places, *((group, variant) for variant in variants()[group])]
    times_s = sorted(of(curves, chosen[0])["t_s"].unique())
    rows = []
    for place in chosen:
        at = of(curves, place).groupby("t_s")["mean"]
        rows.append([place[1], *(str(Estimate.of(at.get_group(at_s).tolist())) for at_s in times_s)])
    return markdown(["variant", *(f"{at_s / 3600:g} h" for at_s in times_s)], rows)


def targets(curves: pd.DataFrame, group: str, target: float) -> str:
    """Median cost over seeds to an evaluation at `target`; a seed that misses it counts as dearer than any."""
    rows = []
    for variant in variants()[group]:
        chosen = of(curves, (group, variant))
        by_cost = to_target(chosen, target)
        reached = sum(cost < inf for cost in by_cost["t_s"])
        spent = [_censored(by_cost[name], float(chosen[name].max()), unit) for name, (_, unit) in COSTS.items()]
        rows.append([variant, f"{reached} of {len(by_cost['t_s'])}", *spent])
    return markdown(["variant", "seeds that reach it", *(unit for unit, _ in COSTS.values())], rows)


def robustness(curves: pd.DataFrame) -> str:
    """Each trouble against gossip without it, on equal seeds."""
    heads = ["trouble", *(COLUMNS[name] for name in MODELS), "against gossip, points", "sent, MB"]
    rows = []
    for variant in variants()["faults"]:
        place = ("faults", variant)
        against = _signed(_against(curves, place, GOSSIP))
        rows.append([variant, *_cells(curves, place, MODELS), against, *_spent(curves, place, "byte")])
    return markdown(heads, rows)


def wires(curves: pd.DataFrame) -> str:
    """What travels, against full exchange in fp32 on equal seeds."""
    full = ("wire", "fp32")
    heads = ["what travels", *(COLUMNS[name] for name in MODELS), "against fp32, points", "sent, MB", "bytes of fp32's"]
    of_full = at_end(curves, full, "byte").mean
    rows = []
    for place in [full, GOSSIP, *(("wire", name) for name in variants()["wire"] if name != "fp32")]:
        byte = at_end(curves, place, "byte").mean
        name = "fp16 (gossip)" if place == GOSSIP else place[1]
        against = _signed(_against(curves, place, full))
        rows.append([name, *_cells(curves, place, MODELS), against, f"{byte / 1e6:.1f}", f"1/{of_full / byte:.0f}"])
    return markdown(heads, rows)


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is words and whose others are figures."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(curves: pd.DataFrame, place: Place, columns: Iterable[str]) -> list[str]:
    return [str(at_end(curves, place, column)) for column in columns]


def _spent(curves: pd.DataFrame, place: Place, *costs: str) -> list[str]:
    return [str(at_end(curves, place, cost, COSTS[cost][1])) for cost in costs]


def _against(curves: pd.DataFrame, better: Place, worse: Place) -> Comparison:
    return compared(finals(of(curves, better)), finals(of(curves, worse)))


def _signed(comparison: Comparison) -> str:
    return f"{comparison.difference.mean:+.1f} ± {comparison.difference.half:.1f}"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _verdict(comparison: Comparison, p: float) -> str:
    if p >= 0.05:
        return "not shown"
    return "holds" if comparison.difference.mean > 0 else "the opposite holds"


def _censored(costs: Sequence[float], budget: float, unit: float) -> str:
    """The median, inf where a seed missed the target; where it is missed, the whole budget, which was not enough."""
    middle = median(costs)
    return f"{middle / unit:.4g}" if middle < inf else f"> {budget / unit:.4g}"
