"""Pieces that the encoder, the prompt encoder and the mask decoder share."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional


class LayerNorm2d(nn.LayerNorm):
    """LayerNorm over the channels of a map (B, C, H, W), with the epsilon of Segment Anything."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, input: Tensor) -> Tensor:
        return self.over_last(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def over_last(self, input: Tensor) -> Tensor:
        """The same over the last axis of (…, C)."""
        return super().forward(input)


class ConvNorm(nn.Module):
    """A convolution without bias and its BatchNorm, under the official names `c` and `bn`."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.c = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        return self.bn(self.c(maps))


class ReluMlp(nn.Module):
    """Linear layers with ReLU between them: inputs → hidden → … → outputs, on the last axis."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(inputs, outputs) for inputs, outputs in pairwise(widths))

    def forward(self, tokens: Tensor) -> Tensor:
        *inner, last = self.layers
        for layer in inner:
            tokens = functional.relu(layer(tokens))
        return last(tokens)
