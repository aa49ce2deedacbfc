"""The parameters that learn, as one vector: what travels, merges, is saved, and takes AdamW's step in one piece."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.adamw import adamw

Vector = NDArray[np.float32]

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""torch's defaults."""


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


class Descent:
    """AdamW (Loshchilov & Hutter, arXiv 1711.05101, algorithm 2) along the slopes of `flat`, which goes on from
    `moments`; these stay as they are.

    By torch's function: its optimizer would load a compiler, too, which takes two seconds in every process that learns.
    """

    def __init__(
        self, flat: FlatParameters, learning_rate: float, weight_decay: float, moments: Moments | None
    ) -> None:
        self._flat, self._learning_rate, self._weight_decay = flat, learning_rate, weight_decay
        begun = moments or Moments(*np.zeros((2, flat.vector.numel()), np.float32), steps=0)
        self._first, self._second = (torch.from_numpy(each).clone() for each in (begun.first, begun.second))
        self._steps = torch.tensor(float(begun.steps))

    @torch.no_grad()
    def step(self) -> None:
        adamw(
            [self._flat.vector],
            [self._flat.slopes],
            [self._first],
            [self._second],
            [],
            [self._steps],
            fused=True,
            amsgrad=False,
            beta1=BETA1,
            beta2=BETA2,
            lr=self._learning_rate,
            weight_decay=self._weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def moments(self) -> Moments | None:
        """What is gathered, None before the first step. It must not step again: the arrays are its own."""
        steps = int(self._steps)
        return Moments(self._first.numpy(), self._second.numpy(), steps) if steps else None
