"""From images to maps on the ground, worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from math import inf, isnan, nan
from typing import Any

import pytest

from orbitfl.contacts import point
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
from orbitfl.simulation.timeline import Downlink, Timeline

EVENT = Event(
    time_utc=datetime(2024, 5, 5, tzinfo=UTC),
    area=point("flood", -30.0, -51.0),
    data=FolderData(path="flood"),
    target_iou_water=50.0,
    ground_processing_s=60.0,
)
IMAGES = [Image(0, 0, 100.0), Image(1, 0, 200.0), Image(0, 0, 300.0)]
NAMES = ("sat-0", "sat-1")


def mission(*parts: Downlink) -> Timeline:
    return Timeline(parts, (), (), ())


def test_a_map_is_there_with_its_last_byte_though_more_was_booked():
    sent = mission(
        Downlink(0, 0, "a", 400.0, 404.0, 4000, 8000.0, "cut"), Downlink(0, 0, "b", 900.0, 906.0, 6000, 8000.0, "done")
    )
    maps = {0: WaterMap(5500, 61.0, 110.0), 1: WaterMap(5500, 40.0, 210.0)}
    table = onboard_response(EVENT, IMAGES, sent, maps, NAMES)
    first, second, third = table.to_dict("records")
    assert first["delivered_s"] == 901.5 and first["useful"] and first["mapped_s"] == 110.0
    assert isnan(second["delivered_s"]) and not second["useful"], "it never came down"
    assert third["node"] == "sat-0" and isnan(third["mapped_s"])


def test_a_map_below_the_target_is_a_map_but_not_useful():
    sent = mission(
        Downlink(0, 0, "a", 400.0, 410.0, 10_000, 8000.0, "done"),
        Downlink(1, 1, "a", 800.0, 810.0, 10_000, 8000.0, "done"),
    )
    maps = {0: WaterMap(1000, 49.9, 110.0), 1: WaterMap(2000, 50.0, 210.0)}
    told = first_maps(40.0, onboard_response(EVENT, IMAGES, sent, maps, NAMES), ONBOARD)
    assert told["first image h"] == pytest.approx(60 / 3600)
    assert told["first map h"] == pytest.approx((401 - 40) / 3600)
    assert told["useful map h"] == pytest.approx((802 - 40) / 3600)
    assert (told["first IoU"], told["first kB"], told["maps"], told["useful maps"]) == (49.9, 1.0, 2, 1)


def test_the_bent_pipe_waits_for_the_whole_image_and_the_ground():
    sent = mission(
        Downlink(0, 0, "a", 400.0, 404.0, 4000, 8000.0, "cut"),
        Downlink(1, 1, "a", 500.0, 510.0, 10_000, 8000.0, "done"),
        Downlink(0, 0, "b", 900.0, 906.0, 6000, 8000.0, "done"),
    )
    table = bent_pipe_response(EVENT, IMAGES, sent, 10_000, NAMES)
    assert table["delivered_s"].tolist()[:2] == [966.0, 570.0]
    told = first_maps(40.0, table, BENT_PIPE)
    assert told["useful map h"] == told["first map h"] == pytest.approx((570 - 40) / 3600)
    assert isnan(told["first IoU"])


def test_nothing_seen_is_never_mapped():
    told = first_maps(40.0, onboard_response(EVENT, [], mission(), {}, NAMES), ONBOARD)
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
