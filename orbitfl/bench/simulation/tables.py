"""Results of the simulation benchmark in words."""

from collections.abc import Mapping
from typing import Any

PARTS = {
    "plan_s": "contact plan",
    "timeline_s": "timeline",
    "sky_s": "of it: orbits and eclipses",
    "advance_s": "of it: environment, spell by spell",
    "engine_s": "of it: the rest, the event queue",
    "tables_s": "afterwards: tables of spells and transfers",
}


def described(results: Mapping[str, Any]) -> str:
    """Short tables, a blank line apart."""
    machine = results["machine"]
    head = f"{machine['processor']}, Python {machine['python']}; CPU seconds"
    return "\n\n".join([head, _dry(results["dry"]), _learning(results["learning"])])


def _dry(dry: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count} {kind}s" for kind, count in dry["happenings"].items())
    rows = [
        f"without learning: {dry['satellites']} satellites, {dry['duration_s'] / 86_400:g} days, "
        f"{dry['windows']} windows",
        f"{dry['events']} events ({counts}), {dry['spells']} spells",
        *(f"{dry[key]:8.2f} s  {part}" for key, part in PARTS.items()),
    ]
    if dry["peak_byte"] is not None:
        rows.append(f"{dry['peak_byte'] / 2**20:8.0f} MB peak")
    return "\n".join(rows)


def _learning(learning: Mapping[str, Any]) -> str:
    rows = [
        f"with learning: {learning['satellites']} satellites, {learning['duration_s'] / 3600:g} h, "
        f"{learning['sessions']} sessions and {learning['exchanges']} exchanges of {learning['numbers']} numbers, "
        f"{learning['image_px']} px",
        f"{'workers':>8}{'wall s':>9}{'CPU s':>9}{'gradients':>11}{'scores':>9}",
    ]
    for run in learning["runs"]:
        rows.append(
            f"{run['workers']:>8}{run['wall_s']:>9.2f}{run['cpu_s']:>9.2f}{run['gradients_s']:>11.2f}{run['scores_s']:>9.2f}"
        )
    rows.append(
        f"neither gradients nor scores: {100 * learning['overhead']:.1f} % of the first run's CPU, event queue included"
    )
    rows.append(f"equal bytes with any number of workers: {'yes' if learning['equal_bytes'] else 'NO'}")
    return "\n".join(rows)
