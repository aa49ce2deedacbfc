"""OEM against the `oem` package and against the orbits that the messages were made from, and what is refused."""

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from skyfield.framelib import ICRS_to_J2000

from orbitfl.errors import DataError, OrbitflWarning, ScenarioError, StorageError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.constellation import Satellites
from orbitfl.orbit.convention import PASEOS
from orbitfl.orbit.frames import earth_rotation, teme_to_gcrs, turned
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.oem import Oem
from orbitfl.orbit.oem_file import read_oem, write_oem
from orbitfl.orbit.propagator import Propagator
from orbitfl.orbit.tabulated import doubt_km, table

EPOCH_UTC = datetime(2026, 11, 17, 3, 4, 5, 678_000, tzinfo=UTC)
CREATED_UTC = datetime(2026, 11, 17, tzinfo=UTC)
SPAN_S = 7200.0
TT_MINUS_UTC_S = 69.184


def ellipse(name: str = "A", eccentricity: float = 0.02) -> Propagator:
    orbit = Elements(
        name=name,
        semi_major_axis_km=7000 / (1 - eccentricity),
        inclination_deg=98,
        eccentricity=eccentricity,
        raan_deg=30,
        argp_deg=40,
    )
    return Keplerian(orbits=(orbit,)).satellites(EPOCH_UTC, SPAN_S).propagator


def tabulate(path: Path, propagator: Propagator, t_s: ArrayLike, name: str = "A") -> Path:
    times_s = np.asarray(t_s, dtype=np.float64)
    r, v = propagator.states(times_s)
    write_oem(path, name, EPOCH_UTC, times_s, r[0], v[0], created_utc=CREATED_UTC)
    return path


def minutes(first_s: float, last_s: float, step_s: float = 60.0) -> Floats:
    return np.arange(first_s, last_s + step_s / 2, step_s)


@pytest.mark.parametrize(("step_s", "within_km"), [(60.0, 1e-8), (180.0, 2e-6), (300.0, 1e-4)])
def test_states_come_back_between_the_nodes(tmp_path: Path, step_s: float, within_km: float):
    """Nodes are written to 1e-9 km; from there the error is that of degree 7."""
    orbit = ellipse()
    path = tabulate(tmp_path / "a.oem", orbit, minutes(0, SPAN_S, step_s))
    satellites = Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S)
    assert satellites.names == ("A",)
    t_s = np.linspace(0, SPAN_S, 1237)
    for ours, exact in zip(satellites.propagator.states(t_s), orbit.states(t_s), strict=True):
        np.testing.assert_allclose(ours, exact, rtol=0, atol=within_km)


def test_the_error_of_a_middle_step_is_the_stated_bound(tmp_path: Path):
    """Circular motion has |r⁽⁸⁾| = n⁸ a; in the middle of four nodes the bound is (9/16)² h⁸ n⁸ a / 8!."""
    orbit, h_s = ellipse(eccentricity=0.0), 300.0
    path = tabulate(tmp_path / "a.oem", orbit, minutes(0, SPAN_S, h_s))
    t_s = np.array([h_s * 10.5])
    off_km = np.linalg.norm(
        Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S).propagator.positions(t_s) - orbit.positions(t_s)
    )
    rate = np.sqrt(398600.4418 / 7000**3)
    assert off_km == pytest.approx((9 / 16) ** 2 * (h_s * rate) ** 8 * 7000 / 40_320, rel=0.05)


@pytest.mark.parametrize("step_s", [900.0, 1200.0, 1320.0])
def test_coarse_states_are_told_with_the_size_of_their_error(tmp_path: Path, step_s: float):
    orbit, span_s = ellipse(), 14_400.0
    nodes_s = minutes(-4 * step_s, span_s + 4 * step_s, step_s)
    with pytest.warns(OrbitflWarning, match=f"states of A lie up to {step_s:.0f} s apart"):
        found = Oem(path=str(tabulate(tmp_path / "a.oem", orbit, nodes_s))).satellites(EPOCH_UTC, span_s).propagator
    t_s = np.arange(0.0, span_s)
    off_km = np.linalg.norm(found.positions(t_s) - orbit.positions(t_s), axis=-1).max()
    r, v = (each[0] for each in orbit.states(nodes_s))
    assert 0.5 < doubt_km(nodes_s, r, v) / off_km < 4


