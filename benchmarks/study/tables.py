"""The tables of docs/study.md, each as Markdown."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from evidence import Comparison, Estimate, compared, cost_to, finals, holm, within
from variants import variants

COLUMNS = {
    "mean": "satellites' mean",
    "worst": "worst satellite",
    "average": "average model",
    "water": "IoU of water",
}
COSTS = {"t_s": ("h", 3600.0), "megabyte": ("MB", 1.0), "kilojoule": ("kJ", 1.0)}
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


def scores(curves: pd.DataFrame, group: str) -> str:
    """mIoU in percent at the end, and what was sent and spent by all satellites."""
    heads = ["variant", *COLUMNS.values(), "sent, MB", "spent, kJ"]
    rows = []
    for variant in variants()[group]:
        chosen = _of(curves, (group, variant))
        cells = [Estimate.of(finals(chosen, column).tolist()) for column in [*COLUMNS, "megabyte", "kilojoule"]]
        rows.append([variant, *map(str, cells)])
    return markdown(heads, rows)


def claims(curves: pd.DataFrame) -> str:
    """The paper's claims, as paired comparisons of the satellites' mean at the end, corrected for their number."""
    found = [_against(curves, better, worse) for better, worse in CLAIMS.values()]
    corrected = holm([each.p for each in found])
    heads = ["claim", "difference, points", "seeds that agree", "p (Holm)", "verdict"]
    rows = [
        [claim, _signed(each), f"{each.wins} of {each.seeds}", _p(p), _verdict(each, p)]
        for claim, each, p in zip(CLAIMS, found, corrected, strict=True)
    ]
    return markdown(heads, rows)


def budgets(curves: pd.DataFrame, group: str, limits: Sequence[tuple[str, float]]) -> str:
    """Satellites' mean mIoU at the last evaluation within each budget."""
    heads = ["variant", *(f"≤ {limit / COSTS[cost][1]:g} {COSTS[cost][0]}" for cost, limit in limits)]
    rows = []
    for variant in variants()[group]:
        chosen = _of(curves, (group, variant))
        rows.append([variant, *(str(Estimate.of(within(chosen, cost, limit).tolist())) for cost, limit in limits)])
    return markdown(heads, rows)


def halves(curves: pd.DataFrame, places: Sequence[tuple[str, str]], group: str) -> str:
    """Satellites' mean mIoU at each evaluation, of `places` and of a whole group."""
    chosen = [*places, *((group, variant) for variant in variants()[group])]
    times_s = sorted(_of(curves, chosen[0])["t_s"].unique())
    rows = []
    for place in chosen:
        at = _of(curves, place).groupby("t_s")["mean"]
        rows.append([place[1], *(str(Estimate.of(at.get_group(at_s).tolist())) for at_s in times_s)])
    return markdown(["variant", *(f"{at_s / 3600:g} h" for at_s in times_s)], rows)


def targets(curves: pd.DataFrame, group: str, target: float) -> str:
    """Median cost over seeds to an evaluation at `target`; a seed that misses it counts as dearer than any."""
    heads = ["variant", "seeds that reach it", *(unit for unit, _ in COSTS.values())]
    rows = []
    for variant in variants()[group]:
        chosen = _of(curves, (group, variant))
        to_target = {cost: cost_to(chosen, target, cost).to_numpy() for cost in COSTS}
        reached = np.isfinite(to_target["t_s"])
        spent = [_censored(to_target[cost], float(finals(chosen, cost).max()), COSTS[cost][1]) for cost in COSTS]
        rows.append([variant, f"{reached.sum()} of {len(reached)}", *spent])
    return markdown(heads, rows)


def robustness(curves: pd.DataFrame) -> str:
    """Each trouble against gossip without it, on equal seeds."""
    heads = ["trouble", *list(COLUMNS.values())[:3], "against gossip, points", "sent, MB"]
    rows = []
    for variant in variants()["faults"]:
        chosen = _of(curves, ("faults", variant))
        cells = [Estimate.of(finals(chosen, column).tolist()) for column in list(COLUMNS)[:3]]
        sent = Estimate.of(finals(chosen, "megabyte").tolist())
        rows.append([variant, *map(str, cells), _signed(_against(curves, ("faults", variant), GOSSIP)), str(sent)])
    return markdown(heads, rows)


def wires(curves: pd.DataFrame) -> str:
    """What travels, against full exchange in fp32 on equal seeds."""
    full = ("wire", "fp32")
    megabyte = Estimate.of(finals(_of(curves, full), "megabyte").tolist()).mean
    heads = ["what travels", *list(COLUMNS.values())[:3], "against fp32, points", "sent, MB", "bytes of fp32's"]
    rows = []
    for place in [full, GOSSIP, *(("wire", name) for name in variants()["wire"] if name != "fp32")]:
        chosen = _of(curves, place)
        cells = [Estimate.of(finals(chosen, column).tolist()) for column in list(COLUMNS)[:3]]
        sent = Estimate.of(finals(chosen, "megabyte").tolist()).mean
        name = "fp16 (gossip)" if place == GOSSIP else place[1]
        rows.append(
            [name, *map(str, cells), _signed(_against(curves, place, full)), f"{sent:.1f}", f"1/{megabyte / sent:.0f}"]
        )
    return markdown(heads, rows)


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is words and whose others are figures."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _of(curves: pd.DataFrame, place: tuple[str, str]) -> pd.DataFrame:
    group, variant = place
    return curves[(curves["group"] == group) & (curves["variant"] == variant)]


def _against(curves: pd.DataFrame, better: tuple[str, str], worse: tuple[str, str]) -> Comparison:
    first, second = (finals(_of(curves, place)).droplevel(["group", "variant"]) for place in (better, worse))
    return compared(first, second)


def _signed(comparison: Comparison) -> str:
    return f"{comparison.difference.mean:+.1f} ± {comparison.difference.half:.1f}"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _verdict(comparison: Comparison, p: float) -> str:
    if p >= 0.05:
        return "not shown"
    return "holds" if comparison.difference.mean > 0 else "the opposite holds"


def _censored(costs: np.ndarray, budget: float, unit: float) -> str:
    middle = float(np.median(costs))
    return f"{middle / unit:.4g}" if np.isfinite(middle) else f"> {budget / unit:.4g}"
