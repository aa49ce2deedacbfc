"""Results of the contact benchmark in words."""

from collections.abc import Callable, Mapping
from typing import Any

Result = Mapping[str, Any]

GROWTH = {
    "case": "constellation",
    "neighbours": "neighbours",
    "engine": "engine",
    "pairs": "pairs",
    "isl_windows": "ISL",
    "ground_windows": "ground",
    "propagation_s": "propagation",
    "pairs_s": "choosing pairs",
    "isl_search_s": "ISL search",
    "ground_search_s": "passes",
    "rest_s": "rest",
    "total_s": "total s",
    "peak_byte": "peak MB",
}


def described(results: Result) -> str:
    """Short tables, a blank line apart."""
    machine = results["machine"]
    head = f"{machine['processor']}, Python {machine['python']}; CPU seconds of one thread, propagation included"
    parts = [words(results[case]) for case, words in WORDS.items() if case in results]
    return "\n\n".join([head, *parts])


def _paseos(found: Result) -> str:
    if "missing" in found:
        return _missing(found)
    return "\n".join(
        [
            _ratio("PASEOS", found["paseos_s"], found),
            f"  extrapolated to {found['all_calls']} calls from {found['satellite_calls']} of "
            f"{1e3 * found['satellite_call_s']:.2f} ms between satellites and {found['station_calls']} of "
            f"{1e3 * found['station_call_s']:.2f} ms to stations",
            f"  {found['disagreements']} disagreements on this sample, whose nearest edge is "
            f"{_time(found['nearest_edge_s'])} away; {found['edge_disagreements']} on {found['edge_calls']} samples "
            f"{1e3 * found['beside_edge_s']:.0f} ms beside edges",
        ]
    )


def _skyfield(found: list[Result]) -> str:
    return "\n".join(map(_events, found))


def _events(found: Result) -> str:
    exact = f"{_time(found['edge_error_median_s'])} off (median), {_time(found['edge_error_max_s'])} at most"
    return "\n".join(
        [
            _ratio("skyfield find_events", found["skyfield_s"], found),
            _edges(found),
            f"  {found['bisected_edges']} edges against bisected altaz: {exact}; "
            f"{found['edges_not_confirmed']} not confirmed",
        ]
    )


def _brahe(found: Any) -> str:
    return _missing(found) if "missing" in found else "\n".join(map(_accesses, found))


def _accesses(found: Result) -> str:
    name = f"brahe {found['brahe']} location_accesses"
    windows = f"  {found['windows']} windows of ours, {found['their_windows']} of theirs"
    return "\n".join([_ratio(name, found["brahe_s"], found), windows, _edges(found)])


def _growth(found: list[Result]) -> str:
    rows = [list(GROWTH.values()), *([_cell(name, run[name]) for name in GROWTH] for run in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(lines)


def _compiling(cpu_s: float) -> str:
    return f"a first small plan by numba, with nothing compiled yet: {cpu_s:.1f} s, no part of the above"


def _roofline(found: Result) -> str:
    if "missing" in found:
        return _missing(found)
    machine, bounds = found["machine"], found["bounds_pair_steps_s"]
    caches = ", ".join(
        f"{name.removesuffix('_byte_s')} {rate / 1e9:.0f}" for name, rate in machine.items() if name.endswith("byte_s")
    )
    lines = [
        f"bounds: {machine['f32_flop_s'] / 1e9:.0f} (f32, fused) and {machine['f64_flop_s'] / 1e9:.0f} (f64, unfused) "
        f"GFLOP/s; reads in GB/s: {caches}",
        f"  a scanned pair-step is {found['scan_flop']} flop and {found['scan_byte']} bytes: "
        + ", ".join(f"{bound / 1e9:.2f} G/s ({name})" for name, bound in bounds.items()),
    ]
    for name, title in (("scan", "bare scan"), ("search", "search"), ("plan", "whole plan")):
        shares = ", ".join(f"{share:.0%} of {bound}" for bound, share in found[name]["share_of"].items())
        lines.append(f"  {title}, {found['case']}: {found[name]['pair_steps_s'] / 1e9:.3f} G pair-steps/s, {shares}")
    return "\n".join([*lines, f"  {found['between']}"])


WORDS: Mapping[str, Callable[[Any], str]] = {
    "paseos": _paseos,
    "skyfield": _skyfield,
    "brahe": _brahe,
    "growth": _growth,
    "compile_s": _compiling,
    "roofline": _roofline,
}


def _ratio(name: str, theirs_s: float, found: Result) -> str:
    asked = f" (asked for {found['satellites_asked']} satellites)" if "satellites_asked" in found else ""
    return f"{name}, {found['case']}{asked}: {theirs_s:.3g} s against {found['ours_s']:.3g} s, {found['ratio']:,.0f}×"


def _edges(found: Result) -> str:
    return (
        f"  {found['edges']} edges of ours, {found['their_edges']} of theirs, {found['pairs_that_differ']} pairs "
        f"differ; {_time(found['apart_median_s'])} apart (median), {_time(found['apart_max_s'])} at most"
    )


def _time(value_s: float | None) -> str:
    if value_s is None:
        return "nothing"
    return f"{1e3 * value_s:.3f} ms" if value_s < 0.01 else f"{value_s:.3f} s"


def _missing(found: Result) -> str:
    return f"{found['missing']} is not installed"


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-" if name == "peak_byte" else "all"
    if name == "peak_byte":
        return f"{value / 1e6:.0f}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