@pytest.mark.parametrize("step_s", [2700.0, 5400.0, 5828.5, 14_400.0])
def test_states_too_far_apart_are_refused(tmp_path: Path, step_s: float):
    path = tabulate(tmp_path / "a.oem", ellipse(), minutes(0, 8 * step_s, step_s))
    with pytest.raises(DataError, match=r"states of A lie up to .* may be off by up to .* km; take an ephemeris"):
        Oem(path=str(path)).satellites(EPOCH_UTC, 2 * step_s)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_doubt_of_few_states_is_no_less_than_their_error(count: int):
    orbit, t_s = ellipse(), np.linspace(0.0, 180.0 * (count - 1), count)
    r, v = (each[0] for each in orbit.states(t_s))
    between_s = np.linspace(0, t_s[-1], 500)
    off_km = np.linalg.norm(table(0, t_s[-1], t_s, r, v).states(between_s)[0] - orbit.positions(between_s)[0], axis=-1)
    assert doubt_km(t_s, r, v) >= off_km.max()


def test_velocities_are_derivatives_of_positions(tmp_path: Path):
    path = tabulate(tmp_path / "a.oem", ellipse(), minutes(0, SPAN_S, 180))
    propagator = Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S).propagator
    t_s, h_s = np.linspace(10, SPAN_S - 10, 100), 0.5
    slope = (propagator.positions(t_s + h_s) - propagator.positions(t_s - h_s)) / (2 * h_s)
    np.testing.assert_allclose(slope, propagator.states(t_s)[1], atol=1e-6)


@pytest.mark.filterwarnings("ignore")  # astropy warns that its own tables of the Earth are old
def test_the_oem_package_reads_what_we_write(tmp_path: Path):
    import oem as oracle  # brings astropy, which takes a second

    orbit, t_s = ellipse(), minutes(0, SPAN_S, 300)
    message = oracle.OrbitEphemerisMessage.open(str(tabulate(tmp_path / "a.oem", orbit, t_s)))
    (segment,) = message.segments
    metadata = {key: segment.metadata[key] for key in ("OBJECT_NAME", "REF_FRAME", "TIME_SYSTEM", "CENTER_NAME")}
    assert metadata == {"OBJECT_NAME": "A", "REF_FRAME": "GCRF", "TIME_SYSTEM": "UTC", "CENTER_NAME": "EARTH"}
    r, v, states = *orbit.states(t_s), list(segment.states)
    np.testing.assert_allclose([state.position for state in states], r[0], atol=1e-9)
    np.testing.assert_allclose([state.velocity for state in states], v[0], atol=1e-12)
    elapsed_s = [(state.epoch - states[0].epoch).sec for state in states]
    np.testing.assert_allclose(elapsed_s, t_s, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_we_read_what_the_oem_package_writes(tmp_path: Path):
    import oem as oracle  # brings astropy, which takes a second

    orbit, path = ellipse(), tmp_path / "theirs.oem"
    oracle.OrbitEphemerisMessage.open(str(tabulate(tmp_path / "a.oem", orbit, minutes(0, SPAN_S)))).save_as(str(path))
    assert path.read_text() != (tmp_path / "a.oem").read_text()
    t_s = np.linspace(0, SPAN_S, 100)
    r, _ = Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S).propagator.states(t_s)
    np.testing.assert_allclose(r, orbit.positions(t_s), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("frame", "within_km"),
    [("GCRF", 1e-8), ("ICRF", 1e-8), ("EME2000", 1e-8), ("TEME", 1e-8), ("ITRF", 1e-8), ("ITRF-97", 1e-8)],
)
def test_every_frame_turns_into_gcrs(tmp_path: Path, frame: str, within_km: float):
    """The frames' own turns are tested against skyfield."""
    orbit, t_s = ellipse(), minutes(-300, SPAN_S + 300)
    r, v = in_frame(frame, *orbit.states(t_s), t_s)
    path = tmp_path / "a.oem"
    write_oem(path, "A", EPOCH_UTC, t_s, r[0], v[0], created_utc=CREATED_UTC)
    path.write_text(path.read_text().replace("REF_FRAME = GCRF", f"REF_FRAME = {frame}"))
    inside_s = np.linspace(0, SPAN_S, 500)
    ours = Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S).propagator.states(inside_s)
    # TEME drifts by 1e-11 rad/s against GCRS, which turned velocities leave out.
    np.testing.assert_allclose(ours[0], orbit.states(inside_s)[0], rtol=0, atol=3e-7)
    np.testing.assert_allclose(ours[1], orbit.states(inside_s)[1], rtol=0, atol=1e-7)
    at_nodes = Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S).propagator.positions(minutes(0, SPAN_S))
    np.testing.assert_allclose(at_nodes, orbit.positions(minutes(0, SPAN_S)), rtol=0, atol=within_km)


