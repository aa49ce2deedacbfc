"""A timeline filled with numbers: sessions become gradient steps, exchanges merges, evaluations scores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orbitfl.data.product import packed
from orbitfl.experiment.classroom import Classroom
from orbitfl.experiment.evaluation import Evaluator
from orbitfl.experiment.letters import Letters, opened
from orbitfl.experiment.node import Node
from orbitfl.experiment.pupils import Pupils
from orbitfl.experiment.response import WaterMap
from orbitfl.federation.strategies import Strategy, is_served
from orbitfl.federation.weights import Layout, Vector, mean
from orbitfl.models import checkpoint
from orbitfl.results import AVERAGE, CONSTELLATION, GROUND, Record
from orbitfl.simulation.timeline import (
    Aggregation,
    Consensus,
    Digest,
    Downlink,
    Evaluation,
    Exchange,
    Happening,
    Inference,
    Offer,
    Sending,
    Session,
)
from orbitfl.training.scores import confusion

"""t_s, node, kind, value: a row of records.parquet."""
Row = tuple[int, Record]
"""A record, and the number of the happening that it is of."""


@dataclass
class Replay:
    """The learning state of a constellation.

    nodes: the satellites, then the ground. names: of the satellites. maps: what inference has made of the observations,
    by their numbers. done: how many happenings are behind.
    """

    classroom: Classroom
    strategy: Strategy
    letters: Letters
    pupils: Pupils
    names: tuple[str, ...]
    nodes: list[Node] = field(init=False)
    maps: dict[int, WaterMap] = field(init=False, default_factory=dict)
    done: int = field(init=False, default=0)
    evaluator: Evaluator = field(init=False)

    def __post_init__(self) -> None:
        layout = Layout(self.classroom.learner.shapes)
        self.nodes = [Node(self.strategy.start(layout.size)) for _ in (*self.names, GROUND)]
        self.evaluator = Evaluator(self.pupils.crew, self.classroom.exam, self.classroom.learner.launch)

    def carried_out(self, happenings: Sequence[Happening]) -> Iterator[list[Row]]:
        """Carry out the happenings from `done` on; after each, yield what is worth recording.

        Sessions wait until something needs what they make, so that several can run at once.
        """
        while self.done < len(happenings):
            number, happening = self.done, happenings[self.done]
            rows = self.settled() if self.pupils.must_learn_before(happening) else []
            rows.extend((number, record) for record in self._records(number, happening))
            self.done += 1
            yield rows
        yield self.settled()

    def settled(self) -> list[Row]:
        """Carry out the sessions that wait."""
        return [
            (number, (session.end_s, self.names[session.node], "train_loss", loss))
            for number, session, loss in self.pupils.learn(self.nodes, self.strategy)
        ]

    def state(self) -> dict[str, Any]:
        """All that the past can change, while no session waits."""
        return {"done": self.done, "nodes": self.nodes, "maps": self.maps, **self.letters.state()}

    def go_on_from(self, state: dict[str, Any]) -> None:
        """Stand where `state` was taken."""
        self.done, self.nodes, self.maps = state["done"], state["nodes"], state["maps"]
        self.letters.go_on_from(state)

    def average(self) -> Vector:
        """The mean model (n,) of the satellites, launch weights and all."""
        return self.weights(mean([node.member.model for node in self.satellites]))

    def weights(self, model: Vector) -> Vector:
        return self.classroom.learner.launch + model

    @property
    def satellites(self) -> list[Node]:
        return self.nodes[:-1]

    def save_average(self, path: Path) -> None:
        """Write the network with the average decoder under the official keys, for any MobileSAM user to load."""
        checkpoint.save(self.classroom.learner.with_weights(self.average()), path)

    def _records(self, number: int, happening: Happening) -> Iterator[Record]:
        match happening:
            case Session():
                self.pupils.add(number, happening)
            case Offer():
                self.letters.write(self.nodes, happening)
            case Exchange(outcome="done"):
                yield from self.letters.exchanged(self.nodes, happening)
            case Sending(outcome="done"):
                yield from self.letters.arrived(self.nodes, happening)
            case Digest():
                yield from self.letters.digested(self.nodes, happening)
            case Consensus(nodes, at_s):
                yield from self._agree(nodes, at_s)
            case Aggregation(at_s):
                yield from self._aggregate(at_s)
            case Inference():
                yield from self._map(happening)
            case Evaluation(at_s):
                yield from self._evaluate(at_s)
            case Downlink() | Exchange() | Sending():
                pass

    def _agree(self, nodes: tuple[int, ...], at_s: float) -> Iterator[Record]:
        """All take over the mean; links that cost nothing round nothing either."""
        centre = mean([self.nodes[node].member.model for node in nodes])
        sources = frozenset[int]().union(*(self.nodes[node].sources for node in nodes))
        for number in nodes:
            node = self.nodes[number]
            node.changed(self.strategy.trained(node.member, centre.copy()))
            node.sources = sources
            yield at_s, self.names[number], "steps_apart", float(node.steps_apart)
            node.steps_apart = 0

    def _aggregate(self, at_s: float) -> Iterator[Record]:
        server, strategy = self.nodes[-1], self.strategy
        assert is_served(strategy), "only they make timelines with aggregations"
        number = len(self.nodes) - 1
        yield from self.letters.weighed(self.nodes, number, at_s)
        letters = opened(server, at_s)
        after = strategy.aggregate(server.member, letters, self.letters.terms.layout)
        yield from self.letters.ages(number, server.merged(after, letters), at_s)

    def _map(self, inference: Inference) -> Iterator[Record]:
        """Segment the event's tiles with the model that the satellite has."""
        lessons = self.classroom.event
        if lessons is None:
            raise ValueError("the timeline maps an event, but the classroom has no tiles of one.")
        water = self.classroom.learner.water(self.weights(self.nodes[inference.node].member.model), lessons)
        iou_water = confusion(water, lessons.masks).iou_water
        self.maps[inference.observation] = WaterMap(len(packed(water)), iou_water, inference.end_s)
        yield inference.end_s, self.names[inference.node], "event_iou_water", iou_water

    def _evaluate(self, at_s: float) -> Iterator[Record]:
        serves = self.strategy.pattern == "ground"
        named = [*zip(self.names, self.satellites, strict=True), *([(GROUND, self.nodes[-1])] if serves else [])]
        models = [node.member.model for _, node in named]
        centre = mean([node.member.model for node in self.satellites])
        scored = [(name, confused) for (name, _), confused in zip(named, self.evaluator.scores(models), strict=True)]
        for name, counts in [*scored, (AVERAGE, self.evaluator.scores([centre])[0])]:
            yield at_s, name, "miou", counts.miou
            yield at_s, name, "iou_water", counts.iou_water
        for name, node in zip(self.names, self.satellites, strict=True):
            yield at_s, name, "steps", float(node.steps)
            yield at_s, name, "sources", float(len(node.sources))
        yield from self.letters.conservation(self.nodes, at_s, CONSTELLATION)
