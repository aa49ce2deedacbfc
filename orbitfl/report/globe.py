"""A mission in space, to turn and to move through time, for a notebook."""

from typing import TYPE_CHECKING, Any

import numpy as np

from orbitfl.contacts import ContactPlan
from orbitfl.contacts.ground import places_of
from orbitfl.figures import COLOURS
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.clock import HOUR_S
from orbitfl.report import earth
from orbitfl.report.plots import Trace, rounded
from orbitfl.scenario import Mission

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_STEPS = 72


def globe(mission: Mission, plan: ContactPlan) -> "Figure":
    """Satellites and open links of `plan` at up to 73 times, in axes that turn with the Earth; plotly shows it."""
    from plotly.graph_objects import Figure  # slow to import, and a page needs none of it

    satellites = plan.satellite_count
    flown = earth.flight(mission, MOST_STEPS * satellites)
    stations_km = places_of(mission.ground_stations).position_km
    fixed = earth.globe(mission.ground_stations)
    moments = [
        _moment(plan, t_s, np.concatenate([flown.positions_km[:, step], stations_km]))
        for step, t_s in enumerate(flown.t_s.tolist())
    ]
    moving = list(range(len(fixed), len(fixed) + len(moments[0])))
    names = [f"{t_s / HOUR_S:.2f} h" for t_s in flown.t_s.tolist()]
    frames = [{"name": name, "data": traces, "traces": moving} for name, traces in zip(names, moments, strict=True)]
    drawn = earth.in_space([*fixed, *moments[0]])
    return Figure({**drawn, "layout": {**drawn["layout"], "sliders": [_slider(names)]}, "frames": frames})


def _moment(plan: ContactPlan, t_s: float, nodes_km: Floats) -> list[Trace]:
    """nodes_km: (n_nodes, 3) at t_s."""
    x, y, z = (rounded(column, 0) for column in nodes_km[: plan.satellite_count].T)
    names, marker = list(plan.satellite_names), {"size": 5, "color": COLOURS[0]}
    open_now = plan.at(min(t_s, plan.duration_s - 1e-3))
    strokes = (earth.link(kind, *_strokes(open_now.of_kind(kind), nodes_km)) for kind in ("isl", "ground"))
    return [*strokes, earth.points("satellite", x, y, z, mode="markers", text=names, hoverinfo="text", marker=marker)]


def _strokes(plan: ContactPlan, nodes_km: Floats) -> list[list[Any]]:
    """x, y and z of both ends of every contact, and a gap after each."""
    ends_km = np.full((len(plan), 3, 3), np.nan)
    ends_km[:, 0], ends_km[:, 1] = nodes_km[plan.table["a"]], nodes_km[plan.table["b"]]
    return [rounded(column, 0) for column in ends_km.reshape(-1, 3).T]


def _slider(names: list[str]) -> dict[str, Any]:
    at_once = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    steps = [{"label": name, "method": "animate", "args": [[name], at_once]} for name in names]
    return {"steps": steps, "currentvalue": {"prefix": "mission time "}}
