"""When: from a scenario to its contact plan and its timeline. Imports no torch."""

from dataclasses import replace

from orbitfl.contacts import ContactPlan, kept_plan
from orbitfl.environment.trajectory import BLOCK_S
from orbitfl.scenario import Mission, Scenario
from orbitfl.simulation.engine import Agenda, Rules, simulate
from orbitfl.simulation.timeline import Timeline


def contact_plan(scenario: Mission) -> ContactPlan:
    """Every window of the mission, between satellites and to the ground; kept for later runs."""
    return kept_plan(scenario.planning())


def timeline(scenario: Scenario, plan: ContactPlan, update_byte: int, agenda: Agenda | None = None) -> Timeline:
    """What every satellite does and when, if an update takes `update_byte` bytes."""
    # The environment asks for whole blocks of the trajectory, up to one beyond the end.
    asked = replace(scenario.planning(), duration_s=scenario.duration_s + BLOCK_S)
    satellites = asked.satellites()
    environment = scenario.environment.start(
        satellites.propagator,
        satellites.names,
        scenario.epoch_utc,
        duration_s=scenario.duration_s,
        seed=scenario.seed,
    )
    return simulate(_rules(scenario, update_byte), plan, environment, satellites.names, agenda)


def _rules(scenario: Scenario, update_byte: int) -> Rules:
    training, exchange, watts = scenario.training, scenario.exchange, scenario.watts()
    return Rules(
        duration_s=scenario.duration_s,
        session_steps=training.session_steps,
        session_every_s=training.session_every_s if exchange.strategy.learns else None,
        step_s=scenario.seconds().train_step_s,
        retry_s=training.retry_s,
        train_w=watts.train_w,
        # Both are known wherever they are needed: the scenario sees to that.
        exchange_w=watts.exchange_w or 0.0,
        downlink_w=watts.downlink_w or 0.0,
        inference_w=watts.inference_w,
        standby_w=watts.standby_w,
        update_byte=update_byte,
        exchange_every_s=exchange.min_interval_s if exchange.strategy.exchanges else None,
        evaluate_every_s=scenario.evaluation.every_s,
        priorities=scenario.priorities,
    )
