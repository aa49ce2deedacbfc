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
        tokens, parts = self._attend(image, position, prompts)
        logits = self._filters(tokens, outputs) @ parts.flatten(1, -2).transpose(1, 2)
        nested = logits.unflatten(2, parts.shape[1:-1])
        return _unnested(nested, image.shape[-1]), self.iou_prediction_head(tokens[:, 0])[:, outputs]

    def drawn_from(self, image: Tensor, position: Tensor, prompts: Tensor) -> Tensor:
        """What masks are drawn from, (B, dim / 8, 4g, 4g)."""
        _, parts = self._attend(image, position, prompts)
        return _unnested(parts.movedim(-1, 1), image.shape[-1])

    def _attend(self, image: Tensor, position: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, 5 + n, dim), IoU and masks first, and the parts of every cell (B, g², 4, 4, dim / 8)."""
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([own.expand(len(image), -1, -1), prompts], dim=1)
        tokens, cells = self.transformer(tokens, _cells(image), _cells(position))
        return tokens, self._upscaled(cells)

    def _upscaled(self, cells: Tensor) -> Tensor:
        """Cells (B, g², dim) → four parts of four parts each (B, g², 4, 4, dim / 8).

        `output_upscaling` with the channels last throughout. Its convolutions step as wide as they reach, so each is
        a linear map of one cell, and where the parts lie in the image matters only once masks are drawn.
        """
        widen, norm, _, finer, _ = self.output_upscaling
        halves = functional.gelu(cast("LayerNorm2d", norm).over_last(_parts(cast("nn.ConvTranspose2d", widen), cells)))
        return functional.gelu(_parts(cast("nn.ConvTranspose2d", finer), halves))

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

    of_head: Tensor

    def __init__(self, dim: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        own = torch.eye(heads).repeat_interleave(width // heads, dim=1)
        self.register_buffer("of_head", own[:, None], persistent=False)
        self.q_proj = nn.Linear(dim, width)
        self.k_proj = nn.Linear(dim, width)
        self.v_proj = nn.Linear(dim, width)
        self.out_proj = nn.Linear(width, dim)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        count, kept = query.shape[1], key.shape[1]
        width = self.of_head.shape[-1]
        if self.heads * kept < min(width, count):
            return self._to_few(query, key, value)
        if self.heads * count < min(width, kept):
            return self._from_few(query, key, value)
        attended = functional.scaled_dot_product_attention(
            self._split(self.q_proj(query)), self._split(self.k_proj(key)), self._split(self.v_proj(value))
        )
        return self.out_proj(attended.transpose(1, 2).flatten(2))

    # Between a handful of tokens and hundreds of cells, projecting the cells is nearly all the work. But
    # (cell W_q) · k = cell · (W_q k): to project the tokens' keys with the cells' matrix, and so on, is the same
    # product in another order.

    def _to_few(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Many cells look at few tokens."""
        keys = self._apart(self.k_proj(key)) * self.scale
        scores = torch.baddbmm(
            keys @ self.q_proj.bias[:, None], keys @ self.q_proj.weight, query.transpose(1, 2)
        )  # (B, heads · m, n): so that softmax runs along whole rows.
        shares = scores.unflatten(1, (self.heads, -1)).softmax(dim=2).flatten(1, 2)
        shown = functional.linear(self._apart(self.v_proj(value)), self.out_proj.weight)
        return torch.baddbmm(self.out_proj.bias, shares.transpose(1, 2), shown)

    def _from_few(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Few tokens look at many cells. The keys' bias shifts all scores of a query alike: softmax takes it out."""
        looks = (self._apart(self.q_proj(query)) * self.scale) @ self.k_proj.weight
        seen = self.v_proj((looks @ key.transpose(1, 2)).softmax(dim=-1) @ value)
        return self.out_proj((seen.unflatten(1, (self.heads, -1)) * self.of_head).sum(dim=1))

    def _apart(self, tokens: Tensor) -> Tensor:
        """(B, n, width) → (B, heads · n, width): once for every head, zero but for what is its own."""
        return (tokens.unsqueeze(1) * self.of_head).flatten(1, 2)

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


def _parts(halve: nn.ConvTranspose2d, cells: Tensor) -> Tensor:
    """What a 2 × 2 transposed convolution of stride 2 makes of cells (…, C): (…, 4, C'), parts row by row."""
    # Weights are (C, C', 2, 2).
    weight, bias = halve.weight.permute(2, 3, 1, 0).flatten(0, 2), cast("Tensor", halve.bias).repeat(4)
    return functional.linear(cells, weight, bias).unflatten(-1, (4, -1))


def _unnested(parts: Tensor, grid: int) -> Tensor:
    """Parts of parts of cells (B, C, g², 4, 4) → a map (B, C, 4g, 4g)."""
    placed = parts.reshape(*parts.shape[:2], grid, grid, 2, 2, 2, 2)
    return placed.permute(0, 1, 2, 4, 6, 3, 5, 7).reshape(*parts.shape[:2], 4 * grid, 4 * grid)


def _cells(maps: Tensor) -> Tensor:
    """(B, C, g, g) → (B, g², C), row by row."""
    return maps.flatten(2).transpose(1, 2).contiguous()
