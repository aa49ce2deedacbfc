"""Which parameters learn onboard, and so travel between satellites."""

from torch import nn

from orbitfl.errors import OrbitflError

TRAINABLE = {
    "mask_decoder": ("mask_decoder.",),
}

_UNREACHED_PARTS = (
    "mask_decoder.output_hypernetworks_mlps.1.",
    "mask_decoder.output_hypernetworks_mlps.2.",
    "mask_decoder.output_hypernetworks_mlps.3.",
    "mask_decoder.iou_prediction_head.",
)
# A key's bias shifts all scores of a query alike, and softmax takes that out again: its gradient is rounding
# noise, which Adam would blow up to full steps.
_WITHOUT_EFFECT = ".k_proj.bias"


def trained_keys(model: nn.Module, trainable: str = "mask_decoder") -> tuple[str, ...]:
    """Names, in the model's order, of the parameters that single-mask training without IoU loss changes.

    The encoder and the prompt encoder are frozen; ImageNet's `norm_head` and `head` are never called at all.
    Raises OrbitflError on an unknown set.
    """
    if trainable not in TRAINABLE:
        raise OrbitflError(f"There is no trainable set {trainable!r}; choose one of {', '.join(TRAINABLE)}.")
    return tuple(
        name
        for name, _ in model.named_parameters()
        if name.startswith(TRAINABLE[trainable])
        and not name.startswith(_UNREACHED_PARTS)
        and not name.endswith(_WITHOUT_EFFECT)
    )
