"""`orbitfl contacts`: the contact plan of a scenario, or of satellites from files of elements."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orbitfl.cli.progress import patient, reporting
from orbitfl.errors import ScenarioError

if TYPE_CHECKING:
    import pandas as pd

    from orbitfl.contacts import ContactPlan, Planning
    from orbitfl.contacts.intervals import Intervals
    from orbitfl.scenario import Mission

LISTED_PAIRS = 30
ISL_BPS, GROUND_BPS = 1e8, 1e6
DAYS = 1.0


def contacts(
    scenario: Annotated[
        Path | None,
        typer.Argument(metavar="SCENARIO.yaml", help="A scenario, or only its keys for orbits and links."),
    ] = None,
    omm: Annotated[Path | None, typer.Option(help="Satellites from an OMM file: JSON, CSV, XML or KVN.")] = None,
    tle: Annotated[Path | None, typer.Option(help="Satellites from a file of TLEs, with names or without.")] = None,
    oem: Annotated[Path | None, typer.Option(help="Satellites from a CCSDS OEM file.")] = None,
    stations: Annotated[
        Path | None, typer.Option(help="Ground stations from YAML, JSON or CSV, or from SatNOGS.")
    ] = None,
    epoch: Annotated[
        str | None, typer.Option(help="When the span begins, in UTC, as 2026-11-21T00:00:00Z; needed with elements.")
    ] = None,
    days: Annotated[float | None, typer.Option(help="Length of the span for elements. (1)")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the plan; the ending chooses: .parquet, .csv, .json, .ionrc (ION) or .czml (Cesium)."),
    ] = None,
    eclipses: Annotated[
        Path | None, typer.Option(help="Write when satellites are in the Earth's shadow: .csv, .json or .parquet.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Write when satellites can image the areas, by daylight or not; same endings.")
    ] = None,
    areas: Annotated[Path | None, typer.Option(help="The areas: YAML, JSON or GeoJSON.")] = None,
    swath_km: Annotated[float | None, typer.Option(help="The instrument by the width of its swath,")] = None,
    off_nadir_deg: Annotated[float | None, typer.Option(help="or by how far it looks away from straight down.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY.PATH=VALUE", help="Override one key; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Compute a contact plan, from a scenario or from files of elements, and print its summary.

    Elements get links of 100 Mbit/s between satellites and 1 Mbit/s to the ground unless --set says otherwise.
    """
    from orbitfl.contacts import kept_plan, write
    from orbitfl.contacts.formats import require_ending
    from orbitfl.contacts.formats.intervals import write_intervals

    given = {kind: path for kind, path in (("omm", omm), ("tle", tle), ("oem", oem)) if path is not None}
    if out is not None:
        require_ending(out)
    mission = _mission(scenario, given, stations, epoch, days, overrides or [])
    _require_apart([out, eclipses, images], [scenario, _elements_of(mission), stations, areas])
    planning = mission.planning()
    tables = _tables(planning, eclipses, images, areas, swath_km, off_nadir_deg)
    with reporting() as notify:
        plan = kept_plan(planning, patient(notify))
    if out is not None:
        write(plan, out, planning.geometry() if out.suffix.lower() == ".czml" else None)
    for path, found in tables.items():
        write_intervals(found, path)
    print(_as_json(plan) if as_json else "\n".join([_described(plan), *_places(out, tables)]))


def _elements_of(mission: "Mission") -> Path | None:
    """The file of elements, whether it was named by the scenario, by --set or on the command line."""
    path = getattr(mission.constellation, "path", None)
    return None if path is None else Path(path)


def _require_apart(written: list[Path | None], read: list[Path | None]) -> None:
    """Raises ScenarioError where one output would overwrite another, or what was given."""
    taken = {path.resolve() for path in read if path is not None}
    for path in written:
        if path is None:
            continue
        if path.resolve() in taken:
            raise ScenarioError(f"{path} is to be written, but is given or written already; choose another file.")
        taken.add(path.resolve())


def _tables(
    planning: "Planning",
    eclipses: Path | None,
    images: Path | None,
    areas: Path | None,
    swath_km: float | None,
    off_nadir_deg: float | None,
) -> "dict[Path, Intervals]":
    """What else was asked for, by the file that it goes to; all of it is checked before any is computed."""
    from orbitfl.contacts.area_files import read_areas
    from orbitfl.contacts.formats.intervals import require_ending
    from orbitfl.contacts.imaging import imaging_windows
    from orbitfl.contacts.instruments import OffNadir, Swath
    from orbitfl.contacts.shadow import eclipses as eclipses_of

    for path in (eclipses, images):
        if path is not None:
            require_ending(path)
    span: Any = {"epoch_utc": planning.epoch_utc, "duration_s": planning.duration_s}
    tables = {}
    if eclipses is not None:
        tables[eclipses] = eclipses_of(planning.constellation, convention=planning.convention, **span)
    instrument_given = (swath_km is None) != (off_nadir_deg is None)
    if images is not None and areas is not None and instrument_given:
        instrument = OffNadir(limit_deg=off_nadir_deg) if off_nadir_deg is not None else Swath(width_km=swath_km or 0.0)
        tables[images] = imaging_windows(planning.constellation, read_areas(areas), instrument, **span)
    elif any(each is not None for each in (images, areas, swath_km, off_nadir_deg)):
        raise ScenarioError("images take --images FILE, --areas FILE and one of --swath-km and --off-nadir-deg.")
    return tables


