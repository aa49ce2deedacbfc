"""Which compressors a strategy works with."""

from orbitfl.errors import ScenarioError
from orbitfl.federation.compressors import COMPRESSORS, Compressor
from orbitfl.federation.strategies import Strategy


def require_fit(strategy: Strategy, compressor: Compressor) -> None:
    """Raises ScenarioError if `compressor` leaves numbers out that `strategy` cannot do without."""
    if strategy.dense_only and compressor.sparse:
        dense = ", ".join(kind for kind, each in COMPRESSORS.items() if not each.sparse)
        raise ScenarioError(
            f"compressor.kind is {compressor.kind}, which leaves numbers out for a later message, but the strategy "
            f"{strategy.kind} takes every message for the whole; choose {dense}."
        )
