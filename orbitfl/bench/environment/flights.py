"""One constellation through the same work in every environment, and how it went."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from orbitfl.environment import Activity, Battery, Environment, Paseos
from orbitfl.environment.battery import ExactFleet
from orbitfl.environment.plain_paseos import plain_simulations
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2018, 5, 18, 3, 21, tzinfo=UTC)
# Half an hour onboard; it draws 15.4 W on average, about what the panels give, so no limit interferes.
HALF_HOUR = (
    (Activity.TRAINING, 30.0, 720.0),
    (Activity.STANDBY, 5.0, 457.3),
    (Activity.EXCHANGE, 10.0, 7.7),
    (Activity.STANDBY, 5.0, 495.0),
    (Activity.INFERENCE, 10.0, 120.0),
)


class Task(NamedTuple):
    """What every satellite does until a mission second."""

    until_s: float
    activity: Activity
    power_w: float


class Flight(NamedTuple):
    """When each task ended (n_task,), and state of charge and temperature (n_task, n_sat) then."""

    until_s: Floats
    charge: Floats
    temperature_k: Floats


def tasks(duration_s: float) -> list[Task]:
    """The half hours of a mission."""
    planned, at_s = list[Task](), 0.0
    while at_s < duration_s:
        for activity, power_w, span_s in HALF_HOUR:
            at_s = min(at_s + span_s, duration_s)
            planned.append(Task(at_s, activity, power_w))
    return planned


def started(bus: Paseos | Battery, walker: Walker, duration_s: float) -> Any:
    return bus.start(walker.propagator(), walker.names, EPOCH_UTC, duration_s=duration_s)


def flown(fleet: Environment, count: int, planned: Sequence[Task]) -> Flight:
    """Satellite by satellite and task by task, as the event queue asks."""
    spells = [[fleet.advance(node, *task) for node in range(count)] for task in planned]
    return Flight(
        _ends_s(planned),
        np.array([[spell.charge_end for spell in row] for row in spells]),
        np.array([[spell.temperature_end_k for spell in row] for row in spells]),
    )


def flown_at_once(fleet: ExactFleet, planned: Sequence[Task]) -> None:
    """All satellites in one call for each task."""
    for task in planned:
        fleet.advance_all(*task)


def flown_plainly(bus: Paseos, walker: Walker, planned: Sequence[Task]) -> Flight:
    """By PASEOS's own `advance_time`."""
    simulations = plain_simulations(bus, walker.propagator(), walker.names, EPOCH_UTC)
    charge, temperature_k = (np.empty((len(planned), len(simulations))) for _ in range(2))
    for node, simulation in enumerate(simulations):
        now_s = 0.0
        for number, task in enumerate(planned):
            simulation.advance_time(task.until_s - now_s, task.power_w)
            now_s, actor = task.until_s, simulation.local_actor
            charge[number, node], temperature_k[number, node] = actor.state_of_charge, actor.temperature_in_K
    return Flight(_ends_s(planned), charge, temperature_k)


def apart(one: Flight, other: Flight) -> dict[str, float]:
    """The largest differences in state of charge (0 to 1) and temperature at the ends of tasks that both flew."""
    _, mine, theirs = np.intersect1d(one.until_s, other.until_s, return_indices=True)
    return {
        "charge": float(np.abs(one.charge[mine] - other.charge[theirs]).max()),
        "temperature_k": float(np.abs(one.temperature_k[mine] - other.temperature_k[theirs]).max()),
    }


def _ends_s(planned: Sequence[Task]) -> Floats:
    return np.array([task.until_s for task in planned])
