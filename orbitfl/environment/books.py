"""What every fleet keeps of its satellites, and the gates before their activities."""

from collections.abc import Sequence

from orbitfl.environment.base import Activity, NodeState, Reason
from orbitfl.environment.options import Bus


class Books:
    """Clocks, batteries and temperatures of a fleet, by satellite."""

    def __init__(self, bus: Bus, states: Sequence[NodeState]) -> None:
        self.now_s = [state.now_s for state in states]
        self.stored_j = [state.stored_j for state in states]
        self.temperature_k = [state.temperature_k for state in states]
        self.failed_s = [state.failed_s for state in states]
        self.battery_j = bus.battery_j
        self.to_begin, self.to_go_on = bus.limits.to_begin(), bus.limits.to_go_on()

    def allows(self, node: int, activity: Activity) -> Reason | None:
        """See `Environment.allows`."""
        if self.failed_s[node] is not None and activity is not Activity.STANDBY:
            return Reason.FAILED
        return self.to_begin[activity].refusal(self.stored_j[node] / self.battery_j, self.temperature_k[node])

    def stop(self, node: int, activity: Activity) -> Reason | None:
        """Why `node` may not go on with an activity."""
        return self.to_go_on[activity].refusal(self.stored_j[node] / self.battery_j, self.temperature_k[node])

    def fail(self, node: int, activity: Activity, until_s: float) -> None:
        """`node` failed where its clock stands, unless it had before; in standby its clock goes on without it."""
        if self.failed_s[node] is None:
            self.failed_s[node] = self.now_s[node]
        if activity is Activity.STANDBY:
            self.now_s[node] = until_s

    def state(self, node: int, draws: int) -> NodeState:
        return NodeState(self.now_s[node], self.stored_j[node], self.temperature_k[node], draws, self.failed_s[node])


def launch_states(bus: Bus, states: Sequence[NodeState] | None, count: int) -> Sequence[NodeState]:
    """The states given, or `count` satellites at mission second 0."""
    return [bus.launch_state()] * count if states is None else states


def require_forward(node: int, now_s: float, until_s: float) -> None:
    """Raise ValueError if a satellite's clock would go back."""
    if until_s < now_s:
        raise ValueError(f"satellite {node} stands at {now_s} s and cannot go back to {until_s} s.")
