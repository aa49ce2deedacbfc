"""Gradient steps on the mask decoder from kept embeddings, and scores of any decoder weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orbitfl.models.mobile_sam import MobileSam
from orbitfl.models.preprocess import restore, scale_points
from orbitfl.training.loss import bce_dice
from orbitfl.training.options import Training
from orbitfl.training.prompts import Prompts
from orbitfl.training.scores import Confusion, confusion

SCORE_BATCH = 32
FloatArrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Lessons:
    """Tiles as the decoder meets them.

    embeddings: (n, dim, S/16, S/16) float32, often a memory map. masks: (n, H, W) uint8, 0 land, 1 water, 255 ignored.
    prompts: in pixels of the tile.
    """

    embeddings: NDArray[np.float32]
    masks: NDArray[np.uint8]
    prompts: Prompts

    def __len__(self) -> int:
        return len(self.masks)


@dataclass(frozen=True)
class Progress:
    """What one satellite has learnt: decoder weights, AdamW's moments, and how many tiles it has drawn."""

    weights: FloatArrays
    optimizer: dict[str, Any] | None = None
    drawn: int = 0


class DecoderLearner:
    """Trains and scores decoder weights in one network, whose encoder and prompt encoder stay as they are."""

    def __init__(self, model: MobileSam, trainable: tuple[str, ...], options: Training) -> None:
        """`trainable` names the parameters that learn and travel; all others are frozen in place."""
        self.model, self.options = model.eval(), options
        self.parameters = {name: value for name, value in model.named_parameters() if name in trainable}
        model.requires_grad_(False)
        self.launch = self._read()

    def start(self) -> Progress:
        """The launch checkpoint, untouched: every satellite's first state."""
        return Progress(self.launch)

    def train(
        self, progress: Progress, lessons: Lessons, own: NDArray[np.intp], steps: int, seed: tuple[int, ...]
    ) -> tuple[Progress, float]:
        """Take `steps` batches from the tiles `own` of `lessons`; returns the new state and the mean loss.

        The order of tiles depends on `seed` and on how many were drawn before, so a session cut in two draws the same.
        """
        optimizer = self._resume(progress)
        losses = []
        for step in range(steps):
            first = progress.drawn + step * self.options.batch_size
            batch = own[draw(len(own), first, self.options.batch_size, seed)]
            optimizer.zero_grad(set_to_none=True)
            loss = bce_dice(self._logits(lessons, batch), _truth(lessons, batch))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        self._require_grad(False)
        drawn = progress.drawn + steps * self.options.batch_size
        return Progress(self._read(), optimizer.state_dict(), drawn), float(np.mean(losses))

    def score(self, weights: FloatArrays, lessons: Lessons) -> Confusion:
        """Every valid pixel of `lessons` counted once, water where the logit is above zero."""
        counts = Confusion()
        for batch, water in self._predicted(weights, lessons):
            counts += confusion(water, lessons.masks[batch])
        return counts

    def water(self, weights: FloatArrays, lessons: Lessons) -> NDArray[np.bool_]:
        """Where the logit is above zero, (n, H, W)."""
        return np.concatenate([water for _, water in self._predicted(weights, lessons)])

    def with_weights(self, weights: FloatArrays) -> MobileSam:
        """The network, holding these decoder weights until the next call."""
        self._load(weights)
        return self.model

    def _predicted(
        self, weights: FloatArrays, lessons: Lessons
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
        """Batches of tiles by their numbers, and their water (B, H, W)."""
        self._load(weights)
        for first in range(0, len(lessons), SCORE_BATCH):
            batch = np.arange(first, min(first + SCORE_BATCH, len(lessons)))
            with torch.inference_mode():
                yield batch, self._logits(lessons, batch)[:, 0].numpy() > 0

    def _resume(self, progress: Progress) -> torch.optim.AdamW:
        self._load(progress.weights)
        self._require_grad(True)
        optimizer = torch.optim.AdamW(
            self.parameters.values(), lr=self.options.learning_rate, weight_decay=self.options.weight_decay
        )
        if progress.optimizer is not None:
            optimizer.load_state_dict(progress.optimizer)
        return optimizer

    def _read(self) -> FloatArrays:
        return {name: value.detach().numpy().copy() for name, value in self.parameters.items()}

    def _require_grad(self, wanted: bool) -> None:
        for value in self.parameters.values():
            value.requires_grad_(wanted)

    def _load(self, weights: FloatArrays) -> None:
        with torch.no_grad():
            for name, value in self.parameters.items():
                value.copy_(torch.from_numpy(weights[name]))

    def _logits(self, lessons: Lessons, batch: NDArray[np.intp]) -> Tensor:
        """(B, 1, H, W) at the tiles' own resolution."""
        height_px, width_px = lessons.masks.shape[1:]
        points, labels, boxes = self._told(lessons, batch)
        logits, _ = self.model.decode(torch.from_numpy(lessons.embeddings[batch]), points, labels, boxes)
        return restore(logits, height_px, width_px)

    def _told(self, lessons: Lessons, batch: NDArray[np.intp]) -> tuple[Tensor | None, ...]:
        """Points, labels and boxes of a batch, in pixels of the network's frame."""
        height_px, width_px = lessons.masks.shape[1:]

        def framed(places: NDArray[np.float32]) -> Tensor:
            pairs = torch.from_numpy(places[batch]).unflatten(-1, (-1, 2))
            return scale_points(pairs, height_px, width_px, self.model.image_size)

        told = lessons.prompts
        return (
            None if told.points is None else framed(told.points).squeeze(2),
            None if told.labels is None else torch.from_numpy(told.labels[batch]),
            None if told.boxes is None else framed(told.boxes).flatten(1),
        )


def draw(n: int, drawn: int, size: int, seed: tuple[int, ...]) -> NDArray[np.intp]:
    """Positions `drawn` … `drawn + size` of an endless sequence of shuffled passes over n tiles."""
    places = np.arange(drawn, drawn + size)
    orders = {epoch: np.random.default_rng([*seed, int(epoch)]).permutation(n) for epoch in np.unique(places // n)}
    return np.array([orders[place // n][place % n] for place in places], dtype=np.intp)


def _truth(lessons: Lessons, batch: NDArray[np.intp]) -> Tensor:
    return torch.from_numpy(lessons.masks[batch])[:, None]
