"""Gradient steps on the mask decoder from kept embeddings, and scores of any decoder weights."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orbitfl.errors import DivergedError
from orbitfl.models.mobile_sam import MobileSam
from orbitfl.models.preprocess import restore, scale_points
from orbitfl.training.flat import Descent, FlatParameters, Moments, Vector
from orbitfl.training.loss import bce_dice
from orbitfl.training.options import Training
from orbitfl.training.prompts import Prompts
from orbitfl.training.scores import Confusion, confusion

SCORE_BATCH = 8
"""Fastest on one thread: larger batches leave the cache. Fixed, since rounding depends on it."""


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

    def __getitem__(self, part: slice) -> "Lessons":
        return Lessons(self.embeddings[part], self.masks[part], self.prompts[part])


@dataclass(frozen=True)
class Progress:
    """What one satellite has learnt: the trained parameters (n,) in the order of `DecoderLearner.shapes`, AdamW's
    moments once it has stepped, and how many tiles it has drawn."""

    weights: Vector
    moments: Moments | None = None
    drawn: int = 0


class DecoderLearner:
    """Trains and scores decoder weights in one network, whose encoder and prompt encoder stay as they are."""

    def __init__(self, model: MobileSam, trainable: tuple[str, ...], options: Training) -> None:
        """`trainable` names the parameters that learn and travel; all others are frozen in place."""
        self.model, self.options = model.eval(), options
        model.requires_grad_(False)
        self._flat = FlatParameters({name: value for name, value in model.named_parameters() if name in trainable})
        self.launch = self._flat.read()

    @property
    def shapes(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Names and shapes of what learns, in the order in which they stand in a vector of weights."""
        return self._flat.shapes

    def named(self, weights: Vector) -> dict[str, NDArray[np.float32]]:
        """What learns by name, as views of `weights`."""
        return self._flat.named(weights)

    def start(self) -> Progress:
        """The launch checkpoint, untouched: every satellite's first state."""
        return Progress(self.launch)

    def train(
        self,
        progress: Progress,
        lessons: Lessons,
        own: NDArray[np.intp],
        steps: int,
        seed: tuple[int, ...],
        elapsed: float = 0.0,
    ) -> tuple[Progress, float]:
        """Take `steps` batches from the tiles `own` of `lessons`; returns the new state and the mean loss.

        elapsed: the part of the mission that has passed, which the schedule goes by. The order of tiles depends on
        `seed` and on how many were drawn before, so a session cut in two draws the same.
        Raises DivergedError where learning ends in weights that are not numbers.
        """
        self._flat.write(progress.weights)
        options = self.options
        learning_rate = options.learning_rate * options.schedule.factor(elapsed)
        descent = Descent(self._flat, learning_rate, options.weight_decay, progress.moments)
        losses = []
        for step in range(steps):
            first = progress.drawn + step * self.options.batch_size
            batch = own[draw(len(own), first, self.options.batch_size, seed)]
            self._flat.slopes.zero_()
            loss = bce_dice(self._logits(lessons, batch), _truth(lessons, batch))
            loss.backward()
            descent.step()
            losses.append(loss.item())
        drawn, weights = progress.drawn + steps * self.options.batch_size, self._flat.read()
        if not np.isfinite(weights).all():
            raise DivergedError(f"learning_rate {self.options.learning_rate:g} is too large here; take a smaller one")
        return Progress(weights, descent.moments(), drawn), float(np.mean(losses))

    def score(self, weights: Vector, lessons: Lessons) -> Confusion:
        """Every valid pixel of `lessons` counted once, water where the logit is above zero. Raises DivergedError."""
        counts = Confusion()
        for batch, water in self._predicted(weights, lessons):
            counts += confusion(water, lessons.masks[batch])
        return counts

    def water(self, weights: Vector, lessons: Lessons) -> NDArray[np.bool_]:
        """Where the logit is above zero, (n, H, W). Raises DivergedError."""
        return np.concatenate([water for _, water in self._predicted(weights, lessons)])

    def with_weights(self, weights: Vector) -> MobileSam:
        """The network, holding these weights until the next call."""
        self._flat.write(weights)
        return self.model

    def _predicted(self, weights: Vector, lessons: Lessons) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
        """Batches of tiles by their numbers, and their water (B, H, W)."""
        self._flat.write(weights)
        for first in range(0, len(lessons), SCORE_BATCH):
            batch = np.arange(first, min(first + SCORE_BATCH, len(lessons)))
            with torch.inference_mode():
                yield batch, water_of(self._logits(lessons, batch))

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


def water_of(logits: Tensor) -> NDArray[np.bool_]:
    """Where logits (B, 1, H, W) are above zero, (B, H, W). Raises DivergedError for NaN, which would count as land."""
    if torch.isnan(logits).any():
        raise DivergedError("a model of them answers with NaN, which is neither water nor land")
    return logits[:, 0].numpy() > 0


def draw(n: int, drawn: int, size: int, seed: tuple[int, ...]) -> NDArray[np.intp]:
    """Positions `drawn` … `drawn + size` of an endless sequence of shuffled passes over n tiles."""
    places = np.arange(drawn, drawn + size)
    orders = {epoch: np.random.default_rng([*seed, int(epoch)]).permutation(n) for epoch in np.unique(places // n)}
    return np.array([orders[place // n][place % n] for place in places], dtype=np.intp)


def _truth(lessons: Lessons, batch: NDArray[np.intp]) -> Tensor:
    return torch.from_numpy(lessons.masks[batch])[:, None]
