"""Points, boxes and earlier masks as tokens and maps.

Kirillov et al., "Segment Anything", ICCV 2023, appendix A; the position code is that of Tancik et al.,
"Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains", NeurIPS 2020.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from orbitfl.models.layers import LayerNorm2d

NO_POINT, BACKGROUND, FOREGROUND, BOX_START, BOX_END = -1, 0, 1, 2, 3
"""Labels of points: padding, not the object, the object, a box's corner (x0, y0), a box's corner (x1, y1)."""

TOKEN_SEED, TOKEN_DEVIATION = 1, 0.1


class PromptEncoder(nn.Module):
    """Prompts in pixels of a frame of S × S → embeddings of width `dim`."""

    learned_tokens: nn.Parameter | None

    def __init__(self, dim: int, image_size: int, grid: int) -> None:
        super().__init__()
        self.image_size, self.grid = image_size, grid
        self.pe_layer = FourierPosition(dim)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, 2, stride=2),
            LayerNorm2d(4),
            nn.GELU(),
            nn.Conv2d(4, 16, 2, stride=2),
            LayerNorm2d(16),
            nn.GELU(),
            nn.Conv2d(16, dim, 1),
        )
        self.no_mask_embed = nn.Embedding(1, dim)
        self.register_parameter("learned_tokens", None)
        self.register_load_state_dict_pre_hook(_make_room)

    def add_tokens(self, count: int) -> None:
        """Let `count` tokens, which can learn, stand beside every prompt. Their first values come from a fixed seed."""
        values = torch.randn(
            count, self.no_mask_embed.embedding_dim, generator=torch.Generator().manual_seed(TOKEN_SEED)
        )
        self.learned_tokens = nn.Parameter(values.to(self.no_mask_embed.weight) * TOKEN_DEVIATION)

    def learned(self, batch: int) -> Tensor:
        """The learned tokens of each image (B, n, dim); n = 0 without any."""
        if self.learned_tokens is None:
            return self.no_mask_embed.weight.new_zeros(batch, 0, self.no_mask_embed.embedding_dim)
        return self.learned_tokens.expand(batch, -1, -1)

    def sparse(self, points: Tensor, labels: Tensor) -> Tensor:
        """Points (B, N, 2) as x, y in pixels and labels (B, N) from -1 to 3 → tokens (B, N, dim)."""
        kinds = torch.cat([self.not_a_point_embed.weight, *self.point_embeddings.parameters()])
        labels = labels.to(kinds.device)
        position = self.pe_layer((points + 0.5) / self.image_size)
        real = (labels != NO_POINT).unsqueeze(-1)
        return torch.where(real, position, 0.0) + kinds[labels.long() - NO_POINT]

    def dense(self, masks: Tensor) -> Tensor:
        """Logits of an earlier answer (B, 1, S/4, S/4) → map (B, dim, S/16, S/16)."""
        return self.mask_downscaling(masks)

    def no_mask(self) -> Tensor:
        """The map (1, dim, 1, 1) that stands for "no earlier answer"."""
        return self.no_mask_embed.weight[:, :, None, None]

    def image_position(self) -> Tensor:
        """Position code (1, dim, S/16, S/16) of the embedding's cells."""
        matrix = self.pe_layer.positional_encoding_gaussian_matrix
        centre = (torch.arange(self.grid, device=matrix.device, dtype=matrix.dtype) + 0.5) / self.grid
        y, x = torch.meshgrid(centre, centre, indexing="ij")
        return self.pe_layer(torch.stack([x, y], dim=-1)).permute(2, 0, 1)[None]


class FourierPosition(nn.Module):
    """Places (…, 2) as x, y in [0, 1] → sines and cosines (…, dim) of random frequencies, fixed at birth."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, dim // 2))

    def forward(self, places: Tensor) -> Tensor:
        matrix = self.positional_encoding_gaussian_matrix
        phase = 2 * math.pi * ((2 * places.to(matrix) - 1) @ matrix)
        return torch.cat([phase.sin(), phase.cos()], dim=-1)


def _make_room(encoder: PromptEncoder, state: Mapping[str, Tensor], prefix: str, *others: Any) -> None:
    """A checkpoint says itself whether tokens were learned, and how many."""
    if (tokens := state.get(f"{prefix}learned_tokens")) is not None:
        encoder.learned_tokens = nn.Parameter(torch.empty_like(tokens, device=encoder.no_mask_embed.weight.device))
