"""The mask decoder of Segment Anything: prompts and image attend to each other, then mask tokens draw masks.

Kirillov et al., "Segment Anything", ICCV 2023, appendix A ("Lightweight mask decoder").
"""

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from orbitfl.models.layers import LayerNorm2d, ReluMlp

MASKS = 4
SINGLE_MASK, MULTI_MASK = slice(0, 1), slice(1, MASKS)
"""Outputs for a prompt that means one object, and for a prompt that may mean three."""


class MaskDecoder(nn.Module):
    """Image embedding and prompts → mask logits at a quarter of the image's sides, and their expected IoU."""

    def __init__(self, dim: int, heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(dim, heads, mlp_dim)
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(MASKS, dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 4, 2, stride=2),
            LayerNorm2d(dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 4, dim // 8, 2, stride=2),
            nn.GELU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList(ReluMlp(dim, dim, dim, dim // 8) for _ in range(MASKS))
        self.iou_prediction_head = ReluMlp(dim, dim, dim, MASKS)

    def forward(self, image: Tensor, position: Tensor, prompts: Tensor, outputs: slice) -> tuple[Tensor, Tensor]:
        """Return logits (B, M, 4g, 4g) and expected IoU (B, M) of the chosen outputs.

        `image` (B, dim, g, g) is the embedding plus the dense prompt, `position` (1, dim, g, g) its position
        code, `prompts` (B, n, dim) the sparse prompts, n from 0.
        """
        tokens, upscaled = self.attend(image, position, prompts)
        logits = torch.einsum("bmc,bchw->bmhw", self._filters(tokens, outputs), upscaled)
        return logits, self.iou_prediction_head(tokens[:, 0])[:, outputs]

    def attend(self, image: Tensor, position: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, 5 + n, dim), IoU and masks first, and the image (B, dim / 8, 4g, 4g) that masks are drawn from."""
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([own.expand(len(image), -1, -1), prompts], dim=1)
        tokens, cells = self.transformer(tokens, _cells(image), _cells(position))
        return tokens, self.output_upscaling(cells.transpose(1, 2).unflatten(2, image.shape[2:]))

    def _filters(self, tokens: Tensor, outputs: slice) -> Tensor:
        """(B, M, dim / 8): what each chosen mask token makes of the upscaled image."""
        mask_tokens = tokens[:, 1 : 1 + MASKS].unbind(1)
        chosen = zip(self.output_hypernetworks_mlps[outputs], mask_tokens[outputs], strict=True)
        return torch.stack([network(token) for network, token in chosen], dim=1)


class TwoWayTransformer(nn.Module):
    """Two layers in which tokens (B, n, dim) and cells (B, g², dim) attend to each other, and a last look."""

    def __init__(self, dim: int, heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TwoWayLayer(dim, heads, mlp_dim) for _ in range(2))
        self.final_attn_token_to_image = Attention(dim, dim // 2, heads)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(self, prompts: Tensor, cells: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        first, second = cast("Iterator[TwoWayLayer]", iter(self.layers))
        tokens = first.norm1(first.self_attn(prompts, prompts, prompts))
        tokens, cells = first(tokens, cells, prompts, position)
        query = tokens + prompts
        tokens = second.norm1(tokens + second.self_attn(query, query, tokens))
        tokens, cells = second(tokens, cells, prompts, position)
        looked = self.final_attn_token_to_image(tokens + prompts, cells + position, cells)
        return self.norm_final_attn(tokens + looked), cells


class TwoWayLayer(nn.Module):
    """One exchange between tokens and cells.

    The self-attention before it is the transformer's to call, because the first layer's has neither position
    nor residual.
    """

    def __init__(self, dim: int, heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.self_attn = Attention(dim, dim, heads)
        self.norm1 = nn.LayerNorm(dim)
        self.cross_attn_token_to_image = Attention(dim, dim // 2, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = TokenMlp(dim, mlp_dim)
        self.norm3 = nn.LayerNorm(dim)
        self.norm4 = nn.LayerNorm(dim)
        self.cross_attn_image_to_token = Attention(dim, dim // 2, heads)

    def forward(self, tokens: Tensor, cells: Tensor, prompts: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        places = cells + position
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + prompts, places, cells))
        tokens = self.norm3(tokens + self.mlp(tokens))
        cells = self.norm4(cells + self.cross_attn_image_to_token(places, tokens + prompts, tokens))
        return tokens, cells


class Attention(nn.Module):
    """Multi-head attention (B, n, dim) over (B, m, dim), computed at `width`."""

    def __init__(self, dim: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(dim, width)
        self.k_proj = nn.Linear(dim, width)
        self.v_proj = nn.Linear(dim, width)
        self.out_proj = nn.Linear(width, dim)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        attended = functional.scaled_dot_product_attention(
            self._split(self.q_proj(query)), self._split(self.k_proj(key)), self._split(self.v_proj(value))
        )
        return self.out_proj(attended.transpose(1, 2).flatten(2))

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class TokenMlp(nn.Module):
    """Widen, ReLU, narrow on the last axis."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.lin1 = nn.Linear(dim, hidden)
        self.lin2 = nn.Linear(hidden, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.lin2(functional.relu(self.lin1(tokens)))


def _cells(maps: Tensor) -> Tensor:
    """(B, C, g, g) → (B, g², C), row by row."""
    return maps.flatten(2).transpose(1, 2)
