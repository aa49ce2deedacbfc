"""`orbitfl contacts`, as a mission planner types it."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from orbitfl.contacts import read

EPOCH = ("--epoch", "2026-10-05T00:00:00Z")
WALKER = "constellation={{kind: walker, total: {}, planes: 1, phasing: 0, altitude_km: 786, inclination_deg: 98}}"
STATIONS = "name,latitude_deg,longitude_deg,altitude_m,mask_deg\nkiruna,67.86,20.96,390,5\nperth,-31.8,115.9,,10\n"


@pytest.fixture
def omm(repository: Path) -> Path:
    return repository / "constellations/earth_observation.json"


@pytest.fixture
def first_light(repository: Path) -> Path:
    return repository / "constellations/first_light.yaml"


@pytest.fixture
def stations(tmp_path: Path) -> Path:
    path = tmp_path / "stations.csv"
    path.write_text(STATIONS)
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv", "json", "ionrc", "czml"])
def test_element_files_make_a_plan_in_every_format(orbitfl, omm: Path, stations: Path, tmp_path: Path, ending: str):
    out = tmp_path / f"plan.{ending}"
    ended = orbitfl("contacts", "--omm", omm, "--stations", stations, *EPOCH, "--days", 0.5, "--out", out)
    assert ended.code == 0, ended.err
    assert "contacts within 12 h from 2026-10-05T00:00:00Z" in ended.out and str(out) in ended.out
    plan = read(out)
    assert {"SENTINEL-2A", "kiruna", "perth"} <= set(plan.nodes)
    assert len(plan.of_kind("ground")) > 10


def test_a_file_with_orbits_alone_is_enough(orbitfl, repository: Path):
    ended = orbitfl("contacts", repository / "constellations/earth_observation.yaml", "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["classes"]["satellite-station"]["pairs"] == 18
    assert told["contacts"] == sum(each["windows"] for each in told["classes"].values())


def test_a_plan_is_computed_once_per_geometry(orbitfl, omm: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("ORBITFL_CACHE", str(tmp_path / "kept"))
    arguments = ("contacts", "--omm", omm, *EPOCH, "--set", "contacts.max_isl_range_km=3000")
    assert orbitfl(*arguments, "--out", tmp_path / "a.csv").code == 0
    (kept,) = (tmp_path / "kept/contacts").iterdir()
    written_ns = kept.stat().st_mtime_ns
    assert orbitfl(*arguments, "--out", tmp_path / "b.csv").code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert kept.stat().st_mtime_ns == written_ns
    assert orbitfl(*arguments, "--set", "contacts.convention=paseos").code == 0
    assert len(list((tmp_path / "kept/contacts").iterdir())) == 2


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_eclipses_and_images_come_as_tables(orbitfl, omm: Path, tmp_path: Path, ending: str):
    (tmp_path / "areas.yaml").write_text("- {name: po, south_deg: 44.5, west_deg: 9, north_deg: 45.5, east_deg: 12}\n")
    shadows, images = tmp_path / f"shadows.{ending}", tmp_path / f"images.{ending}"
    asked = ("--eclipses", shadows, "--images", images, "--areas", tmp_path / "areas.yaml", "--swath-km", 290)
    ended = orbitfl("contacts", "--omm", omm, *EPOCH, "--days", 2, *asked)
    assert ended.code == 0, ended.err
    readers = {"csv": pd.read_csv, "json": pd.read_json, "parquet": pd.read_parquet}
    frames = [readers[ending](path) for path in (shadows, images)]
    for frame, what, path in zip(frames, ("eclipses", "images"), (shadows, images), strict=True):
        assert f"{len(frame)} {what} are in {path}" in ended.out
    # In two days a satellite some 700 km high goes round 29 times, and through the shadow each time.
    for frame in frames:
        since_s = (pd.to_datetime(frame["start_utc"]) - pd.Timestamp("2026-10-05")).dt.total_seconds()
        assert since_s.sub(frame["start_s"]).abs().max() < 1e-6
    umbrae = frames[0].query("kind == 'umbra' and satellite == 'LANDSAT 8'")
    assert len(umbrae) in (29, 30) and umbrae["end_s"].sub(umbrae["start_s"]).max() < 2200
    assert set(frames[1]["area"]) == {"po"} and frames[1]["daylight"].any()


def test_old_elements_are_warned_about_once(orbitfl, omm: Path):
    ended = orbitfl("contacts", "--omm", omm, "--epoch", "2026-12-24T00:00:00Z", "--days", 0.1)
    assert ended.code == 0
    assert ended.err.count("reaches far from the epochs") == 1 and "80 days" in ended.err
    again = orbitfl("contacts", "--omm", omm, "--epoch", "2026-12-24T00:00:00Z", "--days", 0.1)
    assert again.err == ended.err, "the plan is kept, but the elements are as old as before"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "either a scenario, or one file of elements"),
        (("--omm", "OMM"), "--epoch"),
        (("--omm", "OMM", "--epoch", "tomorrow"), "epoch_utc: tomorrow is not a date"),
        (("--omm", "OMM", "--epoch", "20261005"), "epoch_utc: 20261005 is not a date with a time"),
        (("--omm", "~nobody.here/x", *EPOCH), "begins at a home that is not there"),
        (("--omm", "NONE.json", *EPOCH, "--out", "plan.xls"), "no ending of a contact plan"),
        (("--omm", "OMM", *EPOCH, "--set", "links.isl.rate_bps=1e20"), "rate_bps is 1e+20"),
        (("--omm", "OMM", *EPOCH, "--set", WALKER.format(10**9)), "total is 1000000000"),
        (("--omm", "OMM", *EPOCH, "--set", WALKER.format(60_000)), "neighbours"),
        (("--omm", "OMM", *EPOCH, "--set", WALKER.format(9000)), "make a plan of some 32 GB"),
        (("--omm", "OMM", *EPOCH, "--set", "duration_s=1e-300"), "duration_s is 1e-300"),
        (("--omm", "OMM", "--epoch", "2026-10-05T00:00:00"), "without a time zone"),
        (("--tle", "OMM", *EPOCH), "line 1 of a TLE was expected"),
        (("--omm", "NONE.json", *EPOCH), "NONE.json"),
        (("--omm", "OMM", *EPOCH, "--days", "0"), "duration_s is 0.0"),
        (("--omm", "OMM", *EPOCH, "--days", "-1"), "duration_s is -86400.0"),
        (("--omm", "OMM", *EPOCH, "--days", "4000"), "duration_s is 345600000.0"),
        (("--omm", "OMM", *EPOCH, "--days", "nan"), "duration_s is nan"),
        (("--omm", "OMM", *EPOCH, "--stations", "OMM"), "station 1"),
        (("--omm", "OMM", *EPOCH, "--out", "plan.xls"), "no ending of a contact plan"),
        (("--omm", "OMM", *EPOCH, "--images", "plan.csv"), "one of --swath-km and --off-nadir-deg"),
        (("--omm", "OMM", *EPOCH, "--areas", "NONE.yaml", "--images", "plan.csv", "--swath-km", "9"), "NONE.yaml"),
        (("--omm", "OMM", *EPOCH, "--eclipses", "plan.txt"), "no ending of a table"),
        (("--omm", "OMM", *EPOCH, "--set", "contacts.step=3"), "contacts.step is not a key"),
        (("--omm", "OMM", *EPOCH, "--set", "contacts.terminals=0"), "terminals is 0"),
        (("--omm", "OMM", *EPOCH, "--set", "contacts.pairs=[[A,B]]"), "pairs names A, B"),
    ],
)
def test_wrong_input_is_answered_in_a_sentence(orbitfl, omm: Path, tmp_path: Path, monkeypatch, arguments, told: str):
    monkeypatch.chdir(tmp_path)
    ended = orbitfl("contacts", *(omm if argument == "OMM" else argument for argument in arguments))
    assert ended.code == 2
    assert told in ended.err and "Traceback" not in ended.err
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("plan")]


def test_a_plan_loads_neither_torch_nor_numba(omm: Path):
    """Numba takes a second to load, which a small plan must not cost."""
    code = (
        "import sys; from orbitfl.cli import main; "
        f"sys.argv = ['orbitfl', 'contacts', '--omm', {str(omm)!r}, '--epoch', '2026-10-05T00:00:00Z']\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "loaded = {'torch', 'numba', 'matplotlib', 'rasterio', 'networkx'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_days_of_a_scenario_are_its_own(orbitfl, first_light: Path):
    ended = orbitfl("contacts", first_light, "--days", 30)
    assert ended.code == 2 and "--days" in ended.err


@pytest.mark.parametrize("same", [("--out", "--eclipses"), ("--eclipses",)])
def test_an_output_overwrites_neither_another_nor_what_was_given(orbitfl, first_light: Path, tmp_path: Path, same):
    given = tmp_path / "given.csv"
    given.write_bytes(first_light.read_bytes())
    scenario = given if len(same) == 1 else first_light
    ended = orbitfl("contacts", scenario, *(word for option in same for word in (option, given)))
    assert ended.code == 2 and "choose another file" in ended.err
    assert given.read_bytes() == first_light.read_bytes()


@pytest.mark.parametrize("option", ["--out", "--eclipses"])
def test_an_output_overwrites_no_elements_that_the_scenario_names(orbitfl, omm: Path, tmp_path: Path, option: str):
    """The two may well have one stem, as the shipped scenario and its elements do."""
    for path in (omm, omm.with_suffix(".yaml")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    elements, scenario = tmp_path / omm.name, tmp_path / omm.with_suffix(".yaml").name
    ended = orbitfl("contacts", scenario, option, elements)
    assert ended.code == 2 and f"{elements} is to be written, but is given" in ended.err
    assert elements.read_bytes() == omm.read_bytes()
