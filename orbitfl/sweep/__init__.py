"""Many runs of a scenario with keys changed: which, side by side, and what they say together."""

from orbitfl.sweep.evidence import recorded
from orbitfl.sweep.grid import Axis, Trial, trials_of
from orbitfl.sweep.together import Sweep, run_sweep
from orbitfl.sweep.trials import Outcome, carried_out

__all__ = ["Axis", "Outcome", "Sweep", "Trial", "carried_out", "recorded", "run_sweep", "trials_of"]
