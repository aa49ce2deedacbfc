"""ION contact plans against a reader of their grammar written for this test, from ionrc(5) alone."""

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil, floor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orbitfl.contacts import ContactPlan
from orbitfl.contacts.formats import read, write
from orbitfl.contacts.plan import columns_of
from orbitfl.errors import DataError, StorageError

EPOCH_UTC = datetime(2026, 3, 1, tzinfo=UTC)
LINE = re.compile(
    r"(?P<note>#.*)|@ (?P<at>\d{4}/\d\d/\d\d-\d\d:\d\d:\d\d)"
    r"|a (?P<what>contact|range) \+(?P<start>\d+) \+(?P<end>\d+) (?P<one>\d+) (?P<two>\d+) (?P<value>\d+)"
)


class Said(NamedTuple):
    """What a file tells a node of ION. Spans are (start, end) in UTC."""

    contacts: dict[tuple[int, int], list[tuple[datetime, datetime, int]]]
    ranges: dict[tuple[int, int], list[tuple[datetime, datetime, int]]]


def said(path: Path) -> Said:
    """By the rules of ionrc(5), all of them asserted."""
    found, reference = Said(defaultdict(list), defaultdict(list)), None
    for line in path.read_text().splitlines():
        assert len(line.encode()) < 255
        match = LINE.fullmatch(line)
        assert match, line
        if match["at"]:
            reference = datetime.strptime(match["at"], "%Y/%m/%d-%H:%M:%S").replace(tzinfo=UTC)
        if match["what"]:
            assert reference, "a relative time before any reference time"
            start, end, one, two, value = (int(match[name]) for name in ("start", "end", "one", "two", "value"))
            assert start < end and min(one, two) >= 1 and one != two and value > 0
            table = found.contacts if match["what"] == "contact" else found.ranges
            table[one, two].append((reference + timedelta(seconds=start), reference + timedelta(seconds=end), value))
    for spans in [*found.contacts.values(), *found.ranges.values()]:
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(spans))), "overlapping intervals"
    assert all(one < two for one, two in found.ranges), "a range of a higher to a lower number holds one way only"
    return found


def apart(plan: ContactPlan) -> ContactPlan:
    """Without contacts that overlap an earlier one of their pair."""
    busy_s: dict[tuple[str, str], float] = {}
    kept = []
    for contact in plan:
        free = contact.start_s >= busy_s.get((contact.a, contact.b), 0.0)
        kept.append(free)
        if free:
            busy_s[contact.a, contact.b] = contact.end_s
    return plan.where(np.array(kept, dtype=bool))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_ion_is_told_no_more_than_the_plan_allows(plans: st.SearchStrategy, data: st.DataObject, tmp_path: Path):
    """Each whole second of a window, both ways, and a light time that the range never exceeds."""
    plan = apart(data.draw(plans))
    write(plan, tmp_path / "plan.ionrc")
    found = said(tmp_path / "plan.ionrc")
    expected = defaultdict(list)
    for contact in plan:
        one, two = (plan.nodes.index(name) + 1 for name in (contact.a, contact.b))
        fraction_s = plan.epoch_utc.microsecond / 1e6
        start_s, end_s = ceil(contact.start_s + fraction_s), floor(contact.end_s + fraction_s)
        if start_s < end_s and contact.rate_bps >= 8:
            reference = plan.epoch_utc.replace(microsecond=0)
            span = reference + timedelta(seconds=start_s), reference + timedelta(seconds=end_s)
            for way in ((one, two), (two, one)):
                expected[way].append((*span, floor(contact.rate_bps / 8)))
            assert span[0] >= plan.epoch_utc + timedelta(seconds=contact.start_s)
            assert span[1] <= plan.epoch_utc + timedelta(seconds=contact.end_s, microseconds=1)
            light_s = [range_[2] for range_ in found.ranges[one, two] if range_[:2] == span]
            assert light_s == [max(1, ceil(contact.range_max_km / 299_792.458))]
    assert found.contacts == expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_plan_read_back_has_all_that_ion_holds(plans: st.SearchStrategy, data: st.DataObject, tmp_path: Path):
    plan = apart(data.draw(plans))
    write(plan, tmp_path / "plan.ion")
    again = read(tmp_path / "plan.ion")
    assert again.epoch_utc == plan.epoch_utc.replace(microsecond=0)
    assert (again.nodes, again.satellite_count) == (plan.nodes, plan.satellite_count)
    assert plan.duration_s <= again.duration_s < plan.duration_s + 2
    write(again, tmp_path / "again.ion")
    assert said(tmp_path / "again.ion") == said(tmp_path / "plan.ion")
    assert {contact.kind for contact in again} <= {contact.kind for contact in plan}
    for contact in again:
        assert contact.volume_bit == contact.rate_bps * (contact.end_s - contact.start_s)


