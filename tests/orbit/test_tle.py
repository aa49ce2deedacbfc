"""Two-line elements against sgp4's own reader, and what is refused."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sgp4.alpha5 import to_alpha5
from sgp4.api import Satrec
from sgp4.exporter import export_tle

from orbitfl.errors import DataError, StorageError
from orbitfl.orbit.clock import DAY_S, JULIAN_DATE_OF_DAY_0
from orbitfl.orbit.convention import PASEOS
from orbitfl.orbit.tle import Tle, read_tle

FIRST = "1 40697U 15028A   26274.29857647 -.00000002  00000+0  15863-4 0  9990"
SECOND = "2 40697  98.5653 347.6046 0001070  85.9280 274.2026 14.30818852588907"
EPOCH_UTC = datetime(2026, 10, 2, tzinfo=UTC)


def written(folder: Path, text: str) -> Path:
    path = folder / "elements.tle"
    path.write_text(text, encoding="utf-8")
    return path


def mended(line: str) -> str:
    """With the checksum that the rest of the line asks for."""
    return line[:68] + str(sum(1 if c == "-" else int(c) for c in line[:68] if c in "-0123456789") % 10)


def in_line(line: str, column: int, text: str) -> str:
    """With a text from a column on, counted from 1 as the format's tables do."""
    return mended(line[: column - 1] + text + line[column - 1 + len(text) :])


@pytest.mark.parametrize("name", ["", "SENTINEL-2A\n", "0 SENTINEL-2A\n", "SENTINEL-2A             \n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_lines_with_and_without_names_are_read(tmp_path: Path, name: str, end: str):
    (elements,) = read_tle(written(tmp_path, f"{name}{FIRST}{end or chr(10)}{SECOND}{end}"))
    assert elements.name == name.removeprefix("0 ").strip()
    assert (elements.catalogue_id, elements.bstar, elements.eccentricity) == (40697, 1.5863e-5, 1.07e-4)
    assert elements.epoch.day == datetime(2026, 10, 1).toordinal()
    assert elements.epoch.second == pytest.approx(0.29857647 * DAY_S, abs=1e-9)


def test_empty_lines_and_comments_are_skipped(tmp_path: Path):
    path = written(tmp_path, f"# from somewhere\n\nA\n{FIRST}\n\n{SECOND}\n\n# end\n")
    assert [each.name for each in read_tle(path)] == ["A"]


@given(
    st.integers(0, 99_999),  # sgp4 2.27 writes 180 000 and 230 000 with I and O, which Alpha-5 lacks
    st.floats(0.5, 15.9),
    st.floats(0, 0.6),
    st.floats(0, np.pi),
    st.lists(st.floats(0, 6.28), min_size=3, max_size=3),
    st.floats(1e-7, 0.1) | st.floats(-0.1, -1e-7) | st.just(0.0),
    st.floats(8000, 36_000),
)
def test_elements_are_those_of_sgp4s_own_reader(tmp_path_factory, number, motion, e, tilt, angles, bstar, epoch):
    """Written by sgp4 and read by both; our angles and rates are in other units, hence the last digit or two."""
    source = Satrec()
    raan, argp, anomaly = angles
    source.sgp4init(0, "i", number, epoch, bstar, 0.0, 0.0, e, argp, tilt, anomaly, motion * 2 * np.pi / 1440, raan)
    lines = export_tle(source)
    theirs = Satrec.twoline2rv(*lines)
    (ours,) = read_tle(written(tmp_path_factory.getbasetemp(), "\n".join(lines)))
    assert ours.catalogue_id == theirs.satnum
    assert ours.epoch.day + JULIAN_DATE_OF_DAY_0 == theirs.jdsatepoch
    assert ours.epoch.second == pytest.approx(theirs.jdsatepochF * DAY_S, abs=1e-9)
    assert ours.bstar == pytest.approx(theirs.bstar, rel=1e-14)
    assert ours.eccentricity == theirs.ecco
    assert ours.mean_motion_rev_day == pytest.approx(theirs.no_kozai * 1440 / (2 * np.pi), rel=1e-14)
    angles_deg = (ours.inclination_deg, ours.raan_deg, ours.argp_deg, ours.mean_anomaly_deg)
    expected_rad = (theirs.inclo, theirs.nodeo, theirs.argpo, theirs.mo)
    np.testing.assert_allclose(np.deg2rad(angles_deg), expected_rad, rtol=1e-14)


@given(st.integers(0, 339_999))
def test_alpha_5_ids_are_those_of_sgp4(tmp_path_factory, number: int):
    lines = [in_line(line, 3, to_alpha5(number)) for line in (FIRST, SECOND)]
    (elements,) = read_tle(written(tmp_path_factory.getbasetemp(), "\n".join(lines)))
    assert elements.catalogue_id == number


def test_orbits_are_those_of_sgp4_to_the_last_digits(tmp_path: Path):
    propagator = Tle(path=str(written(tmp_path, f"{FIRST}\n{SECOND}"))).satellites(EPOCH_UTC, DAY_S, PASEOS).propagator
    t_s = np.linspace(0, DAY_S, 100)
    days = np.full(100, EPOCH_UTC.toordinal() + JULIAN_DATE_OF_DAY_0)
    _, r, v = Satrec.twoline2rv(FIRST, SECOND).sgp4_array(days, t_s / DAY_S)
    np.testing.assert_allclose(propagator.states(t_s)[0][0], r, atol=1e-8)
    np.testing.assert_allclose(propagator.states(t_s)[1][0], v, atol=1e-11)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (FIRST[:-1] + "1", SECOND, "line 1 ends with checksum 1, but it adds up to 0"),
        (FIRST, SECOND[:-1] + "0", "line 2 ends with checksum 0, but it adds up to 7"),
        (FIRST[:-1], SECOND, "line 1 is 68 characters long, but a line of a TLE has 69"),
        (FIRST, SECOND + "0", "line 2 is 70 characters long"),
        (FIRST, FIRST, "line 2 is '1 40697U .*, but line 2 of a TLE was expected there"),
        (FIRST, "", "line 2 is '', but line 2 of a TLE was expected"),
        (SECOND, FIRST, "line 1 is '2 40697 .*, but line 1 of a TLE was expected"),
        (FIRST.replace("-.00000002", "-,00000002"), SECOND, "line 1 .* columns are not those of a TLE"),
        (FIRST, SECOND.replace(" 98.5653", "98.5653 "), "line 2 .* columns are not those"),
        (FIRST, in_line(SECOND, 9, "nan.5653"), "line 2 .* columns are not those"),
        (FIRST, in_line(SECOND, 9, "  \u0663.5653"), "line 2 .* columns are not those"),
        (FIRST.replace("A   26", "\u00c5   26"), SECOND, "line 1 .* columns are not those"),
        (FIRST, in_line(SECOND, 3, "40698"), "line 2 is of object 40698, but the line before of object 40697"),
        (in_line(FIRST, 63, "4"), SECOND, "line 1 is of ephemeris type 4"),
        (in_line(FIRST, 21, "367"), SECOND, "line 2: its epoch lies on day 367"),
        (in_line(FIRST, 21, "000"), SECOND, "line 2: its epoch lies on day 0"),
        (in_line(FIRST, 21, "366"), SECOND, "line 2: its epoch lies on day 366 of 2026, which has days 1 to 365"),
        (FIRST, in_line(SECOND, 27, "       "), "line 2 .* columns are not those"),
        (FIRST, in_line(SECOND, 27, "00 1158"), "spaces within a number"),
        (FIRST, in_line(SECOND, 9, "180.0001"), "line 2: object 40697: inclination_deg is 180.0001"),
        (FIRST, in_line(SECOND, 53, " 0.00000000"), "line 2: object 40697: mean_motion_rev_day is 0.0"),
        (FIRST, in_line(SECOND, 9, "1 8.5653"), "spaces within a number"),
        ("\u00c5ngstr\u00f6m\n" + FIRST, SECOND, r"line 1 is '\\xc5ngstr\\xf6m', but a name is ASCII text"),
        ("A" * 101 + "\n" + FIRST, SECOND, "but a name is ASCII text of 100 letters at most"),
    ],
)
def test_lines_that_are_no_tle_are_refused(tmp_path: Path, first: str, second: str, said: str):
    path = written(tmp_path, f"{first}\n{second}\n")
    with pytest.raises(DataError, match=rf"^{path}: .*{said}"):
        read_tle(path)


