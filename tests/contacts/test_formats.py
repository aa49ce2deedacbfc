"""Files: what is written can be read again, by others too; what is damaged is refused in one way only."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orbitfl.contacts import Contact, ContactPlan
from orbitfl.contacts.formats import Geometry, read, untrusted, write, write_blocks
from orbitfl.errors import DataError, ScenarioError, StorageError
from orbitfl.orbit.station import GroundStation

Plans = st.SearchStrategy[ContactPlan]
WHOLE = [".parquet", ".csv", ".json", ".czml"]
EVERY = [*WHOLE, ".ionrc"]


def somewhere(plan: ContactPlan) -> Geometry:
    stations = [
        GroundStation(name=name, latitude_deg=0, longitude_deg=0) for name in plan.nodes[plan.satellite_count :]
    ]
    places_km = np.full((plan.satellite_count, 2, 3), 7000.0)
    return Geometry(satellites_km=places_km, t_s=np.array([0.0, plan.duration_s]), stations=tuple(stations))


@pytest.mark.parametrize("ending", WHOLE)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_plan_comes_back_whole(ending: str, plans: Plans, data: st.DataObject, tmp_path: Path):
    plan = data.draw(plans)
    path = tmp_path / f"plan{ending}"
    write(plan, path, somewhere(plan))
    again = read(path)
    assert again == plan
    assert again.provenance == plan.provenance


@pytest.mark.parametrize("ending", EVERY)
def test_equal_plans_make_equal_bytes(ending: str, plan: ContactPlan, tmp_path: Path):
    for name in ("one", "two"):
        write(plan, tmp_path / f"{name}{ending}", somewhere(plan))
    assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"two{ending}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("ending", EVERY)
def test_a_plan_without_contacts_is_a_plan(ending: str, plan: ContactPlan, tmp_path: Path):
    empty = plan.longer_than(9999.0)
    write(empty, tmp_path / f"plan{ending}", somewhere(plan))
    assert read(tmp_path / f"plan{ending}") == empty


def test_pandas_reads_csv(plan: ContactPlan, tmp_path: Path):
    write(plan, tmp_path / "plan.csv")
    frame = pd.read_csv(tmp_path / "plan.csv", comment="#")
    pd.testing.assert_frame_equal(frame, plan.to_frame(), check_dtype=False)


def test_pandas_reads_parquet_with_all_its_attributes(plan: ContactPlan, tmp_path: Path):
    write(plan, tmp_path / "new" / "plan.parquet")
    frame = pd.read_parquet(tmp_path / "new" / "plan.parquet")
    pd.testing.assert_frame_equal(frame, plan.to_frame())
    assert frame.attrs == {
        "epoch_utc": "2018-05-18T03:21:00+00:00",
        "duration_s": 3600.0,
        "nodes": ["sat-0", "sat-1", "svalbard"],
        "satellite_count": 2,
        "provenance": {},
    }
    assert ContactPlan.from_frame(frame) == plan


def test_json_is_plain(plan: ContactPlan, tmp_path: Path):
    write(plan, tmp_path / "plan.json")
    content = json.loads((tmp_path / "plan.json").read_text())
    assert datetime.fromisoformat(content["epoch_utc"]) == plan.epoch_utc
    assert (content["duration_s"], tuple(content["nodes"])) == (3600.0, plan.nodes)
    assert [Contact(**contact) for contact in content["contacts"]] == list(plan)


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_parts_written_as_they_come_are_the_whole(ending: str, plan: ContactPlan, tmp_path: Path):
    asked: list[int] = []

    def parts():
        for mask in ([False, True, False], [False, False, False], [True, False, True]):
            asked.append(sum(mask))
            yield plan.where(np.array(mask))

    write_blocks(parts(), tmp_path / f"plan{ending}")
    assert asked == [1, 0, 2]
    assert read(tmp_path / f"plan{ending}") == plan


def test_parts_of_different_plans_are_refused(plan: ContactPlan, tmp_path: Path):
    other = ContactPlan(plan.epoch_utc, 7200.0, plan.nodes, dict(plan.table))
    with pytest.raises(StorageError, match="must have the same epoch, span and nodes"):
        write_blocks([plan, other], tmp_path / "plan.parquet")
    with pytest.raises(StorageError, match="No part of a contact plan was given"):
        write_blocks([], tmp_path / "plan.csv")
    with pytest.raises(StorageError, match=r"ends in one of \.parquet, \.csv\.$"):
        write_blocks([plan], tmp_path / "plan.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("action", [lambda plan, path: write(plan, path), lambda plan, path: read(path)])
def test_an_unknown_ending_is_refused(action: Callable, plan: ContactPlan, tmp_path: Path):
    with pytest.raises(StorageError, match=r"ends in one of \.parquet, \.csv, \.json, \.ionrc, \.ion, \.czml\.$"):
        action(plan, tmp_path / "plan.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_scene_needs_positions(plan: ContactPlan, tmp_path: Path):
    with pytest.raises(StorageError, match="needs the positions of satellites and stations"):
        write(plan, tmp_path / "plan.czml")
    with pytest.raises(ScenarioError, match="Positions of 1 satellites and of the stations svalbard are given"):
        geometry = somewhere(plan)
        few = Geometry(satellites_km=geometry.satellites_km[:1], t_s=geometry.t_s, stations=geometry.stations)
        write(plan, tmp_path / "plan.czml", few)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", EVERY)
def test_files_that_are_not_there_cannot_be_read(ending: str, tmp_path: Path):
    with pytest.raises(StorageError, match=r"could not be read: No such file"):
        read(tmp_path / f"plan{ending}")
    (tmp_path / f"folder{ending}").mkdir()
    with pytest.raises(StorageError, match=r"could not be read: Is a directory"):
        read(tmp_path / f"folder{ending}")


@pytest.mark.parametrize("ending", EVERY)
def test_files_too_large_are_not_read(ending: str, plan: ContactPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / f"plan{ending}"
    with path.open("wb") as file:
        file.truncate(untrusted.LARGEST_TABLE_BYTE + 1)  # a hole: it takes no space
    with pytest.raises(DataError, match=r"has 4294967297 bytes, but at most [0-9]+ are read"):
        read(path)


@pytest.mark.parametrize("ending", EVERY)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4), st.integers(0, 8)), min_size=1, max_size=4),
)
def test_damaged_files_are_refused_or_read_but_nothing_else(
    ending: str, edits: list[tuple[float, bytes, int]], plan: ContactPlan, tmp_path: Path
):
    path = tmp_path / f"plan{ending}"
    write(plan, path, somewhere(plan))
    content = path.read_bytes()
    for place, inserted, removed in edits:
        at = int(place * len(content))
        content = content[:at] + inserted + content[at + removed :]
    path.write_bytes(content)
    try:
        assert isinstance(read(path), ContactPlan)
    except DataError as error:
        assert str(error).startswith(f"{path} cannot be read as a contact plan. ")


@pytest.mark.parametrize("ending", EVERY)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_plan_is_found_in_noise(ending: str, content: bytes, tmp_path: Path):
    path = tmp_path / f"plan{ending}"
    path.write_bytes(content)
    with pytest.raises(DataError):
        read(path)


JSON_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON_VALUES, data=st.data())
def test_values_of_any_type_in_json_are_refused_or_read(
    value: object, data: st.DataObject, plan: ContactPlan, tmp_path: Path
):
    write(plan, tmp_path / "plan.json")
    content = json.loads((tmp_path / "plan.json").read_text())
    target = data.draw(st.sampled_from([content, content["contacts"][1], content["nodes"]]))
    key = data.draw(st.sampled_from(sorted(target) if isinstance(target, dict) else range(len(target))))
    target[key] = value
    (tmp_path / "plan.json").write_text(json.dumps(content))
    try:
        assert isinstance(read(tmp_path / "plan.json"), ContactPlan)
    except DataError as error:
        assert "cannot be read as a contact plan" in str(error)


@pytest.mark.parametrize(
    ("ending", "content", "message"),
    [
        (".csv", "kind,a,b\n", "does not begin with a line # {...}"),
        (".csv", "# {}\nkind,a,b\n", "a contact plan has the columns"),
        (".csv", "# nothing\nkind,a,b\n", "It is not JSON"),
        (".json", "[]", "no list of contacts"),
        (".json", "[" * 100_000, "It is not JSON"),
        (".json", '{"contacts": []}', "epoch_utc is missing or of the wrong type"),
        (".czml", "{}", "CZML is a list of packets"),
        (".czml", '[{"id": "document"}]', "not a scene that orbitfl wrote"),
        (".parquet", "PAR1", "damaged, or no contact plan"),
    ],
)
def test_what_is_wrong_is_told(ending: str, content: str, message: str, tmp_path: Path):
    (tmp_path / f"plan{ending}").write_text(content)
    with pytest.raises(DataError, match=f"(?i){message}"):
        read(tmp_path / f"plan{ending}")


def test_any_other_parquet_is_refused(tmp_path: Path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "plan.parquet")
    with pytest.raises(DataError, match="damaged, or no contact plan of orbitfl's"):
        read(tmp_path / "plan.parquet")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",700.5,1000,", ",,1000,", "A cell is empty"),
        (",700.5,1000,", ",nan,1000,", "A cell is empty|start_s of a contact plan holds nan"),
        (",700.5,1000,", ",700.5,1e300,", "end_s of a contact plan holds 1e\\+300"),
        (",700.5,1000,", ",700.5,soon,", "CSV conversion error"),
        ('"ground"', '"radio"', "names 'radio', which is not a kind or node"),
    ],
)
def test_wrong_cells_are_told(old: str, new: str, message: str, plan: ContactPlan, tmp_path: Path):
    write(plan, tmp_path / "plan.csv")
    content = (tmp_path / "plan.csv").read_text()
    assert old in content
    (tmp_path / "plan.csv").write_text(content.replace(old, new))
    with pytest.raises(DataError, match=message):
        read(tmp_path / "plan.csv")