def _mission(
    scenario: Path | None,
    elements: dict[str, Path],
    stations: Path | None,
    epoch: str | None,
    days: float | None,
    overrides: list[str],
) -> "Mission":
    from orbitfl.scenario import load_mission

    if scenario is not None and not (elements or stations or epoch or days is not None):
        return load_mission(scenario, overrides)
    if scenario is not None or len(elements) != 1:
        raise ScenarioError(
            "contacts takes either a scenario, or one file of elements (--omm, --tle or --oem) with --epoch and, "
            "if wanted, --stations and --days."
        )
    return _from_elements(*next(iter(elements.items())), stations, epoch, DAYS if days is None else days, overrides)


def _from_elements(
    kind: str, path: Path, stations: Path | None, epoch: str | None, days: float, overrides: list[str]
) -> "Mission":
    from orbitfl.orbit.station_file import read_stations
    from orbitfl.scenario import mission

    if epoch is None:
        raise ScenarioError("elements alone do not say when to begin; add --epoch, such as 2026-11-21T00:00:00Z.")
    keys: dict[str, Any] = {
        "name": path.stem,
        "epoch_utc": epoch,
        "duration_s": days * 86_400.0,
        "constellation": {"kind": kind, "path": str(path)},
        "ground_stations": [asdict(station) for station in read_stations(stations)] if stations else [],
        "links": {
            "isl": {"kind": "fixed_rate", "rate_bps": ISL_BPS},
            "ground": {"kind": "fixed_rate", "rate_bps": GROUND_BPS},
        },
    }
    return mission(keys, overrides)


def _places(out: Path | None, tables: "dict[Path, Intervals]") -> list[str]:
    """What was written, and where."""
    told = [f"{len(found)} {found.what} are in {path}." for path, found in tables.items()]
    return told if out is None else [*told, f"The plan is in {out}."]


def _described(plan: "ContactPlan") -> str:
    from orbitfl.contacts.summary import per_pair, summary

    lines = [f"{len(plan)} contacts within {plan.duration_s / 3600:g} h from {plan.epoch_utc:%Y-%m-%dT%H:%M:%SZ}"]
    if len(plan):
        lines += ["", _summary_table(summary(plan)), "", _pair_table(per_pair(plan))]
    return "\n".join(lines)


def _summary_table(found: "pd.DataFrame") -> str:
    found = found.loc[found["windows"] > 0]
    rows = {
        "windows": found["windows"].map("{:.0f}".format),
        "pairs that meet": [
            f"{met} of {all_}" for met, all_ in zip(found["pairs"], found["possible_pairs"], strict=True)
        ],
        "contact time of a pair": found["pair_time"].map("{:.2%}".format),
        "time in contact of a node": found["node_time"].map("{:.2%}".format),
        "longest gap": [
            f"{gap_s / 60:.1f} min ({node})"
            for gap_s, node in zip(found["longest_gap_s"], found["longest_gap_node"], strict=True)
        ],
        "median window": (found["median_window_s"] / 60).map("{:.1f} min".format, na_action="ignore"),
        "per day, each way": (found["byte_per_day"] / 1e6).map("{:,.1f} MB".format),
    }
    return type(found)(rows, index=found.index).T.to_string(na_rep="-")


def _pair_table(found: "pd.DataFrame") -> str:
    shown = found.head(LISTED_PAIRS)
    table = type(found)(
        {
            "a": shown["a"],
            "b": shown["b"],
            "windows": shown["windows"],
            "contact": shown["contact_time"].map("{:.2%}".format),
            "longest gap": (shown["longest_gap_s"] / 60).map("{:.1f} min".format),
            "longest window": (shown["longest_window_s"] / 60).map("{:.1f} min".format),
            "volume": (shown["volume_bit"] / 8e6).map("{:,.1f} MB".format),
        }
    ).to_string(index=False)
    rest = len(found) - len(shown)
    return table + (f"\nand {rest} more pairs" if rest else "")


def _as_json(plan: "ContactPlan") -> str:
    from orbitfl.contacts.summary import summary

    classes = json.loads(str(summary(plan).to_json(orient="index")))
    span = {"epoch_utc": plan.epoch_utc.isoformat(), "duration_s": plan.duration_s, "contacts": len(plan)}
    return json.dumps({**span, "classes": classes})
