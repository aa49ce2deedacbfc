"""How the satellites fare: charge and temperature."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbitfl.environment.base import KELVIN_AT_0_C
from orbitfl.experiment.result import RunResult
from orbitfl.report.plots import MOST_LINES, Plot, Trace, chosen, hours, line, plot, rounded, thinned

MOST_POINTS = 12_000


def charge(result: RunResult) -> Plot | None:
    """State of charge over time with the gate of training; None without a record of energy."""
    start, limits = 100 * result.scenario.environment.initial_charge, result.scenario.environment.limits
    lines = _lines(result, 100 * result.energy["charge_end"].to_numpy(), start)
    gate = _gate(result, "training needs", 100 * limits.training_min_charge)
    return plot([*lines, gate], "state of charge (%)") if lines else None


def temperature(result: RunResult) -> Plot | None:
    """Temperature over time with the gate of training; None without a record of energy."""
    environment = result.scenario.environment
    start_c = environment.thermal.initial_temperature_k - KELVIN_AT_0_C
    lines = _lines(result, result.energy["temperature_end_k"].to_numpy() - KELVIN_AT_0_C, start_c)
    gate = _gate(result, "training stops above", environment.limits.training_max_c)
    return plot([*lines, gate], "temperature (°C)") if lines else None


def _lines(result: RunResult, values: NDArray[np.float64], start: float) -> list[Trace]:
    """One per satellite: `start`, then the value at the end of each spell."""
    table = pd.DataFrame({"t_s": result.energy["end_s"], "value": values})
    by_node = dict(iter(table.groupby(result.energy["node"])))
    nodes = [node for node in result.plan.satellite_names if node in by_node]
    shown = [nodes[place] for place in chosen(len(nodes), MOST_LINES)]
    spells = {node: thinned(by_node[node], MOST_POINTS // len(shown)) for node in shown}
    return [
        line(node, place, [0.0, *hours(of["t_s"])], [round(start, 3), *rounded(of["value"], 3)])
        for place, (node, of) in enumerate(spells.items())
    ]


def _gate(result: RunResult, name: str, value: float) -> Trace:
    end = hours([result.scenario.duration_s])
    return line(
        name, 0, [0.0, *end], [value, value], line={"color": "#444", "dash": "dot", "width": 1.2}, visible="legendonly"
    )
