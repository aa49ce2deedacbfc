"""MobileSAM: TinyViT encoder, prompt encoder and mask decoder of Segment Anything in one network.

Zhang et al., "Faster Segment Anything: Towards Lightweight SAM for Mobile Applications", arXiv:2306.14289.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from orbitfl.errors import OrbitflError
from orbitfl.models.mask_decoder import MULTI_MASK, SINGLE_MASK, MaskDecoder
from orbitfl.models.prompt_encoder import BACKGROUND, BOX_END, BOX_START, FOREGROUND, NO_POINT, PromptEncoder
from orbitfl.models.tiny_vit import STRIDE, TinyViT


@dataclass(frozen=True, slots=True)
class Variant:
    """Sizes of a network. The image's size is none of them: no parameter depends on it."""

    name: str
    dims: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    windows: tuple[int, int, int]
    embedding_dim: int
    decoder_heads: int
    decoder_mlp_dim: int
    imagenet_classes: int


MOBILE_SAM = Variant(
    name="mobile_sam",
    dims=(64, 128, 160, 320),
    depths=(2, 2, 6, 2),
    windows=(7, 14, 7),
    embedding_dim=256,
    decoder_heads=8,
    decoder_mlp_dim=2048,
    imagenet_classes=1000,
)

# For satellites and laptops at 256 px, where the attention grids are 32, 16 and 16. Windows of 8 and 16 tile
# them, so that nothing is spent on padding (14 would pad a grid of 16 to 28: three cells of work for one),
# and the 16 of the third stage sees the whole tile at once. The same windows tile 512 and 1024 px.
MOBILE_SAM_NANO = Variant(
    name="mobile_sam_nano",
    dims=(32, 64, 96, 160),
    depths=(1, 1, 2, 1),
    windows=(8, 16, 8),
    embedding_dim=128,
    decoder_heads=4,
    decoder_mlp_dim=512,
    imagenet_classes=0,
)

VARIANTS = {variant.name: variant for variant in (MOBILE_SAM, MOBILE_SAM_NANO)}


def build(variant: str, image_size: int = 1024) -> "MobileSam":
    """Return the named network with fresh weights, in eval mode, for images of `image_size` pixels a side.

    Fresh weights come from torch's global generator. Raises OrbitflError on an unknown name or size.
    """
    return MobileSam(named(variant), image_size).eval()


def named(variant: str) -> Variant:
    if variant not in VARIANTS:
        raise OrbitflError(f"There is no model {variant!r}; choose one of {', '.join(VARIANTS)}.")
    return VARIANTS[variant]


class MobileSam(nn.Module):
    """Encode images once, then decode any number of prompts from the embeddings.

    Keep a frozen encoder in eval mode: in train mode its BatchNorm statistics follow every batch.
    """

    def __init__(self, variant: Variant, image_size: int) -> None:
        super().__init__()
        if image_size < 2 * STRIDE or image_size % (2 * STRIDE):
            raise OrbitflError(
                f"Images of {image_size} px were wanted; choose a multiple of 32, such as 256, 512 or 1024."
            )
        self.variant, self.image_size = variant, image_size
        dim = variant.embedding_dim
        self.image_encoder = TinyViT(variant.dims, variant.depths, variant.windows, dim, variant.imagenet_classes)
        self.prompt_encoder = PromptEncoder(dim, image_size, image_size // STRIDE)
        self.mask_decoder = MaskDecoder(dim, variant.decoder_heads, variant.decoder_mlp_dim)

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, S, S), normalised (see `preprocess`) → embeddings (B, dim, S/16, S/16)."""
        _expect("images", images, (None, 3, self.image_size, self.image_size))
        return self.image_encoder(images)

    def decode(
        self,
        embeddings: Tensor,
        points: Tensor | None = None,
        labels: Tensor | None = None,
        boxes: Tensor | None = None,
        masks: Tensor | None = None,
        multimask: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Return logits (B, M, S/4, S/4), above zero inside the object, and their expected IoU (B, M).

        `embeddings` (B, dim, S/16, S/16) from `encode`; `points` (B, N, 2) as x, y in pixels of the S frame
        with `labels` (B, N): 1 object, 0 not the object, -1 padding; `boxes` (B, 4) as x0, y0, x1, y1 in the
        same pixels; `masks` (B, 1, S/4, S/4) the logits of an earlier answer. Without any of them the image
        alone decides. M is 1, or 3 with `multimask`: candidates for a prompt that may mean several objects.
        Raises OrbitflError when a shape or a label does not fit.
        """
        grid = self.image_size // STRIDE
        _expect("embeddings", embeddings, (None, self.variant.embedding_dim, grid, grid))
        prompts = self._sparse(embeddings, points, labels, boxes)
        dense = self._dense(embeddings, masks)
        outputs = MULTI_MASK if multimask else SINGLE_MASK
        return self.mask_decoder(embeddings + dense, self.prompt_encoder.image_position(), prompts, outputs)

    def _sparse(self, embeddings: Tensor, points: Tensor | None, labels: Tensor | None, boxes: Tensor | None) -> Tensor:
        """Tokens (B, n, dim): learned ones if there are any, points, then a padding point or the box's corners."""
        batch = len(embeddings)
        if (points is None) != (labels is None):
            raise OrbitflError("Points and labels belong together; give both or neither.")
        pieces: list[tuple[Tensor, Tensor]] = []
        if points is not None and labels is not None:
            _check_points(points, labels, batch)
            pieces.append((points, labels.long()))
        if boxes is not None:
            _expect("boxes", boxes, (batch, 4))
            pieces.append(_as_points(boxes))
        elif points is not None:
            pieces.append(_padding(points))
        learned = self.prompt_encoder.learned(batch)
        if not pieces:
            return learned
        places, kinds = zip(*pieces, strict=True)
        asked = self.prompt_encoder.sparse(torch.cat(places, dim=1), torch.cat(kinds, dim=1))
        return torch.cat([learned, asked], dim=1)

    def _dense(self, embeddings: Tensor, masks: Tensor | None) -> Tensor:
        """Map that joins (B, dim, g, g) by addition."""
        if masks is None:
            return self.prompt_encoder.no_mask()
        quarter = self.image_size // 4
        _expect("masks", masks, (len(embeddings), 1, quarter, quarter))
        return self.prompt_encoder.dense(masks)


def _check_points(points: Tensor, labels: Tensor, batch: int) -> None:
    _expect("points", points, (batch, None, 2))
    _expect("labels", labels, tuple(points.shape[:2]))
    known = (labels == NO_POINT) | (labels == BACKGROUND) | (labels == FOREGROUND)
    if not bool(known.all()):
        raise OrbitflError(f"Labels of points are 1 (object), 0 (not) or -1 (padding); given {labels.tolist()}.")


def _as_points(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The corners (B, 2, 2) of boxes (B, 4) and their labels (B, 2)."""
    labels = torch.tensor([BOX_START, BOX_END], device=boxes.device)
    return boxes.unflatten(1, (2, 2)), labels.expand(len(boxes), -1)


def _padding(points: Tensor) -> tuple[Tensor, Tensor]:
    """The one point that the official network adds when points come without a box."""
    shape = (len(points), 1)
    return points.new_zeros(*shape, 2), torch.full(shape, NO_POINT, device=points.device)


def _expect(name: str, given: Tensor, shape: tuple[int | None, ...]) -> None:
    fits = given.dim() == len(shape) and all(
        wanted is None or side == wanted for side, wanted in zip(given.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if side is None else str(side) for side in shape)
        raise OrbitflError(f"{name} of shape {tuple(given.shape)} were given; expected ({wanted}).")
