"""A timeline filled with numbers: sessions become gradient steps, exchanges merges, evaluations scores."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from orbitfl.data.partition import pooled
from orbitfl.data.product import packed
from orbitfl.experiment.classroom import TRAINING, Classroom
from orbitfl.experiment.response import WaterMap
from orbitfl.federation.compressors import Compressor
from orbitfl.federation.strategies import Strategy
from orbitfl.federation.weights import Weights, consensus_distance, difference, mean, total
from orbitfl.models import checkpoint
from orbitfl.simulation.timeline import Evaluation, Exchange, Happening, Inference, Session
from orbitfl.training.learner import Progress
from orbitfl.training.scores import Confusion, confusion

Record = tuple[float, str, str, float]
"""t_s, node, kind, value: a row of records.parquet."""

AVERAGE, CONSTELLATION = "average", "constellation"


@dataclass
class Replay:
    """The learning state of a constellation.

    With a strategy that pools data, satellites share one model and draw from all tiles; otherwise each has its own.
    maps: what inference has made of the observations, by their numbers.
    """

    classroom: Classroom
    strategy: Strategy
    compressor: Compressor
    names: tuple[str, ...]
    seed: int
    progress: list[Progress] = field(init=False)
    base: Weights = field(init=False)
    steps: list[int] = field(init=False)
    maps: dict[int, WaterMap] = field(init=False, default_factory=dict)
    _scores: dict[int, tuple[Progress, Confusion]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        start = self.classroom.learner.start()
        self.base = self.named(start)
        self.progress = [start] * len(self.names)
        self.steps = [0] * len(self.names)

    def update_byte(self) -> int:
        """The size of one update on the wire; it depends on shapes alone."""
        return len(self.compressor.encode(self.strategy.offer(difference(self.base, self.base))))

    def records(self, happenings: tuple[Happening, ...]) -> Iterator[Record]:
        """Carry out the happenings in order and yield what is worth recording."""
        for happening in happenings:
            match happening:
                case Session():
                    yield from self._train(happening)
                case Exchange(outcome="done"):
                    self._merge(happening)
                case Inference():
                    yield from self._map(happening)
                case Evaluation(at_s):
                    yield from self._evaluate(at_s)

    def average(self) -> Weights:
        return mean([self.named(progress) for progress in self.progress])

    def save_average(self, path: Path) -> None:
        """Write the network with the average decoder under the official keys, for any MobileSAM user to load."""
        checkpoint.save(self.classroom.learner.with_weights(_flat(self.average())), path)

    def _train(self, session: Session) -> Iterator[Record]:
        node, learner, lessons = session.node, self.classroom.learner, self.classroom.lessons
        pupil = 0 if self.strategy.pools_data else node
        held = self.classroom.holdings
        own = pooled(held, session.start_s) if self.strategy.pools_data else held[node].at(session.start_s)
        after, loss = learner.train(self.progress[pupil], lessons, own, session.steps, (self.seed, TRAINING, pupil))
        shared = range(len(self.names)) if self.strategy.pools_data else (node,)
        for each in shared:
            self.progress[each] = after
        self.steps[node] += session.steps
        yield session.end_s, self.names[node], "train_loss", loss

    def _map(self, inference: Inference) -> Iterator[Record]:
        """Segment the event's tiles with the model that the satellite has."""
        lessons = self.classroom.event
        if lessons is None:
            raise ValueError("the timeline maps an event, but the classroom has no tiles of one.")
        water = self.classroom.learner.water(self.progress[inference.node].weights, lessons)
        iou_water = confusion(water, lessons.masks).iou_water
        self.maps[inference.observation] = WaterMap(len(packed(water)), iou_water, inference.end_s)
        yield inference.end_s, self.names[inference.node], "event_iou_water", iou_water

    def _merge(self, exchange: Exchange) -> None:
        """Both sides merge the same two updates, as they read after the link."""
        own = {node: difference(self.named(self.progress[node]), self.base) for node in (exchange.a, exchange.b)}
        read = {node: self._over_the_link(weights) for node, weights in own.items()}
        for node, peer in ((exchange.a, exchange.b), (exchange.b, exchange.a)):
            merged = self.strategy.merge(own[node], read[node], read[peer])
            self.progress[node] = replace(self.progress[node], weights=_flat(total(self.base, merged)))

    def _over_the_link(self, own: Weights) -> Weights:
        offered = self.strategy.offer(own)
        return self.compressor.decode(self.compressor.encode(offered), like=offered)

    def _evaluate(self, at_s: float) -> Iterator[Record]:
        for node, name in enumerate(self.names):
            yield from _scored(at_s, name, self._score(node))
            yield at_s, name, "steps", float(self.steps[node])
        members = [self.named(progress) for progress in self.progress]
        yield from _scored(at_s, AVERAGE, self._score_average(members))
        yield at_s, CONSTELLATION, "consensus_distance", consensus_distance(members)

    def named(self, progress: Progress) -> Weights:
        return self.classroom.learner.named(progress.weights)

    def _score(self, node: int) -> Confusion:
        """The score of a satellite's weights, computed again only when they have changed."""
        progress = self.progress[node]
        for scored, counts in self._scores.values():
            if scored is progress:
                return counts
        self._scores[node] = (progress, self.classroom.learner.score(progress.weights, self.classroom.exam))
        return self._scores[node][1]

    def _score_average(self, members: list[Weights]) -> Confusion:
        if all(progress is self.progress[0] for progress in self.progress):
            return self._score(0)
        return self.classroom.learner.score(_flat(mean(members)), self.classroom.exam)


def _scored(at_s: float, node: str, counts: Confusion) -> Iterator[Record]:
    yield at_s, node, "miou", counts.miou
    yield at_s, node, "iou_water", counts.iou_water


def _flat(weights: Weights) -> np.ndarray:
    return np.concatenate([value.ravel() for value in weights.values()])
