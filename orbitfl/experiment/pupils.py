"""Training sessions that wait for each other only where one needs what another made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from orbitfl.data.partition import Holding, pooled
from orbitfl.experiment.balance import Balance
from orbitfl.experiment.node import Node
from orbitfl.federation.strategies import Strategy
from orbitfl.purposes import Purpose
from orbitfl.simulation.timeline import Consensus, Digest, Exchange, Happening, Inference, Offer, Sending, Session
from orbitfl.training.crew import Crew, Job
from orbitfl.training.flat import Vector
from orbitfl.training.learner import Lessons, Progress


@dataclass
class Pupils:
    """Sessions that have ended in the mission and not begun on this machine; one a node.

    launch: the weights (n,) that models are differences to. pools_data: whether all nodes share one model, which learns
    from what any of them holds. duration_s: of the mission.
    """

    crew: Crew
    balance: Balance
    launch: Vector
    lessons: Lessons
    holdings: tuple[Holding, ...]
    pools_data: bool
    seed: int
    duration_s: float
    waiting: dict[int, tuple[int, Session]] = field(default_factory=dict)

    def must_learn_before(self, happening: Happening) -> bool:
        """Whether what happens needs, or changes, a model that is still to learn."""
        if not self.waiting:
            return False
        if self.pools_data:
            return True
        match happening:
            case Session(node=node) | Digest(node=node) | Inference(node=node) | Offer(sender=node):
                return node in self.waiting
            case Exchange(a=a, b=b) | Sending(sender=a, receiver=b):
                return a in self.waiting or b in self.waiting
            case Consensus(nodes=nodes):
                return not self.waiting.keys().isdisjoint(nodes)
        return True

    def add(self, number: int, session: Session) -> None:
        self.waiting[session.node] = number, session

    def learn(self, nodes: Sequence[Node], strategy: Strategy) -> Iterator[tuple[int, Session, float]]:
        """Carry out all sessions that wait, several at once; yields the number of each happening, it, and its loss."""
        chosen = [self.waiting[node] for node in sorted(self.waiting)]
        self.waiting = {}
        jobs = [self._job(nodes[0 if self.pools_data else session.node], session) for _, session in chosen]
        for (number, session), (after, loss) in zip(chosen, self.crew.train_all(jobs), strict=True):
            learnt = range(len(nodes) - 1) if self.pools_data else (session.node,)
            before = nodes[learnt[0]].member
            # In place: nobody else has these weights, and fresh memory costs several times the difference.
            model = np.subtract(after.weights, self.launch, out=after.weights)
            member = strategy.trained(before, model)
            for node in learnt:
                self.balance.learnt(before, member)
                nodes[node].changed(member)
                nodes[node].moments, nodes[node].drawn = after.moments, after.drawn
                nodes[node].sources |= {session.node}
            nodes[session.node].steps += session.steps
            nodes[session.node].steps_apart += session.steps
            yield number, session, loss

    def _job(self, node: Node, session: Session) -> Job:
        at_s = session.start_s
        held = pooled(self.holdings, at_s) if self.pools_data else self.holdings[session.node].at(at_s)
        progress = Progress(self.launch + node.member.model, node.moments, node.drawn)
        seed = (self.seed, Purpose.TRAINING, 0 if self.pools_data else session.node)
        return Job(progress, self.lessons, held, session.steps, seed, at_s / self.duration_s)
