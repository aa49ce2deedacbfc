"""From a scenario and its classroom to a replay that is ready to begin."""

import numpy as np

from orbitfl.experiment.balance import Balance
from orbitfl.experiment.classroom import Classroom
from orbitfl.experiment.hostility import Hostile
from orbitfl.experiment.letters import Letters, Terms
from orbitfl.experiment.pupils import Pupils
from orbitfl.experiment.replay import Replay
from orbitfl.federation.weights import Layout
from orbitfl.purposes import Purpose
from orbitfl.results import GROUND
from orbitfl.scenario import Scenario
from orbitfl.training.crew import Crew


def replay_of(scenario: Scenario, classroom: Classroom, crew: Crew, names: tuple[str, ...]) -> Replay:
    exchange, learner = scenario.exchange, classroom.learner
    terms = Terms(
        strategy=exchange.strategy,
        compressor=exchange.compressor,
        layout=Layout(learner.shapes),
        base=classroom.base,
        names=(*names, GROUND),
        screen=exchange.screen,
        chunk_byte=exchange.transfer.chunk_byte,
        most_samples=max(len(holding.index) for holding in classroom.holdings),
    )
    hostile = {
        names.index(name): Hostile(attack, np.random.default_rng([scenario.seed, Purpose.HOSTILITY, names.index(name)]))
        for name, attack in scenario.faults.hostile.items()
    }
    summed = "sum" in exchange.strategy.start(0).memory
    layout = Layout(learner.shapes)
    balance = Balance((exchange.strategy.conserves or summed) and not hostile, np.zeros(layout.size))
    pupils = Pupils(
        crew,
        balance,
        learner.launch,
        classroom.lessons,
        classroom.holdings,
        exchange.strategy.pools_data,
        scenario.seed,
        scenario.duration_s,
    )
    letters = Letters(terms, classroom.holdings, hostile, balance)
    return Replay(classroom, exchange.strategy, letters, pupils, names)
