"""What the shipped board profiles say one inference and one training step cost."""

from orbitfl.scenario.profiles import Board
from orbitfl.scenario.profiles.files import read_profile, shipped_profiles


def costs_on_boards() -> list[str]:
    """A line per profile: seconds and joules, as the profile has them of its own network and tile."""
    return [_line(name) for name in shipped_profiles(Board)]


def _line(name: str) -> str:
    board = read_profile(name, Board)
    inference, step = (
        f"{seconds.value:.3g} s, {seconds.value * watts.value:.3g} J"
        for seconds, watts in ((board.inference_s, board.inference_w), (board.train_step_s, board.train_w))
    )
    return f"On {name} an inference takes {inference}, a training step {step} (the profile's own tile and batch)."
