"""Calendar texts and leap seconds against skyfield and the published table."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skyfield.api import load

from orbitfl.errors import ScenarioError
from orbitfl.orbit.clock import (
    SCALES,
    Instant,
    calendar_instant,
    epoch_instant,
    in_tai,
    leap_seconds,
    require_span,
    seconds_between,
    utc_texts,
)

epochs = st.datetimes(datetime(1972, 1, 2), datetime(2060, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "seconds"),
    [("1971-12-31", 10), ("1972-06-30", 10), ("1972-07-01", 11), ("2016-12-31", 36), ("2017-01-01", 37)],
)
def test_leap_seconds_are_those_of_the_iers_table(day: str, seconds: int):
    """IERS Bulletin C; before 1972 the number of January 1972 is kept."""
    assert leap_seconds([datetime.fromisoformat(day).toordinal()]) == [seconds]


@given(epochs, st.floats(0, 1e8))
def test_seconds_count_as_those_of_skyfield(epoch_utc: datetime, ahead_s: float):
    """skyfield resolves Julian dates to 20 µs or so."""
    later = epoch_utc + timedelta(seconds=ahead_s)
    ours_s = seconds_between(*(in_tai(epoch_instant(moment), "UTC") for moment in (epoch_utc, later)))
    scale = load.timescale(builtin=True)
    theirs_s = (scale.from_datetime(later) - scale.from_datetime(epoch_utc)) * 86_400
    assert ours_s == pytest.approx(theirs_s, abs=1e-4)


def test_scales_differ_by_their_definitions():
    """At the GPS epoch GPS equals UTC and TAI is 19 s ahead; TT is 32.184 s ahead of TAI."""
    day = datetime(1980, 1, 6).toordinal()
    seconds = {scale: in_tai(Instant(day, 0.0), scale).second for scale in SCALES}
    assert seconds == {"UTC": 19.0, "GPS": 19.0, "TAI": 0.0, "TT": -32.184}


def test_time_zones_do_not_matter():
    there = datetime(2026, 5, 18, 5, 21, tzinfo=timezone(timedelta(hours=2)))
    assert epoch_instant(there) == epoch_instant(datetime(2026, 5, 18, 3, 21, tzinfo=UTC))


@given(epochs, st.integers(0, 10**14))
def test_texts_name_the_instants_that_they_came_from(epoch_utc: datetime, microseconds: int):
    (text,) = utc_texts(epoch_utc, [microseconds * 1e-6])
    instant = calendar_instant(text)
    assert instant is not None
    elapsed_s = seconds_between(in_tai(epoch_instant(epoch_utc), "UTC"), in_tai(instant, "UTC"))
    assert elapsed_s == pytest.approx(microseconds * 1e-6, abs=1.1e-6)


def test_a_leap_second_reads_as_the_sixtieth():
    epoch_utc = datetime(2016, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)
    assert utc_texts(epoch_utc, [0.4999996, 0.5, 1.4999, 1.5]) == [
        "2016-12-31T23:59:60.000000",
        "2016-12-31T23:59:60.000000",
        "2016-12-31T23:59:60.999900",
        "2017-01-01T00:00:00.000000",
    ]


def test_days_of_the_year_are_dates():
    assert calendar_instant("2024-366T12:00:00.25") == calendar_instant("2024-12-31T12:00:00.25Z")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-05-18",
        "2026-05-18 03:21:00",
        "2026-02-29T00:00:00",
        "2026-366T00:00:00",
        "2026-000T00:00:00",
        "0000-01-01T00:00:00",
        "9999-366T00:00:00",
        "2026-05-18T24:00:00",
        "2026-05-18T00:60:00",
        "2026-05-18T00:00:61",
        "2026-05-18T00:00:00+02:00",
        "２026-05-18T00:00:00",
    ],
)
def test_texts_that_name_no_instant_give_none(text: str):
    assert calendar_instant(text) is None


@given(st.text(max_size=30))
def test_any_text_gives_an_instant_or_none(text: str):
    assert calendar_instant(text) is None or text[:4].isdigit()


@pytest.mark.parametrize(
    ("epoch_utc", "duration_s", "said"),
    [
        (datetime(1956, 12, 31, tzinfo=UTC), 60.0, "spans must lie from 1957 to 2099"),
        (datetime(2099, 12, 31, tzinfo=UTC), 86_400.0, "spans must lie from 1957 to 2099"),
        (datetime(2026, 1, 1), 60.0, "without a time zone"),
        (datetime(2026, 1, 1, tzinfo=UTC), -1.0, "duration_s is -1.0"),
        (datetime(2026, 1, 1, tzinfo=UTC), float("nan"), "duration_s is nan"),
        (datetime(2026, 1, 1, tzinfo=UTC), 1e12, "shorten the span"),
    ],
)
def test_spans_without_known_rotation_are_refused(epoch_utc: datetime, duration_s: float, said: str):
    with pytest.raises(ScenarioError, match=said):
        require_span(epoch_utc, duration_s)


def test_the_whole_range_of_years_is_allowed():
    require_span(datetime(1957, 1, 1, tzinfo=UTC), 0.0)
    require_span(datetime(2099, 12, 30, tzinfo=UTC), 86_400.0)
    assert np.isfinite(leap_seconds([datetime(2099, 12, 31).toordinal()])).all()
