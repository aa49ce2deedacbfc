"""Changes of low rank to a matrix: W + B A, of which only B learns (FFA-LoRA, Sun et al. 2024, arXiv 2403.12313).

LoRA (Hu et al. 2021, arXiv 2106.09685) learns A as well. But the mean of two products is not the product of two means;
with one A for all, averaging B averages what the networks do, exactly, and an update is half as large.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SEED = 2403_12313
CHANGED = ("q_proj", "v_proj")


class ChangedLinear(nn.Module):
    """A linear layer whose matrix is `frozen` + `change` @ `basis`; its state dict is the plain layer's, merged."""

    basis: Tensor

    def __init__(self, layer: nn.Linear, basis: Tensor) -> None:
        """basis: (rank, inputs)."""
        super().__init__()
        self.frozen, self.bias = layer.weight, layer.bias
        self.change = nn.Parameter(torch.zeros(layer.out_features, len(basis), device=layer.weight.device))
        self.register_buffer("basis", basis.to(layer.weight), persistent=False)
        self.register_state_dict_post_hook(_merged)
        self.register_load_state_dict_pre_hook(_unchanged)

    @property
    def weight(self) -> Tensor:
        return self.frozen + self.change @ self.basis

    def forward(self, input: Tensor) -> Tensor:
        return functional.linear(input, self.weight, self.bias)


def _merged(layer: ChangedLinear, state: dict[str, Tensor], prefix: str, *others: Any) -> None:
    """What is saved: the names and the place of a plain layer, so that any reader of the official keys can use it."""
    _, _, bias = (state.pop(f"{prefix}{name}") for name in ("frozen", "change", "bias"))
    state |= {f"{prefix}weight": layer.weight.detach(), f"{prefix}bias": bias}


def _unchanged(layer: ChangedLinear, state: dict[str, Tensor], prefix: str, *others: Any) -> None:
    """What is loaded: a plain layer, to which there is no change yet."""
    if f"{prefix}weight" in state:
        state |= {f"{prefix}frozen": state.pop(f"{prefix}weight"), f"{prefix}change": torch.zeros_like(layer.change)}


def install(decoder: nn.Module, rank: int) -> None:
    """Put a change of `rank` into the query and value matrices of every attention in `decoder`; none yet acts.

    The bases come from a fixed seed, so that they are the same on every satellite. Their entries of variance 1 / rank
    let a step of AdamW move the matrix as far as if it learnt itself.
    """
    generator = torch.Generator().manual_seed(SEED)
    for parent in list(decoder.modules()):
        for name, layer in list(parent.named_children()):
            if name in CHANGED and isinstance(layer, nn.Linear):
                basis = torch.randn(rank, layer.in_features, generator=generator) * rank**-0.5
                setattr(parent, name, ChangedLinear(layer, basis))
