"""Many runs of a scenario with keys changed: which, side by side, and what they say together."""

from orbitfl.sweep.evidence import Estimate, recorded
from orbitfl.sweep.grid import Axis, Trial, trials_of
from orbitfl.sweep.trials import Outcome, carried_out

__all__ = ["Axis", "Estimate", "Outcome", "Trial", "carried_out", "recorded", "trials_of"]
