"""What PASEOS 0.2.1 touches of pykep 2, written anew from formulas.

PASEOS asks for pykep 2, which the package index does not carry. `stand_in` puts this package into
`sys.modules` under that name; it must run before the first `import paseos`. Names and units are those of
pykep 2: metres, seconds, and epochs in days since 2000-01-01 00:00 on a time scale that the caller chooses.
"""

import sys
from dataclasses import dataclass

from orbitfl.environment.pykep import planet

DAY2SEC = 86400.0
SEC2DAY = 1.0 / 86400.0


@dataclass(frozen=True, slots=True)
class Epoch:
    """An instant in days since 2000-01-01 00:00, unrounded."""

    mjd2000: float

    @property
    def jd(self) -> float:
        """Julian date in days."""
        return self.mjd2000 + 2451544.5


epoch = Epoch

__all__ = ["DAY2SEC", "SEC2DAY", "Epoch", "epoch", "planet", "stand_in"]


def stand_in() -> None:
    """Let `import pykep` find this package from now on.

    A pykep that the program has imported already stays: PASEOS and orbitfl both use it then.
    One that is merely installed is hidden for the rest of the process.
    """
    sys.modules.setdefault("pykep", sys.modules[__name__])
    sys.modules.setdefault("pykep.planet", planet)
