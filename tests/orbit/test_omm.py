"""OMM in four forms against sgp4's own reader, and what is refused."""

import csv
import json
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sgp4 import omm as oracle
from sgp4.api import Satrec

from orbitfl.errors import DataError, StorageError
from orbitfl.orbit.convention import PASEOS
from orbitfl.orbit.omm import LARGEST_BYTE, Omm, read_omm

EPOCH_UTC = datetime(2026, 10, 5, tzinfo=UTC)
ISS = {
    "OBJECT_NAME": "ISS (ZARYA)",
    "OBJECT_ID": "1998-067A",
    "EPOCH": "2026-10-04T12:34:56.789012",
    "MEAN_MOTION": "15.49181247",
    "ECCENTRICITY": "0.0006317",
    "INCLINATION": "51.6400",
    "RA_OF_ASC_NODE": "208.9163",
    "ARG_OF_PERICENTER": "69.9862",
    "MEAN_ANOMALY": "290.1712",
    "EPHEMERIS_TYPE": "0",
    "CLASSIFICATION_TYPE": "U",
    "NORAD_CAT_ID": "25544",
    "ELEMENT_SET_NO": "999",
    "REV_AT_EPOCH": "2000",
    "BSTAR": "0.00010270",
    "MEAN_MOTION_DOT": "0.00016717",
    "MEAN_MOTION_DDOT": "0",
}
NEW = ISS | {"OBJECT_NAME": "OBJECT A", "NORAD_CAT_ID": "270000001", "RA_OF_ASC_NODE": "10.5"}
METADATA = ("OBJECT_NAME", "OBJECT_ID")
PARAMETERS = ("EPHEMERIS_TYPE", "CLASSIFICATION_TYPE", "NORAD_CAT_ID", "ELEMENT_SET_NO", "REV_AT_EPOCH", "BSTAR")
ELEMENTS = (
    "EPOCH",
    "MEAN_MOTION",
    "ECCENTRICITY",
    "INCLINATION",
    "RA_OF_ASC_NODE",
    "ARG_OF_PERICENTER",
    "MEAN_ANOMALY",
)


def as_json(records: list[dict[str, str]]) -> str:
    return json.dumps(records)


def as_numbers(records: list[dict[str, str]]) -> str:
    """As CelesTrak writes them: numbers without quotes."""
    text = {"OBJECT_NAME", "OBJECT_ID", "EPOCH", "CLASSIFICATION_TYPE"}
    return json.dumps([{k: v if k in text else json.loads(v) for k, v in each.items()} for each in records])


def as_csv(records: list[dict[str, str]]) -> str:
    lines = [",".join(records[0]), *(",".join(each.values()) for each in records)]
    return "\r\n".join(lines) + "\r\n"


def as_kvn(records: list[dict[str, str]]) -> str:
    units = {"MEAN_MOTION": "[rev/day]", "INCLINATION": "[deg]", "BSTAR": "[1/ER]"}
    header = "CCSDS_OMM_VERS = 2.0\nCOMMENT made for tests\nCREATION_DATE = 2026-10-04T00:00:00\nORIGINATOR = TEST\n"
    fixed = "CENTER_NAME = EARTH\nREF_FRAME = TEME\nTIME_SYSTEM = UTC\nMEAN_ELEMENT_THEORY = SGP/SGP4\n"
    bodies = ("".join(f"{k} = {v} {units.get(k, '')}\n" for k, v in each.items()) for each in records)
    return "".join(header + fixed + body for body in bodies)


def as_xml(records: list[dict[str, str]]) -> str:
    """As CelesTrak writes them: a navigation data message of many OMMs."""
    root = ElementTree.Element("ndm")
    for each in records:
        segment = ElementTree.SubElement(ElementTree.SubElement(ElementTree.SubElement(root, "omm"), "body"), "segment")
        metadata, data = ElementTree.SubElement(segment, "metadata"), ElementTree.SubElement(segment, "data")
        fill(metadata, each, METADATA)
        ElementTree.SubElement(metadata, "REF_FRAME").text = "TEME"
        fill(ElementTree.SubElement(data, "meanElements"), each, ELEMENTS)
        fill(ElementTree.SubElement(data, "tleParameters"), each, (*PARAMETERS, "MEAN_MOTION_DOT", "MEAN_MOTION_DDOT"))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def fill(parent: ElementTree.Element, record: dict[str, str], keys: tuple[str, ...]) -> None:
    for key in keys:
        ElementTree.SubElement(parent, key).text = record[key]


FORMS = [as_json, as_numbers, as_csv, as_kvn, as_xml]


def written(folder: Path, text: str) -> Path:
    path = folder / "elements.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_elements(tmp_path: Path, form):
    iss, new = read_omm(written(tmp_path, form([ISS, NEW])))
    assert (iss.name, iss.catalogue_id, iss.bstar, iss.mean_motion_rev_day) == (
        "ISS (ZARYA)",
        25544,
        1.027e-4,
        15.49181247,
    )
    assert iss.epoch == (datetime(2026, 10, 4).toordinal(), 12 * 3600 + 34 * 60 + 56.789012)
    assert (new.name, new.catalogue_id, new.raan_deg) == ("OBJECT A", 270_000_001, 10.5)