def test_a_set_cut_off_is_refused(tmp_path: Path):
    path = written(tmp_path, f"{FIRST}\n{SECOND}\nLONELY")
    with pytest.raises(DataError, match="line 4 is '', but line 1 of a TLE was expected"):
        read_tle(path)


def test_a_file_without_elements_makes_no_constellation(tmp_path: Path):
    with pytest.raises(DataError, match="no element sets"):
        Tle(path=str(written(tmp_path, "# nothing\n"))).satellites(EPOCH_UTC, DAY_S)


def test_other_encodings_are_refused(tmp_path: Path):
    path = tmp_path / "wide.tle"
    path.write_bytes(f"{FIRST}\n{SECOND}".encode("utf-16"))
    with pytest.raises(DataError, match="is not UTF-8 text"):
        read_tle(path)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(StorageError, match="could not be read"):
        read_tle(tmp_path / "missing.tle")


@given(st.data())
@settings(max_examples=200)
def test_broken_files_raise_nothing_but_our_errors(mutated, survives, data: st.DataObject):
    survives(read_tle, data.draw(mutated(f"A\n{FIRST}\n{SECOND}\nB\n{FIRST}\n{SECOND}\n".encode())))


@given(st.data(), st.integers(0, 67), st.characters(min_codepoint=32, max_codepoint=126))
def test_lines_with_a_right_checksum_raise_nothing_but_our_errors(survives, data, place: int, letter: str):
    """Past the checksum, into the numbers."""
    first, second = data.draw(st.sampled_from([(True, False), (False, True)]))
    lines = [
        mended(line[:place] + letter + line[place + 1 :]) if chosen else line
        for line, chosen in ((FIRST, first), (SECOND, second))
    ]
    survives(read_tle, "\n".join(lines).encode())
