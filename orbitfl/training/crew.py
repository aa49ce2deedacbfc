"""Many satellites' sessions and exams at once: a thread for each core, and the same bits for any number of them.

A worker has a network of its own and one thread, and what it does depends on nothing but the job.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import OrbitflError
from orbitfl.training.flat import Vector
from orbitfl.training.learner import SCORE_BATCH, DecoderLearner, Lessons, Progress
from orbitfl.training.scores import Confusion
from orbitfl.training.threads import Answer, Task, dealt_out

EXAM_TILES = 8 * SCORE_BATCH
"""An exam is cut into parts of so many tiles, so that no worker waits for the last model's."""


@dataclass(frozen=True)
class Job:
    """A session to come: what `DecoderLearner.train` takes."""

    progress: Progress
    lessons: Lessons
    own: NDArray[np.intp]
    steps: int
    seed: tuple[int, ...]
    elapsed: float = 0.0


class Crew:
    """Workers with a learner each: copies of `learner` that share its encoder. Call it from one thread only."""

    def __init__(self, learner: DecoderLearner, workers: int) -> None:
        """Raises OrbitflError when there is not one worker."""
        if workers < 1:
            raise OrbitflError(f"{workers} workers were wanted; a crew has at least 1.")
        self.workers = workers
        self._idle: SimpleQueue[DecoderLearner] = SimpleQueue()
        for _ in range(workers):
            self._idle.put(_twin(learner))

    def train_all(self, jobs: Sequence[Job]) -> list[tuple[Progress, float]]:
        """What `DecoderLearner.train` makes of each job on one thread."""
        return self._share_out(_train, jobs)

    def score_all(self, weights: Sequence[Vector], lessons: Lessons) -> list[Confusion]:
        """What `DecoderLearner.score` makes of each vector of weights on one thread."""
        parts = range(0, len(lessons), EXAM_TILES)
        exams = [(each, lessons[first : first + EXAM_TILES]) for each in weights for first in parts]
        counts = iter(self._share_out(_score, exams))
        return [sum((next(counts) for _ in parts), Confusion()) for _ in weights]

    def _share_out(self, work: Callable[[DecoderLearner, Task], Answer], tasks: Sequence[Task]) -> list[Answer]:
        def done(task: Task) -> Answer:
            learner = self._idle.get()
            try:
                return work(learner, task)
            finally:
                self._idle.put(learner)

        return list(dealt_out(done, tasks, self.workers))


def _train(learner: DecoderLearner, job: Job) -> tuple[Progress, float]:
    return learner.train(job.progress, job.lessons, job.own, job.steps, job.seed, job.elapsed)


def _score(learner: DecoderLearner, exam: tuple[Vector, Lessons]) -> Confusion:
    return learner.score(*exam)


def _twin(learner: DecoderLearner) -> DecoderLearner:
    """A learner with parameters of its own; the encoder, which never changes, is the same."""
    encoder = learner.model.image_encoder
    model = copy.deepcopy(learner.model, {id(encoder): encoder})
    return DecoderLearner(model, tuple(name for name, _ in learner.shapes), learner.options)
