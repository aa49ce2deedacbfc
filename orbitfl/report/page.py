"""One HTML file with everything in it: words, tables, plots, pictures, and plotly itself. Of a run, or of many."""

import base64
import gzip
import json
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

from orbitfl.errors import OrbitflError, StorageError
from orbitfl.experiment.result import RunResult
from orbitfl.report import comparison, earth, learning, onboard, traffic
from orbitfl.report.examples import Example, examples
from orbitfl.report.failures import failures_in
from orbitfl.report.plots import Plot
from orbitfl.report.provenance import flat
from orbitfl.report.variants import runs_in, variants
from orbitfl.report.words import counted, sentences
from orbitfl.results import read_provenance
from orbitfl.scenario import resolved_yaml

HERE = Path(__file__).parent


def html_of(result: RunResult) -> str:
    """The page of a run. Raises StorageError for a run.json that is none."""
    flown, grounded = _flight(result)
    plots = {
        "scores": learning.scores(result),
        "gantt": traffic.gantt(result),
        "tracks": flown and earth.tracks(result, flown),
        "space": flown and earth.space(result),
        "charge": onboard.charge(result),
        "temperature": onboard.temperature(result),
        "sent": traffic.sent(result),
        "consensus": learning.consensus(result),
        "staleness": learning.staleness(result),
    }
    shown = {name: plot for name, plot in plots.items() if plot is not None}
    return _framed(
        "page.html",
        result.scenario.name,
        shown,
        flown and earth.sky(result, flown),
        summary="\n".join(f"<p>{escape(each)}</p>" for each in sentences(result)),
        results=_table(result.summary().map(_short)),
        transfers=_table(traffic.counted(result).T),
        response=_response(result),
        **{f"plot_{name}": _place(name, plot) for name, plot in plots.items()},
        examples=_examples(result),
        scenario=escape(resolved_yaml(result.scenario)),
        provenance=_table(_provenance(result)),
        grounded=f'<p class="none">{escape(grounded)}</p>' if grounded else "",
    )


def _flight(result: RunResult) -> tuple[earth.Flight | None, str]:
    """Where the satellites were or, should their file of elements be gone, why that cannot be told."""
    try:
        return earth.flight(result.scenario), ""
    except OrbitflError as error:
        return None, f"No sky: {error}"


def comparison_html(folder: Path) -> str:
    """The page of all runs below `folder`, and of what failed. Raises StorageError if none is finished."""
    failed = failures_in(folder)
    if failed and not any(folder.rglob("run.json")):
        raise StorageError(f"{folder} holds no finished run to compare, only such as failed. {failed[0]}")
    runs, problems = runs_in(folder)
    missing = [*failed, *(f"Left out: {problem}" for problem in problems)]
    found = variants(runs)
    plots = {
        "curves": comparison.curves(found),
        "swept": comparison.swept(found),
        "bytes": comparison.against(found, "MB", "sent (MB)"),
        "energy": comparison.against(found, "Wh", "consumed (Wh)"),
    }
    return _framed(
        "comparison.html",
        folder.resolve().name,
        {name: plot for name, plot in plots.items() if plot is not None},
        None,
        summary=escape(f"{counted(len(runs), 'run')} of {counted(len(found), 'variant')}."),
        problems="".join(f'<p class="none">{escape(each)}</p>' for each in missing),
        table=_table(comparison.compared(found)),
        **{f"plot_{name}": _place(name, plot) for name, plot in plots.items()},
    )


def _framed(name: str, title: str, plots: dict[str, Plot], sky: dict[str, Any] | None, **filled: str) -> str:
    """The template `name`, filled in, in the frame that all pages have. Nothing but a title is escaped here."""
    body = _template(name).substitute(title=escape(title), **filled)
    return _template("frame.html").substitute(
        title=escape(title),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        body=body,
        plots=_json(plots),
        sky=_json(sky),
        plotly=_plotly(),
        script=(HERE / "page.js").read_text(encoding="utf-8"),
    )


def _template(name: str) -> Template:
    return Template((HERE / name).read_text(encoding="utf-8"))


def _place(name: str, plot: Plot | None) -> str:
    if plot is None:
        return '<p class="none">There is nothing of this in the run.</p>'
    return f'<div class="plot" id="{name}" style="min-height:{plot["layout"]["height"]}px"></div>'


def _json(value: Any) -> str:
    """For a script element, which `</script>` within a name must not end."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


@cache
def _plotly() -> str:
    """plotly.js (MIT licence), from its Python package, packed; the page unpacks it: 2.0 MB in place of 4.8."""
    source = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(source, 9, mtime=0)).decode()


def _table(table: pd.DataFrame) -> str:
    return table.to_html(border=0, escape=True, classes="numbers")


def _short(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _response(result: RunResult) -> str:
    if result.scenario.event is None or result.response is None:
        return ""
    table = result.first_maps().map(lambda value: "never" if pd.isna(value) else _short(value))
    return f"<h3>Hours after the event until its maps were down</h3>{_table(table)}"


def _provenance(result: RunResult) -> pd.DataFrame:
    rows = {} if result.folder is None else dict(flat(read_provenance(result.folder)))
    return pd.DataFrame({"": list(rows.values())}, index=list(rows))


def _examples(result: RunResult) -> str:
    """The pictures, or why there are none."""
    try:
        found = examples(result)
    except OrbitflError as error:
        return f'<p class="none">No examples: {escape(str(error))}</p>'
    return "\n".join(_row(each) for each in found)


def _row(example: Example) -> str:
    pictures = {
        f"scene {example.name}": example.scene,
        "truth": example.truth,
        f"before, mIoU {example.before_miou:.0f} %": example.before,
        f"after, mIoU {example.after_miou:.0f} %": example.after,
    }
    figures = "".join(
        f'<figure><img alt="{escape(what)}" src="{url}"><figcaption>{escape(what)}</figcaption></figure>'
        for what, url in pictures.items()
    )
    return f'<div class="row">{figures}</div>'
