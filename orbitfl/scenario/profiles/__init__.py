"""Hardware profiles: boards, buses and terminals, each number with its source (docs/profiles.md)."""

from orbitfl.scenario.profiles.figure import Figure, Steps
from orbitfl.scenario.profiles.files import known, read_profile, shipped_profiles, to_text
from orbitfl.scenario.profiles.kinds import Board, Bus, Terminal
from orbitfl.scenario.profiles.parsing import from_document

__all__ = [
    "Board",
    "Bus",
    "Figure",
    "Steps",
    "Terminal",
    "from_document",
    "known",
    "read_profile",
    "shipped_profiles",
    "to_text",
]