def in_frame(frame: str, r: Floats, v: Floats, t_s: Floats) -> tuple[Floats, Floats]:
    if frame.startswith("ITRF"):
        return earth_rotation(EPOCH_UTC, SPAN_S).states_to_itrs(r, v, t_s)
    if frame == "TEME":
        turn = teme_to_gcrs(EPOCH_UTC, SPAN_S).matrices(t_s).transpose(0, 2, 1)
        return turned(turn, r), turned(turn, v)
    if frame == "EME2000":
        return r @ ICRS_to_J2000.T, v @ ICRS_to_J2000.T
    return r, v


def test_a_convention_may_read_teme_as_gcrs(tmp_path: Path):
    path = tabulate(tmp_path / "a.oem", ellipse(), minutes(0, SPAN_S))
    path.write_text(path.read_text().replace("REF_FRAME = GCRF", "REF_FRAME = TEME"))
    native = Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S, PASEOS).propagator
    np.testing.assert_allclose(native.positions([0.0, 600.0]), ellipse().positions([0.0, 600.0]), atol=1e-8)


@pytest.mark.parametrize(("scale", "ahead_s"), [("UTC", 0.0), ("TAI", 37.0), ("TT", TT_MINUS_UTC_S), ("GPS", 18.0)])
def test_every_time_scale_counts_from_the_same_instant(tmp_path: Path, scale: str, ahead_s: float):
    """Read as another scale, the same texts mean an instant so many seconds earlier."""
    orbit, path = ellipse(), tmp_path / "a.oem"
    tabulate(path, orbit, minutes(0, SPAN_S + 120))
    path.write_text(path.read_text().replace("TIME_SYSTEM = UTC", f"TIME_SYSTEM = {scale}"))
    ours = Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S).propagator.positions([0.0, 1000.0])
    np.testing.assert_allclose(ours, orbit.positions(np.array([0.0, 1000.0]) + ahead_s), atol=1e-6)


def test_days_of_the_year_and_accelerations_and_covariances_are_taken(tmp_path: Path):
    path = tabulate(tmp_path / "a.oem", ellipse(), minutes(0, SPAN_S))
    text = re.sub(r"2026-11-17T(\S+)( .*)", r"2026-321T\1\2 0.1 0.2 0.3", path.read_text())
    path.write_text(text + "COVARIANCE_START\nEPOCH = 2026-321T00:00:00\n1.0\n2.0 3.0\nCOVARIANCE_STOP\nCOMMENT end\n")
    assert "2026-321" in path.read_text()
    ours = Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S).propagator.positions([90.0])
    np.testing.assert_allclose(ours, ellipse().positions([90.0]), atol=1e-8)


