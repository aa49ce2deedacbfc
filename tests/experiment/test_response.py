"""From images to maps on the ground, worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from math import inf, isnan, nan
from typing import Any

import pytest

from orbitfl.contacts import Contact, point
from orbitfl.contacts.channel import Steady
from orbitfl.data.options import FolderData
from orbitfl.errors import ScenarioError
from orbitfl.experiment.acquisition import Image
from orbitfl.experiment.response import (
    BENT_PIPE,
    ONBOARD,
    WaterMap,
    bent_pipe_response,
    first_maps,
    onboard_response,
)
from orbitfl.scenario.schema import Event
from orbitfl.simulation.timeline import Downlink, Outcome, Timeline

EVENT = Event(
    time_utc=datetime(2024, 5, 5, tzinfo=UTC),
    area=point("flood", -30.0, -51.0),
    data=FolderData(path="flood"),
    target_iou_water=50.0,
    ground_processing_s=60.0,
)
IMAGES = [Image(0, 0, 100.0), Image(1, 0, 200.0), Image(0, 0, 300.0)]
NAMES = ("sat-0", "sat-1")


def down(
    number: int, node: int, station: str, start_s: float, end_s: float, sent_byte: int, outcome: Outcome
) -> Downlink:
    """In a pass of 8 kbit/s, which is over with it."""
    volume_bit = 8000.0 * (end_s - start_s)
    contact = Contact("ground", NAMES[node], station, start_s, end_s, False, 1.0, 2.0, 8000.0, volume_bit)
    return Downlink(number, node, contact, start_s, end_s, sent_byte, outcome)


def mission(*parts: Downlink) -> Timeline:
    return Timeline(parts, (), (), ())


def test_a_map_is_there_with_its_last_byte_though_more_was_booked():
    sent = mission(down(0, 0, "a", 400.0, 404.0, 4000, "cut"), down(0, 0, "b", 900.0, 906.0, 6000, "done"))
    maps = {0: WaterMap(5500, 61.0, 110.0), 1: WaterMap(5500, 40.0, 210.0)}
    table = onboard_response(EVENT, IMAGES, sent, Steady(), maps, NAMES)
    first, second, third = table.to_dict("records")
    assert first["delivered_s"] == 901.5 and first["useful"] and first["mapped_s"] == 110.0
    assert isnan(second["delivered_s"]) and not second["useful"], "it never came down"
    assert third["node"] == "sat-0" and isnan(third["mapped_s"])


def test_a_map_below_the_target_is_a_map_but_not_useful():
    sent = mission(
        down(0, 0, "a", 400.0, 410.0, 10_000, "done"),
        down(1, 1, "a", 800.0, 810.0, 10_000, "done"),
    )
    maps = {0: WaterMap(1000, 49.9, 110.0), 1: WaterMap(2000, 50.0, 210.0)}
    told = first_maps(40.0, onboard_response(EVENT, IMAGES, sent, Steady(), maps, NAMES), ONBOARD)
    assert told["first image h"] == pytest.approx(60 / 3600)
    assert told["first map h"] == pytest.approx((401 - 40) / 3600)
    assert told["useful map h"] == pytest.approx((802 - 40) / 3600)
    assert (told["first IoU"], told["first kB"], told["maps"], told["useful maps"]) == (49.9, 1.0, 2, 1)


def test_the_bent_pipe_waits_for_the_whole_image_and_the_ground():
    sent = mission(
        down(0, 0, "a", 400.0, 404.0, 4000, "cut"),
        down(1, 1, "a", 500.0, 510.0, 10_000, "done"),
        down(0, 0, "b", 900.0, 906.0, 6000, "done"),
    )
    table = bent_pipe_response(EVENT, IMAGES, sent, Steady(), 10_000, NAMES)
    assert table["delivered_s"].tolist()[:2] == [966.0, 570.0]
    told = first_maps(40.0, table, BENT_PIPE)
    assert told["useful map h"] == told["first map h"] == pytest.approx((570 - 40) / 3600)
    assert isnan(told["first IoU"])


class Growing(Steady):
    """Carries nothing at first, and ever more: a quarter of a window's bytes by half time."""

    def finish_s(self, contact: Contact, start_s: float, size_bit: float) -> float:
        return contact.start_s + (contact.end_s - contact.start_s) * (size_bit / contact.volume_bit) ** 0.5


def test_bytes_come_down_as_the_link_carries_them():
    sent = mission(down(0, 0, "a", 400.0, 500.0, 100_000, "done"))
    table = bent_pipe_response(EVENT, IMAGES[:1], sent, Growing(), 25_000, NAMES)
    assert table["delivered_s"].tolist() == [EVENT.ground_processing_s + 450.0]


def test_a_map_that_never_came_down_is_no_first_map():
    maps = {0: WaterMap(1000, 61.0, 110.0)}
    told = first_maps(40.0, onboard_response(EVENT, IMAGES, mission(), Steady(), maps, NAMES), ONBOARD)
    assert told["first image h"] == pytest.approx(60 / 3600)
    assert all(isnan(told[name]) for name in ("first map h", "useful map h", "first IoU", "first kB"))
    assert told["maps"] == 0


def test_nothing_seen_is_never_mapped():
    told = first_maps(40.0, onboard_response(EVENT, [], mission(), Steady(), {}, NAMES), ONBOARD)
    assert all(isnan(told[name]) for name in ("first image h", "first map h", "useful map h", "first IoU"))
    assert told["maps"] == told["useful maps"] == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"time_utc": datetime(2024, 5, 5)}, "without a time zone"),
        ({"target_iou_water": 101.0}, "target_iou_water is 101"),
        ({"target_iou_water": nan}, "target_iou_water is nan"),
        ({"raw_bit_per_px": 0.0}, "raw_bit_per_px is 0"),
        ({"ground_processing_s": inf}, "ground_processing_s is inf"),
    ],
)
def test_impossible_events_are_refused(changes: dict[str, Any], told: str):
    with pytest.raises(ScenarioError, match=told):
        replace(EVENT, **changes)