@pytest.mark.parametrize("form", FORMS)
def test_orbits_are_those_of_sgp4s_own_reader(tmp_path: Path, form):
    """Its epoch is one number, good to 0.3 µs, so that positions agree to some millimetres."""
    satellites = Omm(path=str(written(tmp_path, form([ISS])))).satellites(EPOCH_UTC, 86_400.0, PASEOS)
    record = Satrec()
    oracle.initialize(record, ISS)
    t_s = np.linspace(0, 86_400, 50)
    _, positions, velocities = record.sgp4_array(np.full(50, 2_461_318.5), t_s / 86_400)
    r, v = satellites.propagator.states(t_s)
    np.testing.assert_allclose(r[0], positions, atol=5e-6)
    np.testing.assert_allclose(v[0], velocities, atol=5e-9)


def test_sgp4_reads_our_test_files_too(tmp_path: Path):
    """So the forms above are those of the world."""
    (fields,) = oracle.parse_csv(as_csv([ISS]).splitlines())
    assert fields == ISS
    with written(tmp_path, as_xml([ISS])).open() as file:
        (fields,) = oracle.parse_xml(file)
    assert {key: fields[key] for key in ISS} == ISS


def test_a_single_message_and_a_byte_order_mark_are_taken(tmp_path: Path):
    assert [each.name for each in read_omm(written(tmp_path, "\ufeff" + json.dumps(NEW)))] == ["OBJECT A"]


@pytest.mark.parametrize("indent", ["  ", "\t"])
def test_kvn_may_be_indented(tmp_path: Path, indent: str):
    """Blanks before a keyword mean nothing: CCSDS 502.0-B-3, section 7.4."""
    indented = "\n" + "".join(f"{indent}{line}\n" for line in as_kvn([ISS, NEW]).splitlines())
    plain = read_omm(written(tmp_path, as_kvn([ISS, NEW])))
    assert read_omm(written(tmp_path, indented)) == plain and len(plain) == 2


@pytest.mark.parametrize("blank", ["\n", "\r\n\r\n", " \t\n", "\ufeff\n"])
def test_csv_may_begin_with_blank_lines(tmp_path: Path, blank: str):
    plain = read_omm(written(tmp_path, as_csv([ISS, NEW])))
    assert read_omm(written(tmp_path, blank + as_csv([ISS, NEW]))) == plain


def test_a_csv_line_too_long_is_counted_with_the_blank_ones_before_it(tmp_path: Path):
    with pytest.raises(DataError, match="line 4 has more values than there are keys"):
        read_omm(written(tmp_path, "\n\nMEAN_MOTION,BSTAR\n1,2,3\n"))


def test_names_with_commas_and_brackets_are_kept(tmp_path: Path):
    quoted = as_csv([ISS | {"OBJECT_NAME": '"STARLINK-1, [DTC]"'}])
    assert next(csv.reader(quoted.splitlines()[1:]))[0] == "STARLINK-1, [DTC]"
    assert read_omm(written(tmp_path, quoted))[0].name == "STARLINK-1, [DTC]"
    assert read_omm(written(tmp_path, as_kvn([ISS | {"OBJECT_NAME": "X [DTC]"}])))[0].name == "X [DTC]"


def test_what_a_message_gives_twice_is_refused(tmp_path: Path):
    twice = as_kvn([ISS]) + "COMMENT BSTAR = 0\nBSTAR = 0.0 [1/ER]\n"
    with pytest.raises(DataError, match="gives 'BSTAR' more than once"):
        read_omm(written(tmp_path, twice))


def test_objects_of_one_name_are_told_apart(tmp_path: Path):
    twin = NEW | {"NORAD_CAT_ID": "270000002"}
    satellites = Omm(path=str(written(tmp_path, as_json([ISS, NEW, twin])))).satellites(EPOCH_UTC, 60.0)
    assert satellites.names == ("ISS (ZARYA)", "OBJECT A 270000001", "OBJECT A 270000002")


def test_what_sgp4_refuses_names_the_file(tmp_path: Path):
    path = written(tmp_path, as_json([ISS, ISS]))
    with pytest.raises(DataError, match=rf"^{path}: These objects come more than once: ISS \(ZARYA\) \(25544\)"):
        Omm(path=str(path)).satellites(EPOCH_UTC, 60.0)