def test_several_messages_in_one_file_are_a_constellation(tmp_path: Path):
    """And objects of one name are told apart by their ids."""
    texts = []
    for number, eccentricity in enumerate((0.0, 0.01, 0.02)):
        path = tabulate(
            tmp_path / f"{number}.oem", ellipse(eccentricity=eccentricity), minutes(0, SPAN_S), "AB"[number > 0]
        )
        texts.append(path.read_text().replace("OBJECT_ID = B", f"OBJECT_ID = 2026-00{number}A"))
    together = tmp_path / "all.oem"
    together.write_text("".join(texts))
    satellites = Oem(path=str(together)).satellites(EPOCH_UTC, SPAN_S)
    assert satellites.names == ("A", "B 2026-001A", "B 2026-002A")
    expected = [ellipse(eccentricity=e).positions([0.0, 333.0])[0] for e in (0.0, 0.01, 0.02)]
    np.testing.assert_allclose(satellites.propagator.positions([0.0, 333.0]), expected, atol=1e-8)


class Kicked:
    """A satellite that changes its orbit at 3600 s."""

    count = 1

    def states(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        times_s = np.asarray(t_s, dtype=np.float64)
        before, after = ellipse(eccentricity=0.0).states(times_s), ellipse(eccentricity=0.05).states(times_s)
        late = (times_s >= 3600)[None, :, None]
        return np.where(late, after[0], before[0]), np.where(late, after[1], before[1])

    def positions(self, t_s: ArrayLike) -> Floats:
        return self.states(t_s)[0]


def two_segments(folder: Path, first_end_s: float = 3600.0, second_start_s: float = 3600.0) -> Path:
    before = tabulate(folder / "1.oem", ellipse(eccentricity=0.0), minutes(0, first_end_s))
    after = tabulate(folder / "2.oem", ellipse(eccentricity=0.05), minutes(second_start_s, SPAN_S))
    path = folder / "both.oem"
    path.write_text(before.read_text() + after.read_text())
    return path


def kicked(path: Path) -> Satellites:
    before, after = (ellipse(eccentricity=each).states([3600.0])[1] for each in (0.0, 0.05))
    jump = re.escape(f"{1000 * np.linalg.norm(after - before):.3g} m/s at 3600.000 s after the epoch")
    with pytest.warns(OrbitflWarning, match=f"^{path}: the states of A change velocity by {jump}"):
        return Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S)


@pytest.mark.parametrize(("jump_m_s", "told"), [(0.9, False), (1.1, True)])
def test_a_velocity_that_jumps_between_segments_is_told(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, jump_m_s: float, told: bool
):
    orbit, texts = ellipse(), []
    for first_s, last_s, added_m_s in ((0.0, 3600.0, 0.0), (3600.0, SPAN_S, jump_m_s)):
        t_s = minutes(first_s, last_s)
        r, v = orbit.states(t_s)
        drift_km_s = np.array([0.0, 0.0, added_m_s / 1000])
        moved_km = r[0] + drift_km_s * (t_s - first_s)[:, None]
        write_oem(tmp_path / "a.oem", "A", EPOCH_UTC, t_s, moved_km, v[0] + drift_km_s, created_utc=CREATED_UTC)
        texts.append((tmp_path / "a.oem").read_text())
    (tmp_path / "a.oem").write_text("".join(texts))
    Oem(path=str(tmp_path / "a.oem")).satellites(EPOCH_UTC, SPAN_S)
    messages = [str(each.message) for each in recwarn]
    assert len(messages) == told
    assert all("change velocity by 1.1 m/s at 3600.000 s" in message for message in messages)


def test_nothing_is_interpolated_across_segments(tmp_path: Path):
    ours = kicked(two_segments(tmp_path)).propagator
    t_s = np.array([0.0, 3580.0, 3599.999, 3600.0, 3600.001, 3620.0, SPAN_S])
    np.testing.assert_allclose(ours.positions(t_s), Kicked().positions(t_s), atol=1e-7)


