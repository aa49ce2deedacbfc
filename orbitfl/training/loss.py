"""Losses on mask logits."""

import torch
from torch import Tensor
from torch.nn import functional

from orbitfl.data.tiles import IGNORE


def bce_dice(logits: Tensor, truth: Tensor) -> Tensor:
    """Mean over the batch of binary cross-entropy plus soft Dice; a scalar.

    logits: (B, 1, H, W). truth: (B, 1, H, W) with 0 land, 1 water, 255 ignored: those pixels give no gradient.
    """
    marks = truth.to(logits.dtype)  # Floats are compared several times faster than bytes.
    valid = (marks != IGNORE).to(logits.dtype)
    return mask_losses(logits, (marks == 1).to(logits.dtype), valid).mean()


def mask_losses(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy plus soft Dice of every mask, (B, M).

    logits: (B, M, H, W). target: (B, 1, H, W) in 0 … 1. valid: (B, 1, H, W), 0 where a pixel is ignored, else 1.
    Dice: Milletari et al. 2016 (V-Net, arXiv 1606.04797), smoothed by one pixel so that an empty mask counts.
    """
    target = target.expand_as(logits) * valid
    pixel = functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * valid
    bce = pixel.sum(dim=(2, 3)) / valid.sum(dim=(2, 3)).clamp(min=1)
    probability = torch.sigmoid(logits) * valid
    overlap = (probability * target).sum(dim=(2, 3))
    size = (probability + target).sum(dim=(2, 3))
    return bce + 1 - (2 * overlap + 1) / (size + 1)
