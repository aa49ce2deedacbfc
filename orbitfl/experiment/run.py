"""The one place that wires everything: a scenario in, a run folder and its result out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pandas as pd
import torch

from orbitfl.contacts import ContactPlan
from orbitfl.contacts.channel import channel_of
from orbitfl.errors import ScenarioError
from orbitfl.experiment import tables, traffic
from orbitfl.experiment.classroom import Classroom, load_learner, open_classroom
from orbitfl.experiment.folder import RunFolder, claimed
from orbitfl.experiment.journal import Journal
from orbitfl.experiment.mission import contact_plan, require_names, timeline, wire_of
from orbitfl.experiment.replay import Replay
from orbitfl.experiment.replaying import replay_of
from orbitfl.experiment.response import bent_pipe_response, onboard_response
from orbitfl.experiment.result import RunResult
from orbitfl.experiment.survey import Survey, agenda, bent_pipe_agenda, raw_byte_of, survey
from orbitfl.federation.strategies import Frozen
from orbitfl.federation.weights import Layout
from orbitfl.progress import Notify, silent
from orbitfl.results import CONSTELLATION, Record
from orbitfl.scenario import Scenario
from orbitfl.simulation.timeline import Timeline
from orbitfl.training.crew import Crew
from orbitfl.training.threads import unshared

STATE_EVERY_S = 30.0
"""Of wall time, between two states that a killed run can go on from."""


def run(
    scenario: Scenario,
    out: Path | str | None = None,
    notify: Notify = silent,
    *,
    resume: bool = False,
    state_every_s: float = STATE_EVERY_S,
) -> RunResult:
    """Run a scenario and its controls.

    With `out`, everything is written to that folder, which must be new or empty, or, to `resume`, hold a run of the
    same scenario that was stopped: it goes on from its last state, to the same bytes as if it had never stopped.
    `notify(what, done, total)` hears of progress. Raises OrbitflError when the scenario's data, weights or folder
    cannot be used.
    """
    if not isinstance(scenario, Scenario):
        raise ScenarioError(f"run takes a scenario, but {scenario!r:.60} was given; read it with orbitfl.load first.")
    if out is None:
        return _run_all(scenario, None, notify, state_every_s)
    with claimed(Path(out), scenario, resume) as folder:
        done = folder.finished()
        if done is None or done.controls.keys() != set(scenario.exchange.controls):
            done = _run_all(scenario, folder, notify, state_every_s)
        folder.draw(done)
    return done


def _run_all(scenario: Scenario, folder: RunFolder | None, notify: Notify, state_every_s: float) -> RunResult:
    plan = contact_plan(scenario)
    require_names(scenario, plan.satellite_names)
    # Before the survey, which may draw scenes for minutes: bad weights are told at once.
    learner = load_learner(scenario)
    known = survey(scenario, len(plan.satellite_names))
    classroom = open_classroom(scenario, learner, known, notify)
    bent_pipe = _bent_pipe(scenario, plan, known, Layout(classroom.learner.shapes))
    crew = Crew(classroom.learner, workers=torch.get_num_threads())
    school = _School(plan, known, classroom, crew, bent_pipe, notify, state_every_s)
    result = _run_one(scenario, school, folder)
    controls = {}
    for name in scenario.exchange.controls:
        place = None if folder is None else folder.control(name)
        controls[name] = _run_one(replace(scenario, exchange=scenario.exchange.control(name)), school, place)
    return replace(result, controls=controls)


@dataclass(frozen=True)
class _School:
    """What all strategies of a run share."""

    plan: ContactPlan
    known: Survey
    classroom: Classroom
    crew: Crew
    bent_pipe: pd.DataFrame | None
    notify: Notify
    state_every_s: float


def _run_one(scenario: Scenario, school: _School, folder: RunFolder | None) -> RunResult:
    if folder is not None and (done := folder.finished()) is not None:
        folder.require_inputs(school.classroom, done.plan, school.plan)
        return replace(done, controls={})
    names, layout = school.plan.satellite_names, Layout(school.classroom.learner.shapes)
    mission = timeline(scenario, school.plan, layout, agenda(scenario, school.known))
    replay = replay_of(scenario, school.classroom, school.crew, names)
    journal = Journal(replay, None if folder is None else folder.state, school.state_every_s)
    with unshared():
        for t_s in journal.keep(mission.happenings, scenario, school.plan):
            school.notify(f"learning: {scenario.exchange.strategy.kind}", int(t_s), int(scenario.duration_s))
    observed = [
        *_hindered(mission, names),
        *traffic.spent(mission, names),
        *_achieved(scenario, school.plan, mission, layout),
    ]
    records = [*journal.records(), *observed]
    result = RunResult(
        scenario,
        school.plan,
        records=tables.records(sorted(records, key=lambda record: record[0])),
        transfers=tables.transfers(mission, names),
        energy=tables.energy(mission, names),
        response=_onboard(scenario, school, mission, replay),
    )
    if folder is None:
        return result
    wire = wire_of(scenario, layout)
    folder.write(result, replay, wire.update_byte + wire.preamble_byte, journal.wall_s())
    return replace(result, folder=folder.path)


def _achieved(scenario: Scenario, plan: ContactPlan, mission: Timeline, layout: Layout) -> Iterator[Record]:
    kind: Literal["isl", "ground"] = "ground" if scenario.exchange.strategy.pattern == "ground" else "isl"
    update_byte = wire_of(scenario, layout).update_byte
    return traffic.achieved(mission, plan, kind, scenario.duration_s, CONSTELLATION, update_byte)


def _hindered(mission: Timeline, names: tuple[str, ...]) -> Iterator[Record]:
    for word, happened in (("refused", mission.refusals), ("stopped", mission.stops)):
        for each in happened:
            yield each.at_s, names[each.node], f"{word} {each.activity}: {each.reason}", 1.0


def _onboard(scenario: Scenario, school: _School, mission: Timeline, replay: Replay) -> pd.DataFrame | None:
    """What became of each image of the event, onboard and, for comparison, through the bent pipe."""
    if scenario.event is None or school.bent_pipe is None:
        return None
    channel, images = channel_of(scenario.planning()), school.known.event_images
    onboard = onboard_response(scenario.event, images, mission, channel, replay.maps, replay.names)
    return pd.concat([onboard, school.bent_pipe], ignore_index=True)


def _bent_pipe(scenario: Scenario, plan: ContactPlan, known: Survey, layout: Layout) -> pd.DataFrame | None:
    """The same satellites, when they neither learn nor talk nor think: every strategy is held against them."""
    if scenario.event is None:
        return None
    idle = replace(scenario, exchange=replace(scenario.exchange, strategy=Frozen()))
    mission = timeline(idle, plan, layout, bent_pipe_agenda(scenario.event, known))
    channel, raw_byte = channel_of(scenario.planning()), raw_byte_of(scenario.event, known)
    return bent_pipe_response(scenario.event, known.event_images, mission, channel, raw_byte, plan.satellite_names)
