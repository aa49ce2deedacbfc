"""When: from a scenario to its contact plan and its timeline. Imports no torch."""

from orbitfl import contacts
from orbitfl.contacts import ContactPlan
from orbitfl.scenario import Scenario
from orbitfl.scenario.profiles import board_profile
from orbitfl.simulation.engine import Rules, simulate
from orbitfl.simulation.timeline import Timeline


def contact_plan(scenario: Scenario) -> ContactPlan:
    """Every window of the mission, between satellites and to the ground."""
    return contacts.contact_plan(
        scenario.constellation.propagator(),
        scenario.constellation.names,
        scenario.ground_stations,
        isl=scenario.links.isl,
        ground=scenario.links.ground,
        epoch_utc=scenario.epoch_utc,
        duration_s=scenario.duration_s,
    )


def timeline(scenario: Scenario, plan: ContactPlan, update_byte: int) -> Timeline:
    """What every satellite does and when, if an update takes `update_byte` bytes."""
    names = scenario.constellation.names
    environment = scenario.environment.start(scenario.constellation.propagator(), names, scenario.epoch_utc)
    return simulate(_rules(scenario, update_byte), plan, environment, names)


def _rules(scenario: Scenario, update_byte: int) -> Rules:
    board, training, exchange = board_profile(scenario.compute), scenario.training, scenario.exchange
    return Rules(
        duration_s=scenario.duration_s,
        session_steps=training.session_steps,
        session_every_s=training.session_every_s,
        step_s=board.train_step_s,
        retry_s=training.retry_s,
        train_w=board.train_w,
        exchange_w=board.exchange_w,
        standby_w=board.standby_w,
        update_byte=update_byte,
        exchange_every_s=exchange.min_interval_s if exchange.strategy.exchanges else None,
        evaluate_every_s=scenario.evaluation.every_s,
    )