def test_useable_times_choose_between_overlapping_segments(tmp_path: Path):
    path = two_segments(tmp_path, first_end_s=4200.0, second_start_s=3000.0)
    for keyword in ("STOP_TIME = 2026-11-17T04:14:05.678000", "START_TIME = 2026-11-17T03:54:05.678000"):
        assert path.read_text().count(keyword) == 1
        useable = f"USEABLE_{keyword.split('2026')[0]}2026-11-17T04:04:05.678"
        path.write_text(path.read_text().replace(keyword, f"{keyword}\n{useable}"))
    t_s = np.array([3500.0, 3599.0, 3601.0, 4000.0])
    np.testing.assert_allclose(kicked(path).propagator.positions(t_s), Kicked().positions(t_s), atol=1e-7)


def test_a_leap_second_within_the_table_is_a_second(tmp_path: Path):
    epoch_utc, path = datetime(2016, 12, 31, 23, 30, tzinfo=UTC), tmp_path / "a.oem"
    t_s = minutes(0, 3600, 30)
    r, v = ellipse().states(t_s)
    write_oem(path, "A", epoch_utc, t_s, r[0], v[0], created_utc=CREATED_UTC)
    assert "2016-12-31T23:59:60.000000" in path.read_text()
    inside_s = np.linspace(0, 3600, 777)
    ours = Oem(path=str(path)).satellites(epoch_utc, 3600.0).propagator.positions(inside_s)
    np.testing.assert_allclose(ours, ellipse().positions(inside_s), atol=1e-8)


@pytest.mark.parametrize(
    ("first_s", "last_s", "said"),
    [
        (60.0, 7260.0, "reach from 60.000 to 7260.000 s after the epoch, but the span from 0 to 7200.000 s"),
        (0.0, 7140.0, "reach from 0.000 to 7140.000 s"),
        (-9000.0, -60.0, "lie outside the span altogether"),
        (7260.0, 9000.0, "lie outside the span altogether"),
    ],
)
def test_a_span_not_covered_is_refused(tmp_path: Path, first_s: float, last_s: float, said: str):
    path = tabulate(tmp_path / "a.oem", ellipse(), minutes(first_s, last_s))
    with pytest.raises(DataError, match=rf"^{path}: the states of A {said}"):
        Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S)


def test_a_gap_is_refused(tmp_path: Path):
    path = two_segments(tmp_path, first_end_s=3540.0)
    with pytest.raises(DataError, match=r"the states of A leave a gap from 3540.000 to 3600.000 s"):
        Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S)


def test_a_segment_within_another_is_refused(tmp_path: Path):
    whole = tabulate(tmp_path / "1.oem", ellipse(), minutes(0, SPAN_S))
    part = tabulate(tmp_path / "2.oem", ellipse(), minutes(600, 1200))
    whole.write_text(whole.read_text() + part.read_text())
    with pytest.raises(DataError, match=r"the states of A come twice from 600.000 to 1200.000 s"):
        Oem(path=str(whole)).satellites(EPOCH_UTC, SPAN_S)


def test_times_beyond_the_table_are_refused(tmp_path: Path):
    path = tabulate(tmp_path / "a.oem", ellipse(), minutes(0, SPAN_S))
    propagator = Oem(path=str(path)).satellites(EPOCH_UTC, SPAN_S).propagator
    assert np.isfinite(propagator.positions([-1e-7, SPAN_S + 1e-7])).all()
    with pytest.raises(DataError, match=r"states of A reach from 0.000 to 7200.000 s .* but 7201.000 s was asked for"):
        propagator.positions([0.0, SPAN_S + 1])