def test_what_a_file_looks_like(plan: ContactPlan, tmp_path: Path):
    write(plan, tmp_path / "plan.ionrc")
    assert (tmp_path / "plan.ionrc").read_text().splitlines() == [
        "# Contact plan by orbitfl: rates in bytes per second, times in whole seconds.",
        "# span 3600",
        "# satellites 2",
        '# node 1 "sat-0"',
        '# node 2 "sat-1"',
        '# node 3 "svalbard"',
        "@ 2018/05/18-03:21:00",
        "a contact +0 +900 1 2 12500000",
        "a contact +0 +900 2 1 12500000",
        "a range +0 +900 1 2 1",
        "a contact +701 +1000 1 3 125000",
        "a contact +701 +1000 3 1 125000",
        "a range +701 +1000 1 3 1",
        "a contact +701 +1300 2 3 125000",
        "a contact +701 +1300 3 2 125000",
        "a range +701 +1300 2 3 1",
    ]


FOREIGN = """
## begin ionadmin
# node of the lander
1 7 ''
s
@ 2026/03/01-00:00:00
a contact +10 2026/03/01-00:01:00 7 9 1000 0.9
a contact +10 +60 9 7 1000
@ +100
a contact +0 +5 7 9 2000
a contact +0 +5 9 7 2000
a range 2026/03/01-00:00:00 +900 7 9 2
a contact +0 +3600 7 7 100000
m production 1000000
## end ionadmin
"""


def test_another_ones_file_is_read(tmp_path: Path):
    """Times of both kinds, a reference time that moves, a confidence, a node's way to itself, one range for all."""
    (tmp_path / "plan.ionrc").write_text(FOREIGN)
    plan = read(tmp_path / "plan.ionrc")
    assert plan.nodes == ("node-7", "node-9")
    assert [(c.kind, c.start_s, c.end_s, c.rate_bps) for c in plan] == [("isl", 10, 60, 8000), ("isl", 100, 105, 16000)]
    assert [c.range_max_km for c in plan] == pytest.approx(2 * [2 * 299_792.458], rel=2e-6)
    assert plan.epoch_utc == EPOCH_UTC


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@ 2026/03/01-00:00:00\n", "", "Line 6: A time stands before any reference time"),
        ("@ 2026/03/01-00:00:00", "@ 2026-03-01", "Line 6: '2026-03-01' is not a time like"),
        ("a contact +10 +60 9 7 1000\n", "", "has no twin in the other direction"),
        ("9 7 1000", "9 7 1001", "nodes 7 and 9 at 10 s is not the same in both directions"),
        ("+900 7 9 2", "+4 7 9 2", "No range of nodes 7 and 9 covers their contact at 100 s"),
        ("a contact +0 +5 7 9 2000", "d contact * 7 9", "is not a command that adds a contact or a range"),
        ("7 9 2000", "0 9 2000", "Line 10: '0' stands where a whole number from 1 is due"),
        ("7 9 2000", "7 9 fast", "'fast' stands where a whole number"),
        ("7 9 2000", "7 9 9" + 99 * "9", "stands where a whole number"),
        ("@ +100", "a contact +10 +60 9 7 1000", "Line 9: This contact has been added before"),
        ("@ +100", "@ +57", "overlap at 57 s"),
        ("# node of the lander", '# node 7 "same"\n# node 9 "same"', "given twice: same"),
    ],
)
def test_bad_lines_are_told(old: str, new: str, message: str, tmp_path: Path):
    assert old in FOREIGN
    (tmp_path / "plan.ionrc").write_text(FOREIGN.replace(old, new))
    with pytest.raises(DataError, match=message):
        read(tmp_path / "plan.ionrc")


def test_what_ion_cannot_say_is_refused(plan: ContactPlan, tmp_path: Path):
    overlapping = columns_of(2 * [("isl", 0, 1, 0.0, 900.0, False, 1.0, 2.0, 8.0, 7200.0)])
    with pytest.raises(StorageError, match="Nodes 1 and 2 have contacts that overlap at 0 s"):
        write(ContactPlan(EPOCH_UTC, 3600.0, plan.nodes, overlapping), tmp_path / "plan.ionrc")
    with pytest.raises(StorageError, match="ION reads lines of 254 bytes"):
        write(ContactPlan(EPOCH_UTC, 3600.0, ("é" * 150,), columns_of([])), tmp_path / "plan.ionrc")
    assert list(tmp_path.iterdir()) == []
