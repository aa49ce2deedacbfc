"""The parameters that learn, as one vector: what travels, merges, is saved, and takes AdamW's step in one piece."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from orbitfl.training.options import Training

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Moments:
    """AdamW's state: the running means of the gradient and of its square, (n,) each, and how often it has stepped."""

    first: Vector
    second: Vector
    steps: int


class FlatParameters:
    """Parameters of a network moved into one tensor, and their gradients into another.

    The network goes on using them: they are views now. So weights go in and out with a single copy, and a step of the
    optimizer is one pass over one tensor instead of one for each of a hundred.
    """

    def __init__(self, parameters: dict[str, nn.Parameter]) -> None:
        self.shapes = tuple((name, tuple(value.shape)) for name, value in parameters.items())
        flat = [value.detach().flatten() for value in parameters.values()]
        self.vector = nn.Parameter(torch.cat(flat) if flat else torch.zeros(0))
        self.slopes = torch.zeros_like(self.vector)
        self.vector.grad = self.slopes
        first = 0
        for value in parameters.values():
            place = slice(first, first + value.numel())
            value.grad = None
            value.data = self.vector.detach()[place].view(value.shape)
            value.requires_grad_(True)
            value.grad = self.slopes[place].view(value.shape)
            first = place.stop

    def read(self) -> Vector:
        """A copy of the parameters, (n,)."""
        return self.vector.detach().numpy().copy()

    def write(self, weights: Vector) -> None:
        """Raises ValueError when there are not as many numbers as parameters."""
        if weights.shape != tuple(self.vector.shape):
            raise ValueError(f"weights of shape {weights.shape} were given for {self.vector.numel()} parameters.")
        with torch.no_grad():
            self.vector.copy_(torch.from_numpy(weights))

    def named(self, weights: Vector) -> dict[str, NDArray[np.float32]]:
        """The parameters by name, as views of `weights`."""
        ends = np.cumsum([np.prod(shape, dtype=int) for _, shape in self.shapes])
        pieces = np.split(weights, ends[:-1]) if self.shapes else ()
        return {name: piece.reshape(shape) for (name, shape), piece in zip(self.shapes, pieces, strict=True)}

    def optimizer(self, options: Training, moments: Moments | None) -> torch.optim.AdamW:
        """AdamW over the vector, which goes on from `moments`; these stay as they are."""
        adamw = torch.optim.AdamW(
            [self.vector], lr=options.learning_rate, weight_decay=options.weight_decay, fused=True
        )
        if moments is not None:
            adamw.state[self.vector] = {
                "step": torch.tensor(float(moments.steps)),
                "exp_avg": _copied(moments.first),
                "exp_avg_sq": _copied(moments.second),
            }
        return adamw

    def moments(self, adamw: torch.optim.AdamW) -> Moments | None:
        """What `adamw` has gathered, None before its first step. It must not step again: the arrays are its own."""
        state = adamw.state.get(self.vector)
        if not state:
            return None
        return Moments(state["exp_avg"].numpy(), state["exp_avg_sq"].numpy(), int(state["step"]))


def _copied(values: Vector) -> Tensor:
    return torch.from_numpy(values).clone()
