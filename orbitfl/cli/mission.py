"""`orbitfl run` and `validate`."""

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from orbitfl.cli.progress import reporting
from orbitfl.cli.signals import on_sigterm

if TYPE_CHECKING:
    from orbitfl.scenario import Scenario
    from orbitfl.simulation.timeline import Exchange, Sending, Timeline

ScenarioFile = Annotated[Path, typer.Argument(metavar="SCENARIO.yaml", help="The scenario.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="Override one key; may be repeated."),
]


def run(
    scenario: ScenarioFile,
    out: Annotated[Path | None, typer.Option(help="The run's folder, new or empty. [default: runs/NAME]")] = None,
    seed: Annotated[int | None, typer.Option(help="Override the scenario's seed.")] = None,
    overrides: Overrides = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped, or begin it.")] = False,
    state_every_s: Annotated[
        float, typer.Option(min=0.0, help="Wall-clock seconds between two states that --resume can go on from.")
    ] = 30.0,
    dry: Annotated[
        bool, typer.Option("--dry", help="Only say what would happen when; nothing is learnt or written.")
    ] = False,
) -> None:
    """Run a scenario: simulate the mission, learn, write the run's folder and print a summary."""
    loaded = _load(scenario, [*(overrides or []), *([] if seed is None else [f"seed={seed}"])])
    if dry:
        from orbitfl.experiment.dry import dry_run

        print(_described(loaded, dry_run(loaded)))
        return
    folder = out or Path("runs") / loaded.name
    with resumable():
        from orbitfl.experiment.run import run as run_scenario
        from orbitfl.process import keep_freed_memory

        keep_freed_memory()
        with reporting() as notify:
            result = run_scenario(loaded, folder, notify, resume=resume, state_every_s=state_every_s)
    print(f"mIoU on held-out tiles in %, {result.plan.satellite_count} satellites, {loaded.duration_s / 3600:g} h:")
    print(result.summary().to_string(float_format="{:.1f}".format))
    if (event := loaded.event) is not None:
        print(
            f"Hours after the event until maps of {event.area.name} are down; useful from {event.target_iou_water:g} %:"
        )
        print(result.first_maps().to_string(float_format="{:.2f}".format, na_rep="never"))
    print(f"Everything is in {folder}; the figure is {folder / 'figure.png'}.")


@contextmanager
def resumable() -> Iterator[None]:
    """Ctrl-C or SIGTERM ends a run with one line that says how to go on with it, and the code by which shells know of
    it."""
    came = [signal.SIGINT]

    def stop(*_: object) -> NoReturn:
        came.append(signal.SIGTERM)
        raise KeyboardInterrupt

    try:
        with on_sigterm(stop):
            yield
    except KeyboardInterrupt:
        words = [word for word in sys.argv[1:] if word != "--resume"]
        print(f"\norbitfl: stopped; go on with it by: {shlex.join(['orbitfl', *words, '--resume'])}", file=sys.stderr)
        sys.exit(128 + came[-1])


def validate(scenario: ScenarioFile, overrides: Overrides = None) -> None:
    """Check a scenario without running it, its orbits included, and print it with every default written out."""
    from orbitfl.contacts import require_plannable
    from orbitfl.experiment.mission import require_names
    from orbitfl.scenario import Scenario, load_mission, resolved_yaml

    mission = load_mission(scenario, overrides or [])
    satellites = require_plannable(mission.planning())
    if isinstance(mission, Scenario):
        require_names(mission, satellites.names)
    print(resolved_yaml(mission), end="")


def _load(path: Path, overrides: list[str]) -> "Scenario":
    from orbitfl.scenario import load

    return load(path, overrides)


def _described(scenario: "Scenario", mission: "Timeline") -> str:
    """What a dry run found, in a few lines."""
    from orbitfl.simulation.timeline import Exchange, Sending, Session

    sessions = [each for each in mission.happenings if isinstance(each, Session)]
    parts = [each for each in mission.happenings if isinstance(each, Exchange | Sending)]
    satellites = len({spell.node for spell in mission.energy})
    done = [each for each in parts if each.outcome == "done"]
    sent_mb = sum(sum(_sent_byte(each)) for each in parts) / 1e6
    consumed_wh = sum(spell.consumed_j for spell in mission.energy) / 3600
    least = min((spell.charge_end for spell in mission.energy), default=scenario.environment.initial_charge)
    return "\n".join(
        [
            f"{scenario.name}: {satellites} satellites, {scenario.duration_s / 3600:g} h",
            f"sessions   {len(sessions)} with {sum(each.steps for each in sessions)} steps",
            f"transfers  {len(done)} done, {len(parts) - len(done)} cut, {sent_mb:.1f} MB sent",
            f"refusals   {len(mission.refusals)}",
            f"energy     {consumed_wh:.1f} Wh consumed, lowest state of charge {100 * least:.0f} %",
        ]
    )


def _sent_byte(part: "Exchange | Sending") -> tuple[int, ...]:
    return part.sent_byte if isinstance(part.sent_byte, tuple) else (part.sent_byte,)
