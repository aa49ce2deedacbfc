"""Which parameters learn onboard, and so travel between satellites."""

from torch import nn

from orbitfl.errors import OrbitflError
from orbitfl.models import lora
from orbitfl.models.mobile_sam import MobileSam

TRAINABLE = {
    "mask_decoder": ("mask_decoder.",),
    "mask_decoder_lite": ("mask_decoder.output_upscaling.",),
    "lora": ("mask_decoder.",),
    "prompt_tokens": ("prompt_encoder.learned_tokens",),
}
"""Each set by the beginnings of its parameters' names."""

_UNREACHED_PARTS = (
    "mask_decoder.output_hypernetworks_mlps.1.",
    "mask_decoder.output_hypernetworks_mlps.2.",
    "mask_decoder.output_hypernetworks_mlps.3.",
    "mask_decoder.iou_prediction_head.",
)
# A key's bias shifts all scores of a query alike, and softmax takes that out again: its gradient is rounding
# noise, which Adam would blow up to full steps.
_WITHOUT_EFFECT = ".k_proj.bias"


def equip(model: MobileSam, trainable: str, lora_rank: int = 4, prompt_tokens: int = 16) -> tuple[str, ...]:
    """Give the network what the set adds to it, and name what learns. Raises OrbitflError on an unknown set.

    lora: low-rank changes that do nothing yet. prompt_tokens: tokens from a fixed seed beside every prompt, unless the
    checkpoint brought its own.
    """
    if trainable == "lora":
        lora.install(model.mask_decoder, lora_rank)
    elif trainable == "prompt_tokens" and model.prompt_encoder.learned_tokens is None:
        model.prompt_encoder.add_tokens(prompt_tokens)
    return trained_keys(model, trainable)


def trained_keys(model: nn.Module, trainable: str = "mask_decoder") -> tuple[str, ...]:
    """Names, in the model's order, of the parameters that single-mask training without IoU loss changes.

    The encoder is frozen, and so are prompts for points and boxes; ImageNet's `norm_head` and `head` are never called
    at all. Raises OrbitflError on an unknown set.
    """
    if trainable not in TRAINABLE:
        raise OrbitflError(f"There is no trainable set {trainable!r}; choose one of {', '.join(TRAINABLE)}.")
    return tuple(name for name, _ in model.named_parameters() if _learns(name, trainable))


def _learns(name: str, trainable: str) -> bool:
    if not name.startswith(TRAINABLE[trainable]):
        return False
    if trainable == "lora":
        return name.endswith(".change")
    return not name.startswith(_UNREACHED_PARTS) and not name.endswith(_WITHOUT_EFFECT)