STATE = "2026-11-17T03:04:05 7000 0 0 0 7.5 0"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("CCSDS_OEM_VERS = 2.0", "CCSDS_OPM_VERS = 2.0", "is not an OEM in KVN"),
        ("CCSDS_OEM_VERS = 2.0", "CCSDS_OEM_VERS = 9.0", "is not an OEM in KVN"),
        ("META_START", "META_BEGIN", "has no META_START"),
        ("META_STOP", "", "is not of the form KEYWORD = value|have no META_STOP"),
        ("REF_FRAME = GCRF", "REF_FRAME = TOD", "REF_FRAME after line 5 is 'TOD', but it must be GCRF"),
        ("REF_FRAME = GCRF", "REF_FRAME = ", "have no REF_FRAME"),
        ("REF_FRAME = GCRF", "REF_FRAME = GCRF\nREF_FRAME = TEME", "gives 'REF_FRAME' a second time"),
        ("REF_FRAME = GCRF", "REF_FRAME GCRF", "line 9 is not of the form KEYWORD = value"),
        ("TIME_SYSTEM = UTC", "TIME_SYSTEM = TDB", "TIME_SYSTEM after line 5 is 'TDB', but it must be UTC or TAI"),
        ("CENTER_NAME = EARTH", "CENTER_NAME = MOON", "CENTER_NAME after line 5 is 'MOON'"),
        ("OBJECT_NAME = A", f"OBJECT_NAME = {'A' * 101}", "OBJECT_NAME after line 5 must be printable"),
        ("START_TIME = ", "USEABLE_START_TIME = yesterday\nSTART_TIME = ", "USEABLE_START_TIME after line 5 is 'yest"),
        (STATE, "2026-11-17T03:04:05 7000 0 0 0 7.5", "must hold a time, a position and a velocity"),
        (STATE, "2026-11-17T03:04:05 7000 0 0 0 nan 0", "must hold a time, a position and a velocity"),
        (STATE, "2026-11-17T03:04:65 7000 0 0 0 7.5 0", "must hold a time, a position and a velocity"),
        (STATE, "2026-11-17T03:04:05 6300 0 0 0 7.5 0", "puts the object 6300 km from the Earth's centre"),
        (STATE, "2026-11-17T03:04:05 7000000 0 0 0 7500 0", "write km and km/s"),
        (STATE, "2026-11-17T03:04:05 1e300 1e300 0 0 7.5 0", "from the Earth's centre"),
        (STATE, f"{STATE}\n{STATE}", "the time in line 18 is not later than that of the line before"),
    ],
)
def test_messages_that_mean_nothing_are_refused(tmp_path: Path, old: str, new: str, said: str):
    path = tabulate(tmp_path / "a.oem", ellipse(), minutes(0, SPAN_S))
    lines = path.read_text().splitlines()
    text = "\n".join([*lines[:16], STATE, *lines[17:]])
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match=rf"^{path}: .*({said})"):
        read_oem(path)


def test_one_state_is_no_ephemeris(tmp_path: Path):
    path = tabulate(tmp_path / "a.oem", ellipse(), minutes(0, 60))
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(DataError, match="starts in line 5 has 1 states, but needs 2 or more"):
        read_oem(path)


@pytest.mark.parametrize("t_s", [[0.0], [0.0, 0.0], [60.0, 0.0], [0.0, float("nan")]])
def test_times_that_do_not_increase_are_not_written(tmp_path: Path, t_s: list[float]):
    with pytest.raises(ScenarioError, match="each later than the one before"):
        write_oem(
            tmp_path / "a.oem",
            "A",
            EPOCH_UTC,
            np.array(t_s),
            np.zeros((len(t_s), 3)),
            np.zeros((len(t_s), 3)),
            created_utc=CREATED_UTC,
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", " ", "A\nMETA_STOP", "A" * 101])
def test_names_that_fit_no_line_are_not_written(tmp_path: Path, name: str):
    with pytest.raises(ScenarioError, match="printable names"):
        tabulate(tmp_path / "a.oem", ellipse(), minutes(0, 60), name)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(StorageError, match="could not be read"):
        read_oem(tmp_path / "missing.oem")


@pytest.mark.filterwarnings("ignore::orbitfl.errors.OrbitflWarning")  # a mutated digit is told as a doubtful state
@given(st.data())
@settings(max_examples=150)
def test_broken_files_raise_nothing_but_our_errors(mutated, survives, good: bytes, data: st.DataObject):
    survives(lambda path: Oem(path=str(path)).satellites(EPOCH_UTC, 300.0), data.draw(mutated(good)))


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tabulate(tmp_path_factory.mktemp("good") / "a.oem", ellipse(), minutes(0, 300)).read_bytes()
