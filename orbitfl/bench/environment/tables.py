"""Results of the environment benchmark in words."""

from collections.abc import Mapping
from typing import Any


def described(results: Mapping[str, Any]) -> str:
    """Short tables, a blank line apart."""
    machine = results["machine"]
    head = f"{machine['processor']}, Python {machine['python']}; CPU seconds, eclipses included"
    return "\n\n".join([head, _seconds(results), _apart(results), _many(results["many"])])


def _seconds(results: Mapping[str, Any]) -> str:
    hours, sample_h = results["duration_s"] / 3600, results["plain_sample_s"] / 3600
    rows = [f"{results['satellites']} satellites, {hours:g} h, power and heat (plain: {sample_h:.3g} h, extrapolated)"]
    for name, seconds in results["seconds"].items():
        rows.append(f"{name:<44}{seconds:>10.3f} s{results['ratio'][name]:>10.1f} times plain")
    return "\n".join(rows)


def _apart(results: Mapping[str, Any]) -> str:
    rows = [f"{'largest differences':<72}{'charge':>10}{'temperature, K':>16}"]
    for each in results["apart"]:
        rows.append(f"{' / '.join(each['between']):<72}{each['charge']:>10.1e}{each['temperature_k']:>16.1e}")
    return "\n".join(rows)


def _many(many: Mapping[str, Any]) -> str:
    days = many["duration_s"] / 86_400
    return (
        f"exact twin, {many['satellites']} satellites, {days:g} days, {many['advances']} advances: "
        f"{many['singly_s']:.2f} s one by one ({many['advance_us']:.1f} µs each), {many['at_once_s']:.2f} s all at "
        f"once; {many['eclipses_s']:.2f} s of either are for the eclipses"
    )