def test_the_shipped_set_flies(repository: Path):
    elements = read_omm(repository / "constellations/earth_observation.json")
    assert {each.name for each in elements} >= {"SENTINEL-2A", "SENTINEL-2B", "SENTINEL-2C", "LANDSAT 8", "LANDSAT 9"}
    assert max(each.catalogue_id for each in elements) == 270_000_001


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"MEAN_MOTION": None}, r"element set 1 \('OBJECT A'\): MEAN_MOTION is missing"),
        ({"MEAN_MOTION": "fast"}, "MEAN_MOTION is 'fast', but it must be a finite number"),
        ({"BSTAR": "nan"}, "BSTAR is 'nan'"),
        ({"BSTAR": "1_0"}, "BSTAR is '1_0'"),
        ({"INCLINATION": "٣"}, r"INCLINATION is '\\u0663'"),
        ({"ECCENTRICITY": True}, "element set 1: ECCENTRICITY is true or false, but it must be a text or a number"),
        ({"OBJECT_NAME": ["A"]}, "element set 1: OBJECT_NAME is a list, but it must be a text or a number"),
        ({"OBJECT_NAME": {"A": 1}}, "OBJECT_NAME is a mapping"),
        ({"OBJECT_NAME": False}, "OBJECT_NAME is true or false"),
        ({"ECCENTRICITY": "1.0"}, r"OBJECT A \(270000001\): eccentricity is 1.0"),
        ({"EPOCH": "yesterday"}, "EPOCH is 'yesterday', but it must read like"),
        ({"NORAD_CAT_ID": "A0001"}, "NORAD_CAT_ID is 'A0001', but it must be a natural number"),
        ({"NORAD_CAT_ID": "1234567890"}, "catalogue_id is 1234567890"),
        ({"NORAD_CAT_ID": 10**30}, "NORAD_CAT_ID is a number of more than 18 digits"),
        ({"REF_FRAME": "GCRF"}, "REF_FRAME is 'GCRF', but only TEME can be propagated"),
        ({"TIME_SYSTEM": "TAI"}, "TIME_SYSTEM is 'TAI'"),
        ({"CENTER_NAME": "MARS"}, "CENTER_NAME is 'MARS'"),
        ({"MEAN_ELEMENT_THEORY": "DSST"}, "MEAN_ELEMENT_THEORY is 'DSST'"),
        ({"EPHEMERIS_TYPE": 4}, "EPHEMERIS_TYPE is '4'"),
        ({"OBJECT_NAME": "A\nB"}, "OBJECT_NAME must be printable"),
        ({"OBJECT_NAME": "A" * 101}, "OBJECT_NAME must be printable"),
    ],
)
def test_fields_that_mean_nothing_are_refused(tmp_path: Path, changes: dict, said: str):
    path = written(tmp_path, json.dumps([NEW | changes]))
    with pytest.raises(DataError, match=rf"^{path}: .*{said}"):
        read_omm(path)


def test_what_an_omm_need_not_hold_may_be_anything(tmp_path: Path):
    plain = read_omm(written(tmp_path, as_json([NEW])))
    assert read_omm(written(tmp_path, json.dumps([NEW | {"DECAYED": False, "TAGS": ["a"], "SOURCE": {}}]))) == plain


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not an OMM"),
        ("hello", "is not an OMM"),
        ("[1]", "holds 1 where an OMM was expected"),
        ("[{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('[{"MEAN_MOTION": ' + "9" * 5000 + "}]", "not valid JSON"),
        ("<ndm><omm>", "not valid XML"),
        ("<?xml version='1.0' encoding='nonsense'?><ndm/>", None),
        ('<!DOCTYPE a [<!ENTITY b "c">]><ndm>&b;</ndm>', "declares a document type"),
        ("MEAN_MOTION,BSTAR\n1,2,3", "more values than there are keys"),
        ('MEAN_MOTION,BSTAR\n"1,2', "not valid CSV"),
        ("MEAN_MOTION\n" + "1" * 200_000, "not valid CSV"),
    ],
)
def test_files_that_are_no_omm_are_refused(tmp_path: Path, text: str, said: str | None):
    path = written(tmp_path, text)
    if said is None:
        assert read_omm(path) == ()
        return
    with pytest.raises(DataError, match=rf"^{path}: .*{said}"):
        read_omm(path)


def test_an_entity_bomb_is_refused_before_it_grows(tmp_path: Path):
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    path = written(tmp_path, f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "a">{entities}]><ndm>&e11;</ndm>')
    with pytest.raises(DataError, match="document type"):
        read_omm(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path):
    path = tmp_path / "latin.csv"
    path.write_bytes(as_csv([ISS]).encode() + "é".encode("latin-1"))
    with pytest.raises(DataError, match=rf"^{path} is not UTF-8 text"):
        read_omm(path)


def test_a_huge_file_is_not_read(tmp_path: Path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(LARGEST_BYTE + 1)
    with pytest.raises(DataError, match=rf"^{path} is larger than"):
        read_omm(path)


@pytest.mark.parametrize("name", ["", "missing.json", "nul\0.json"])
def test_a_path_that_cannot_be_read_is_refused(tmp_path: Path, name: str):
    with pytest.raises(StorageError, match=r"could not be read: .*\. Give the path"):
        read_omm(tmp_path / name)


@pytest.mark.parametrize("form", FORMS)
@given(st.data())
@settings(max_examples=60)
def test_broken_files_raise_nothing_but_our_errors(mutated, survives, form, data: st.DataObject):
    survives(read_omm, data.draw(mutated(form([ISS, NEW]).encode())))


@given(st.binary(max_size=300))
def test_any_bytes_raise_nothing_but_our_errors(survives, content: bytes):
    survives(read_omm, content)
