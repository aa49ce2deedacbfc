"""Many runs side by side."""

from orbitfl.sweep.trials import Outcome, Trial, carried_out

__all__ = ["Outcome", "Trial", "carried_out"]
