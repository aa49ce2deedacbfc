"""When: from a scenario to its contact plan and its timeline. Imports no torch."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from orbitfl.contacts import ContactPlan, kept_plan
from orbitfl.contacts.channel import channel_of
from orbitfl.errors import ScenarioError
from orbitfl.federation.chunks import manifest_byte
from orbitfl.federation.messages import SENDER_BYTE, message_byte, told_byte
from orbitfl.federation.strategies import Strategy, TwoLevel, is_served
from orbitfl.federation.weights import Layout
from orbitfl.files import LONGEST_STEM, stem_of
from orbitfl.orbit.walker import Walker
from orbitfl.purposes import Purpose
from orbitfl.results import AVERAGE, CONSTELLATION, GROUND
from orbitfl.scenario import Mission, Scenario
from orbitfl.simulation.engine import simulate
from orbitfl.simulation.rules import Agenda, Meetings, Rules, Wire
from orbitfl.simulation.timeline import Timeline


def contact_plan(scenario: Mission) -> ContactPlan:
    """Every window of the mission, between satellites and to the ground; kept for later runs.

    Raises ScenarioError for what is no mission, and where its orbits or links make no plan.
    """
    if not isinstance(scenario, Mission):
        raise ScenarioError(
            f"contact_plan takes a scenario, but {scenario!r:.60} was given; read it with orbitfl.load, or "
            "orbitfl.load_mission, first."
        )
    return kept_plan(scenario.planning())


def timeline(scenario: Scenario, plan: ContactPlan, layout: Layout, agenda: Agenda | None = None) -> Timeline:
    """What every satellite does and when, if `layout` is what learns and travels."""
    asked = replace(scenario.planning(), duration_s=scenario.duration_s + scenario.environment.looks_ahead_s)
    satellites = asked.satellites()
    require_names(scenario, satellites.names)
    environment = scenario.environment.start(
        satellites.propagator,
        satellites.names,
        scenario.epoch_utc,
        duration_s=scenario.duration_s,
        seed=scenario.seed,
    )
    rules, channel = _rules(scenario, layout, satellites.names), channel_of(scenario.planning())
    return simulate(rules, _open(scenario, plan), environment, satellites.names, agenda, channel)


def wire_of(scenario: Scenario, layout: Layout) -> Wire:
    """An update of these numbers as it crosses a link."""
    exchange, transfer = scenario.exchange, scenario.exchange.transfer
    if not exchange.strategy.parts:
        return Wire(0)
    update_byte = message_byte(exchange.compressor, layout, exchange.strategy.parts)
    bitmap_byte = -(-update_byte // (8 * transfer.chunk_byte))
    return Wire(
        update_byte=update_byte,
        preamble_byte=manifest_byte(update_byte, transfer.chunk_byte) + bitmap_byte,
        chunk_byte=transfer.chunk_byte,
        resumes=transfer.resume,
        keep_s=transfer.keep_s,
        loss=transfer.loss,
        relays=transfer.relays,
    )


def require_names(scenario: Scenario, names: Sequence[str]) -> None:
    """Raises ScenarioError for satellites that are called what records call others, or by names too long for messages
    and files, for faults or groups of satellites that are not there, and for two levels without groups.
    """
    if taken := sorted({AVERAGE, CONSTELLATION, GROUND} & set(names)):
        raise ScenarioError(f"A satellite is called {taken[0]}, which records call something else; rename it.")
    for name in names:
        if told_byte(name) > SENDER_BYTE or len(stem_of(name)) > LONGEST_STEM:
            raise ScenarioError(
                f"A satellite is called {name!r}, which is too long for messages and files; rename it in at most 20 "
                "letters, or some more of Latin ones."
            )
    for key, given in (
        ("faults", scenario.faults.named()),
        ("exchange.groups", set(sum(scenario.exchange.groups, ()))),
    ):
        unknown = sorted(given - set(names))
        if unknown:
            shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
            raise ScenarioError(f"{key} names {unknown[0]}, but the constellation has {shown}; use these names.")
    if "two_level" in (scenario.exchange.strategy.kind, *scenario.exchange.controls):
        _groups(scenario, names)


def _open(scenario: Scenario, plan: ContactPlan) -> ContactPlan:
    """The windows that come about, of those in which the link carries anything."""
    share = scenario.faults.lost_contacts
    usable = plan.table["volume_bit"] > 0
    if share:
        usable &= np.random.default_rng([scenario.seed, Purpose.LOST_CONTACTS]).random(len(plan)) >= share
    return plan if usable.all() else plan.where(usable)


def _meetings(scenario: Scenario, names: Sequence[str]) -> Meetings | None:
    strategy = scenario.exchange.strategy
    if strategy.pattern == "apart":
        return None
    return Meetings(
        every_s=scenario.exchange.min_interval_s,
        pattern=strategy.pattern,
        across_every_s=strategy.across_every_s if isinstance(strategy, TwoLevel) else None,
        group_of=_groups(scenario, names) if isinstance(strategy, TwoLevel) else (),
        closes=_closing(strategy),
        takes_late=strategy.takes_late,
    )


def _closing(strategy: Strategy) -> Callable[[int, int], bool]:
    """Whether so many letters from so many satellites close a round; strategies without a ground are never asked."""
    return strategy.ready if is_served(strategy) else lambda letters, satellites: False


def _groups(scenario: Scenario, names: Sequence[str]) -> tuple[int, ...]:
    """The number of each satellite's group: as given, else its plane."""
    groups, orbits = scenario.exchange.groups, scenario.constellation
    if groups:
        group_of = {name: number for number, group in enumerate(groups) for name in group}
        lone = [name for name in names if name not in group_of]
        if lone:
            raise ScenarioError(f"exchange.groups leaves {lone[0]} out; put every satellite into one list.")
        return tuple(group_of[name] for name in names)
    if isinstance(orbits, Walker):
        return tuple(number // (orbits.total // orbits.planes) for number in range(orbits.total))
    raise ScenarioError(
        f"two_level needs planes, and a constellation of kind {orbits.kind} says nothing about them; list the "
        "satellites' names by plane or operator in exchange.groups."
    )


def _rules(scenario: Scenario, layout: Layout, names: Sequence[str]) -> Rules:
    training, faults, watts = scenario.training, scenario.faults, scenario.watts()
    return Rules(
        duration_s=scenario.duration_s,
        session_steps=training.session_steps,
        session_every_s=training.session_every_s if scenario.exchange.strategy.learns else None,
        step_s=scenario.seconds().train_step_s,
        retry_s=training.retry_s,
        train_w=watts.train_w,
        # Both are known wherever they are needed: the scenario sees to that.
        exchange_w=watts.exchange_w or 0.0,
        downlink_w=watts.downlink_w or 0.0,
        inference_w=watts.inference_w,
        standby_w=watts.standby_w,
        wire=wire_of(scenario, layout),
        meetings=_meetings(scenario, names),
        evaluate_every_s=scenario.evaluation.every_s,
        priorities=scenario.priorities,
        slowdown={names.index(name): factor for name, factor in faults.stragglers.items()},
        lost_at_s={names.index(name): at_s for name, at_s in faults.lost_satellites.items()},
        seed=scenario.seed,
    )
