"""TinyViT, the image encoder of MobileSAM.

Wu et al., "TinyViT: Fast Pretraining Distillation for Small Vision Transformers", ECCV 2022, section 3.3;
Zhang et al., "Faster Segment Anything", arXiv:2306.14289, for the neck and the last stage at stride 16.
Every module name is the official one, so that official state dicts load; maps are (B, C, H, W) throughout.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from orbitfl.models.layers import ConvNorm, LayerNorm2d

STRIDE = 16
"""Pixels of the image per cell of the embedding."""

HEAD_DIM = 32
EXPANSION = 4


class TinyViT(nn.Module):
    """Image (B, 3, S, S), normalised → embedding (B, embedding_dim, S/16, S/16).

    `dims` and `depths` describe the four stages (one of convolutions, three of window attention), `windows`
    the last three. `classes` above zero adds the ImageNet head, which segmentation never calls but the
    official weight file holds.
    """

    def __init__(
        self,
        dims: tuple[int, int, int, int],
        depths: tuple[int, int, int, int],
        windows: tuple[int, int, int],
        embedding_dim: int,
        classes: int,
    ) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(dims[0])
        self.layers = nn.ModuleList(
            (
                Stage((MBConv(dims[0]) for _ in range(depths[0])), Downsample(dims[0], dims[1], stride=2)),
                attention_stage(dims[1], depths[1], windows[0], Downsample(dims[1], dims[2], stride=2)),
                attention_stage(dims[2], depths[2], windows[1], Downsample(dims[2], dims[3], stride=1)),
                attention_stage(dims[3], depths[3], windows[2], nn.Identity()),
            )
        )
        if classes:
            self.norm_head = nn.LayerNorm(dims[3])
            self.head = nn.Linear(dims[3], classes)
        self.neck = nn.Sequential(
            nn.Conv2d(dims[3], embedding_dim, 1, bias=False),
            LayerNorm2d(embedding_dim),
            nn.Conv2d(embedding_dim, embedding_dim, 3, padding=1, bias=False),
            LayerNorm2d(embedding_dim),
        )
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        # Channels last: convolutions and attention then share one layout, which spares copies.
        maps = self.patch_embed(images.contiguous(memory_format=torch.channels_last))
        for stage in self.layers:
            maps = stage(maps)
        return self.neck(maps)


class PatchEmbedding(nn.Module):
    """Image → map at a quarter of its sides."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(
            ConvNorm(3, dim // 2, kernel=3, stride=2), nn.GELU(), ConvNorm(dim // 2, dim, kernel=3, stride=2)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.seq(images)


class Stage(nn.Module):
    """Blocks on one grid, then the way to the next."""

    def __init__(self, blocks: Iterable[nn.Module], downsample: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.downsample = downsample

    def forward(self, maps: Tensor) -> Tensor:
        return self.downsample(self.blocks(maps))


def attention_stage(dim: int, depth: int, window: int, downsample: nn.Module) -> Stage:
    return Stage((AttentionBlock(dim, window) for _ in range(depth)), downsample)


class Downsample(nn.Module):
    """To `outputs` channels, and to half the sides when the stride is 2."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs)
        self.conv2 = ConvNorm(outputs, outputs, kernel=3, stride=stride, groups=outputs)
        self.conv3 = ConvNorm(outputs, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        return self.conv3(functional.gelu(self.conv2(functional.gelu(self.conv1(maps)))))


class MBConv(nn.Module):
    """Inverted residual: widen, convolve each channel, narrow, add."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        hidden = EXPANSION * dim
        self.conv1 = ConvNorm(dim, hidden)
        self.conv2 = ConvNorm(hidden, hidden, kernel=3, groups=hidden)
        self.conv3 = ConvNorm(hidden, dim)
        nn.init.zeros_(self.conv3.bn.weight)

    def forward(self, maps: Tensor) -> Tensor:
        return functional.gelu(maps + self.conv3(functional.gelu(self.conv2(functional.gelu(self.conv1(maps))))))


class AttentionBlock(nn.Module):
    """Attention inside windows, a convolution that lets neighbouring windows talk, and an MLP per cell."""

    def __init__(self, dim: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.attn = WindowAttention(dim, window)
        self.mlp = GeluMlp(dim)
        self.local_conv = ConvNorm(dim, dim, kernel=3, groups=dim)

    def forward(self, maps: Tensor) -> Tensor:
        cells = maps.permute(0, 2, 3, 1)
        cells = cells + self._attend(cells)
        cells = self.local_conv(cells.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return (cells + self.mlp(cells)).permute(0, 3, 1, 2)

    def _attend(self, cells: Tensor) -> Tensor:
        height, width = cells.shape[1:3]
        # Official weights expect zero cells right and below, normalised and attended to like all others.
        padded = functional.pad(cells, (0, 0, 0, -width % self.window, 0, -height % self.window))
        attended = self.attn(_to_windows(padded, self.window))
        return _from_windows(attended, self.window, *padded.shape[1:3])[:, :height, :width]


class WindowAttention(nn.Module):
    """Multi-head attention (n, window², dim) → same, with a learned bias per head and distance.

    The bias is looked up from its parameter in every forward: a copy kept at `eval()` would outlive a load.
    """

    bias_index: Tensor

    def __init__(self, dim: int, window: int) -> None:
        super().__init__()
        self.heads = dim // HEAD_DIM
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.attention_biases = nn.Parameter(torch.zeros(self.heads, window**2))
        self.register_buffer("bias_index", _distance_index(window), persistent=False)

    def forward(self, windows: Tensor) -> Tensor:
        grouped = self.qkv(self.norm(windows)).unflatten(-1, (self.heads, 3 * HEAD_DIM))
        query, key, value = grouped.transpose(1, 2).split(HEAD_DIM, dim=-1)
        bias = self.attention_biases[:, self.bias_index]
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias[None])
        return self.proj(attended.transpose(1, 2).flatten(2))


class GeluMlp(nn.Module):
    """LayerNorm, then widen, GELU, narrow on the last axis."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, EXPANSION * dim)
        self.fc2 = nn.Linear(EXPANSION * dim, dim)

    def forward(self, cells: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(self.norm(cells))))


def _to_windows(cells: Tensor, window: int) -> Tensor:
    """(B, H, W, C) → (B · windows, window², C), row by row."""
    rows = cells.unflatten(1, (-1, window)).unflatten(3, (-1, window))
    return rows.transpose(2, 3).flatten(0, 2).flatten(1, 2)


def _from_windows(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    """The way back from `_to_windows`: (B · windows, window², C) → (B, H, W, C)."""
    rows = windows.unflatten(0, (-1, height // window, width // window)).unflatten(3, (window, window))
    return rows.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def _distance_index(window: int) -> Tensor:
    """(window², window²): |Δrow| · window + |Δcolumn| of each pair of cells."""
    row, column = torch.arange(window**2) // window, torch.arange(window**2) % window
    return (row[:, None] - row).abs() * window + (column[:, None] - column).abs()


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
