"""The mission in a few sentences."""

from collections import Counter

import numpy as np

from orbitfl.environment.base import KELVIN_AT_0_C
from orbitfl.experiment.response import ONBOARD
from orbitfl.experiment.result import RunResult
from orbitfl.report.traffic import transfers_of


def sentences(result: RunResult) -> list[str]:
    """What was flown, what was learnt, what was sent and what it cost, a paragraph each."""
    told = [_flown(result), _learnt(result), _sent(result), _cost(result), _refused(result), _mapped(result)]
    return [each for each in told if each]


def _flown(result: RunResult) -> str:
    scenario, plan = result.scenario, result.plan
    stations = len(plan.nodes) - plan.satellite_count
    isl, ground = (len(plan.of_kind(kind)) for kind in ("isl", "ground"))
    return (
        f"{counted(plan.satellite_count, 'satellite')} and {counted(stations, 'ground station')} were flown for "
        f"{span(scenario.duration_s)} from {scenario.epoch_utc:%Y-%m-%d %H:%M} UTC. In that time "
        f"{counted(isl, 'window')} between satellites and {ground} to the ground opened. Each satellite fine-tunes "
        f"the {scenario.model.trainable.replace('_', ' ')} of {scenario.model.kind} from {scenario.model.weights} on "
        f"images it holds itself; the strategy is {result.strategy.replace('_', ' ')}."
    )


def _learnt(result: RunResult) -> str:
    table = result.summary()
    own, others = table.iloc[0], table.iloc[1:]
    change = own["mean"] - own["base"]
    verb = "rose" if change > 0.05 else "fell" if change < -0.05 else "stayed"
    told = (
        f"On held-out tiles the mean mIoU {verb} from {own['base']:.1f} % to {own['mean']:.1f} % "
        f"(worst satellite {own['worst']:.1f} %, best {own['best']:.1f} %) in {own['steps']:,.0f} training steps."
    )
    compared = ", ".join(f"{name.replace('_', ' ')} {row['mean']:.1f} %" for name, row in others.iterrows())
    return told + (f" Otherwise, on the same mission: {compared}." if compared else "")


def _sent(result: RunResult) -> str:
    table = transfers_of(result)
    if table.empty:
        return "Nothing was sent."
    became = Counter(table["became"])
    done, resumed, cut = became["done"], became["resumed"], became["cut"]
    moved = f"{table['byte'].sum() / 1e6:,.1f} MB"
    parts = f"{counted(cut, 'part')} ended with a window" if cut else "none was cut off by the end of a window"
    later = f" and {counted(resumed, 'message')} went on later and came through" if resumed else ""
    return f"{moved} crossed the links: {counted(done + resumed, 'message')} arrived whole, {parts}{later}."


def _cost(result: RunResult) -> str:
    table = result.energy
    if table.empty:
        return ""
    shadow_h = table["eclipse_s"].sum() / 3600 / result.plan.satellite_count
    temperature_c = table["temperature_end_k"].to_numpy() - KELVIN_AT_0_C
    least = min(table["charge_end"].min(), result.scenario.environment.initial_charge)
    training_j = table.loc[table["activity"] == "training", "consumed_j"].sum()
    return (
        f"All together consumed {table['consumed_j'].sum() / 3600:,.1f} Wh, {training_j / 3600:,.1f} Wh of it for "
        f"training. The lowest state of charge was {100 * least:.0f} %; temperatures "
        f"went from {temperature_c.min():.0f} to {temperature_c.max():.0f} °C. A satellite was in the Earth's shadow "
        f"for {shadow_h:.1f} h on average."
    )


def _refused(result: RunResult) -> str:
    found = Counter(kind for kind in result.records["kind"] if kind.startswith(("refused ", "stopped ")))
    told = ", ".join(f"{kind} ({count} ×)" for kind, count in found.most_common())
    return f"What did not go: {told}." if told else ""


def _mapped(result: RunResult) -> str:
    if result.scenario.event is None or result.response is None:
        return ""
    event, maps = result.scenario.event, result.response
    onboard = maps.loc[maps["how"] == ONBOARD]
    useful = np.count_nonzero(onboard["useful"])
    return (
        f"The event was {event.area.name} at {event.time_utc:%Y-%m-%d %H:%M} UTC: {counted(len(onboard), 'image')} of "
        f"it were taken, {useful} of which became {'a useful map' if useful == 1 else 'useful maps'} on the ground."
    )


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def span(duration_s: float) -> str:
    many, unit = (duration_s / 3600, "hour") if duration_s < 2 * 86_400 else (duration_s / 86_400, "day")
    return f"{many:.3g} {unit}" + ("" if many == 1 else "s")
