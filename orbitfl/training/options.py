"""What a scenario may say about the model and its training. Imports no torch."""

from dataclasses import dataclass, field
from typing import Literal

from orbitfl.errors import ScenarioError
from orbitfl.training.schedules import Constant, Schedule

LARGEST_IMAGE_PX, LARGEST_BATCH, MOST_STEPS = 4096, 4096, 1_000_000
"""Beyond what any board or ground station has the memory for, or the time."""
LARGEST_RATE = 1.0e6
"""Beyond it AdamW's own arithmetic may overflow."""


@dataclass(frozen=True)
class MobileSam:
    """The network, and the part of it that learns.

    kind: the network: `mobile_sam` as published, or the small `mobile_sam_nano`.
    weights: what it is launched with: `official`, `nano-base` or the path of a file.
    trainable: what learns onboard, and travels: `mask_decoder`; `mask_decoder_lite`, its parts nearest to the mask;
    `lora`, low-rank changes to its attentions; `prompt_tokens`, tokens beside every prompt.
    lora_rank: the rank of the changes that `lora` learns. prompt_tokens: how many tokens `prompt_tokens` learns.
    image_px: what a tile is resized to.
    """

    kind: Literal["mobile_sam", "mobile_sam_nano"]
    weights: str
    trainable: Literal["mask_decoder", "mask_decoder_lite", "lora", "prompt_tokens"] = "mask_decoder"
    lora_rank: int = 4
    prompt_tokens: int = 16
    image_px: int = 256

    def __post_init__(self) -> None:
        if self.image_px < 64 or self.image_px % 32:
            raise ScenarioError(
                f"image_px is {self.image_px}; it must be a multiple of 32 from 64 on, such as 256, 512 or 1024."
            )
        if self.image_px > LARGEST_IMAGE_PX:
            raise ScenarioError(f"image_px is {self.image_px}; it must be {LARGEST_IMAGE_PX} at the most.")
        for name, most in (("lora_rank", 64), ("prompt_tokens", 256)):
            if not 1 <= getattr(self, name) <= most:
                raise ScenarioError(f"{name} is {getattr(self, name)}; choose a number from 1 to {most}.")


@dataclass(frozen=True)
class Training:
    """AdamW on the part of the model that learns, in sessions of some batches.

    optimizer: AdamW, the only one so far. learning_rate: AdamW's step size. schedule: what becomes of the step size in
    the course of the mission; a session has one step size, that of its beginning. weight_decay: the part of the weights
    that AdamW takes off at a step, over its step size. batch_size: how many tiles a batch has. loss: binary
    cross-entropy plus soft Dice, the only one so far. prompt: what the model is told besides the image. `points` and
    `box` come from the true mask: an oracle, as in the paper; an onboard satellite has `none`. session_steps: how many
    batches a session has. session_every_s: the least time from the beginning of a session to that of the same
    satellite's next. retry_s: how long a satellite stands by that may not begin what it wanted (the paper's 900 s).
    most_tiles: a satellite trains on at most so many of its tiles, drawn by lot, anew for every number: three are not
    some of six. Left out, on all.
    """

    optimizer: Literal["adamw"] = "adamw"
    learning_rate: float = 1.0e-4
    schedule: Schedule = field(default_factory=Constant)
    weight_decay: float = 0.01
    batch_size: int = 4
    loss: Literal["bce_dice"] = "bce_dice"
    prompt: Literal["none", "points", "box"] = "none"
    session_steps: int = 8
    session_every_s: float = 900.0
    retry_s: float = 900.0
    most_tiles: int | None = None

    def __post_init__(self) -> None:
        for name in ("learning_rate", "session_every_s", "retry_s"):
            if getattr(self, name) <= 0:
                raise ScenarioError(f"{name} is {getattr(self, name)}; it must be greater than 0.")
        for name, most in (("batch_size", LARGEST_BATCH), ("session_steps", MOST_STEPS)):
            if not 1 <= getattr(self, name) <= most:
                raise ScenarioError(f"{name} is {getattr(self, name)}; it must be greater than 0, {most} at the most.")
        if self.most_tiles is not None and self.most_tiles < 1:
            raise ScenarioError(f"most_tiles is {self.most_tiles}; it must be 1 or more, or left out.")
        for name in ("learning_rate", "weight_decay"):
            if not 0 <= getattr(self, name) <= LARGEST_RATE:
                raise ScenarioError(f"{name} is {getattr(self, name)}; it must be from 0 to {LARGEST_RATE:g}.")
