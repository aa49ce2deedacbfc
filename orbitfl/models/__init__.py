"""MobileSAM in torch alone, under the official names of its parameters."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orbitfl.models.mobile_sam import build

__all__ = ["build"]


def __getattr__(name: str) -> Any:
    # Lazy, so that `orbitfl.models.weights` downloads without loading torch.
    if name == "build":
        from orbitfl.models.mobile_sam import build

        return build
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
