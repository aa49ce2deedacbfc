"""What satellites fly over: against a scan of where they are every ten seconds, and a whole mission with an event."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import orbitfl
from orbitfl.contacts import Area
from orbitfl.data.boxes import Box
from orbitfl.errors import DataError, ScenarioError
from orbitfl.experiment.acquisition import _touch, clear_images
from orbitfl.experiment.dry import dry_run
from orbitfl.experiment.result import RunResult
from orbitfl.experiment.survey import survey
from orbitfl.orbit.frames import earth_rotation, geodetic_position
from orbitfl.orbit.sun import sun
from orbitfl.purposes import Purpose
from orbitfl.scenario import Scenario
from orbitfl.simulation.timeline import Downlink, Inference, Session

EVENT = (
    "event={time_utc: 2018-05-18T09:00:00Z, area: {name: alps, south_deg: 45.0, west_deg: 12.4, north_deg: 45.2, "
    "east_deg: 12.6}, data: {kind: synthetic, scenes: 4, size_px: 128, tile_px: 64}, target_iou_water: 1}"
)
HOURS = (
    "duration_s=43200",
    "training.session_every_s=3600",
    "training.session_steps=1",
    "evaluation.every_s=43200",
    "environment={kind: battery}",
    "data.partition={kind: overflight}",
    "constellation.raan_deg=210",  # which passes in mid-morning
)


@pytest.fixture(scope="module")
def scenario(repository: Path, tiny: tuple[str, ...]) -> Scenario:
    controls = "exchange.controls=[isolated, centralised, frozen]"
    return orbitfl.load(repository / "constellations/first_light.yaml", (*tiny, *HOURS, EVENT, controls))


@pytest.fixture(scope="module")
def result(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return orbitfl.run(scenario, tmp_path_factory.mktemp("runs") / "event")


def images_by_scan(scenario: Scenario, areas: Sequence[Area], every_s: float) -> list[tuple[int, int, float]]:
    """Satellite, area and last sample of every run of samples by which all corners of a box were in the swath by day.

    A pass is a run of samples with any corner in the swath.
    """
    t_s = np.arange(0.0, scenario.duration_s, every_s)
    rotation = earth_rotation(scenario.epoch_utc, scenario.duration_s)
    below = scenario.constellation.satellites(scenario.epoch_utc, scenario.duration_s).propagator.positions(t_s)
    below = np.stack([rotation.to_itrs(each, t_s) for each in below])
    below /= np.linalg.norm(below, axis=-1, keepdims=True)
    sunward = rotation.to_itrs(sun(scenario.epoch_utc).positions(t_s)[0], t_s)
    reach = np.cos(145.0 / 6371.0088)
    found = []
    for number, area in enumerate(areas):
        corners = [(lat, lon) for lat in (area.south_deg, area.north_deg) for lon in (area.west_deg, area.east_deg)]
        axes = np.stack([geodetic_position(lat, lon, 0.0) for lat, lon in corners])
        centre = geodetic_position(*area.centre_deg, 0.0)
        lat, lon = np.deg2rad(area.centre_deg)
        up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        sight = sunward - centre
        lit = sight @ up / np.linalg.norm(sight, axis=-1) > np.sin(np.deg2rad(10.0))
        inside = (below @ (axes / np.linalg.norm(axes, axis=-1, keepdims=True)).T > reach) & lit[:, None]
        for node in range(len(below)):
            any_in = inside[node].any(axis=1)
            edges = np.flatnonzero(np.diff(np.concatenate([[0], any_in.astype(int), [0]])))
            for first, last in edges.reshape(-1, 2):
                if inside[node, first:last].any(axis=0).all():
                    found.append((node, number, float(t_s[last - 1])))
    return found


def test_images_are_those_of_a_scan(scenario: Scenario):
    areas = [
        Area(name=f"{lat} {lon}", south_deg=lat, north_deg=lat + 0.1, west_deg=lon, east_deg=lon + 0.12)
        for lat in (-60.0, -30.0, 0.0, 45.1, 66.3)
        for lon in (-51.2, 12.4, 100.0, 179.95)
    ]
    found = sorted(clear_images(scenario, areas, Purpose.SCENE_CLOUDS))
    expected = sorted(images_by_scan(scenario, areas, 2.0))
    assert len(expected) > 5
    assert [each[:2] for each in found] == [each[:2] for each in expected]
    np.testing.assert_allclose([each.at_s for each in found], [each[2] for each in expected], rtol=0, atol=2.5)


def test_clouds_hide_their_share_of_images_and_the_seed_says_which(scenario: Scenario):
    areas = [
        Area(name=f"{lat}", south_deg=lat, north_deg=lat + 0.1, west_deg=0.0, east_deg=0.1) for lat in range(-70, 75, 5)
    ]
    cloudy = replace(scenario, imaging=replace(scenario.imaging, cloud_probability=0.4))
    everything, clear = (clear_images(each, areas, Purpose.SCENE_CLOUDS) for each in (scenario, cloudy))
    assert set(clear) < set(everything)
    # Three standard deviations of a binomial share of some 300 images.
    assert len(clear) / len(everything) == pytest.approx(0.6, abs=3 * (0.24 / len(everything)) ** 0.5)
    assert clear == clear_images(cloudy, areas, Purpose.SCENE_CLOUDS)
    assert clear != clear_images(replace(cloudy, seed=8), areas, Purpose.SCENE_CLOUDS)
    assert not clear_images(
        replace(scenario, imaging=replace(scenario.imaging, cloud_probability=1.0)), areas, Purpose.PARTITION
    )


def test_satellites_hold_what_they_have_seen_and_train_on_nothing_else(scenario: Scenario):
    known = survey(scenario, 8)
    firsts = [holding.first_s for holding in known.holdings]
    assert any(0 < first_s < scenario.duration_s for first_s in firsts)
    sessions = [each for each in dry_run(scenario).happenings if isinstance(each, Session)]
    assert sessions and all(each.start_s >= firsts[each.node] for each in sessions)
    assert {each.node for each in sessions} == {node for node, first_s in enumerate(firsts) if first_s < 43_200}


def test_the_event_is_mapped_and_its_map_comes_down(result: RunResult):
    assert result.response is not None and set(result.response["how"]) == {"onboard", "bent pipe"}
    onboard = result.response.loc[result.response["how"] == "onboard"]
    event_s = 5 * 3600 + 39 * 60
    assert np.all(onboard["imaged_s"].to_numpy() > event_s)
    done = onboard.dropna()
    assert len(done) > 0, "no map came down"
    imaged_s, mapped_s, delivered_s = (done[name].to_numpy(float) for name in ("imaged_s", "mapped_s", "delivered_s"))
    assert np.all(mapped_s - imaged_s >= 16 * 2.554198 - 1e-6), "four scenes of four tiles"
    assert np.all(delivered_s > mapped_s)
    for node, at_s in zip(done["node"], delivered_s, strict=True):
        assert len(result.plan.of(str(node)).of_kind("ground").at(float(at_s))) > 0


def test_every_strategy_has_its_times_and_the_frozen_one_its_launch_model(result: RunResult):
    maps = result.first_maps()
    assert list(maps.index) == ["gossip", "isolated", "centralised", "frozen", "bent pipe"]
    assert len(set(maps["first image h"])) == 1, "all strategies fly the same mission"
    assert maps.loc["bent pipe", "first kB"] == pytest.approx(16 * 64 * 64 * 52 / 8 / 1e3)
    frozen = result.controls["frozen"]
    assert frozen.satellites("steps").to_numpy().max() == 0
    assert (
        frozen.response is not None
        and frozen.response.loc[frozen.response["how"] == "onboard", "iou_water"].nunique() <= 1
    )


def test_the_folder_holds_the_response_and_the_downlinks(result: RunResult):
    assert result.folder is not None
    for run in (result.folder, result.folder / "controls/frozen"):
        assert len(pd.read_parquet(run / "response.parquet"))
    transfers = pd.read_parquet(result.folder / "transfers.parquet")
    assert set(transfers["to"]) & {"maspalomas", "matera", "svalbard"}
    energy = pd.read_parquet(result.folder / "energy.parquet")
    assert {"inference", "downlink", "training", "standby"} <= set(energy["activity"])
    assert orbitfl.load(result.folder / "scenario.yaml") == result.scenario


def test_a_dry_run_foresees_the_event(result: RunResult, scenario: Scenario):
    foreseen = dry_run(scenario).happenings
    inferences = [each for each in foreseen if isinstance(each, Inference)]
    assert result.response is not None
    mapped_s = result.response.loc[result.response["how"] == "onboard", "mapped_s"].dropna()
    assert sorted(each.end_s for each in inferences) == sorted(mapped_s)
    assert any(isinstance(each, Downlink) for each in foreseen)


@pytest.mark.parametrize(
    ("box", "touches"),
    [
        (Box(45.1, 12.5, 45.3, 12.7), True),
        (Box(45.1, 12.3, 45.15, 12.45), True),
        (Box(45.0, 12.3, 45.2, 12.9), True),
        (Box(45.3, 12.5, 45.4, 12.7), False),
        (Box(45.1, 12.7, 45.3, 12.9), False),
        (Box(45.1, 179.9, 45.3, -179.9), False),
    ],
)
def test_which_boxes_touch_the_area(box: Box, touches: bool):
    area = Area(name="a", south_deg=45.0, west_deg=12.4, north_deg=45.2, east_deg=12.6)
    assert _touch(box, area) == touches
    turned = replace(area, west_deg=179.9, east_deg=-179.9)
    shifted = [(each + 167.5 + 180) % 360 - 180 for each in (box.west_deg, box.east_deg)]
    assert _touch(Box(box.south_deg, shifted[0], box.north_deg, shifted[1]), turned) == touches


def test_an_event_elsewhere_than_its_scenes_is_refused(scenario: Scenario):
    assert scenario.event is not None
    far = replace(scenario.event, area=replace(scenario.event.area, south_deg=-45.0, north_deg=-44.0))
    with pytest.raises(DataError, match=r"None of the 4 scenes .* lies in the event's area alps"):
        survey(replace(scenario, event=far), 8)


@pytest.mark.parametrize("when", [datetime(2018, 5, 18, 3, tzinfo=UTC), datetime(2018, 5, 19, tzinfo=UTC)])
def test_an_event_outside_the_mission_is_refused(scenario: Scenario, when: datetime):
    assert scenario.event is not None
    with pytest.raises(ScenarioError, match=r"event\.time_utc is 2018.* move the event or lengthen duration_s"):
        replace(scenario, event=replace(scenario.event, time_utc=when))


def test_priorities_name_every_activity_once(scenario: Scenario):
    with pytest.raises(ScenarioError, match="put inference, downlink, exchange, training in order, each once"):
        replace(scenario, priorities=scenario.priorities[:3])


def test_no_event_no_maps(scenario: Scenario, result: RunResult):
    with pytest.raises(ScenarioError, match="no event"):
        replace(result, scenario=replace(scenario, event=None)).first_maps()


@pytest.mark.parametrize("partition", ["{kind: iid}", "{kind: by_scene}", "{kind: overflight}"])
def test_most_tiles_is_the_most_for_everybody_whatever_the_strategy(
    repository: Path, tiny: tuple[str, ...], partition: str
):
    def held(*overrides: str) -> list[set[int]]:
        asked = (*tiny, *HOURS, "data.scenes=16", f"data.partition={partition}", *overrides)
        scenario = orbitfl.load(repository / "constellations/first_light.yaml", asked)
        return [set(each.index.tolist()) for each in survey(scenario, 8).holdings]

    whole = held()
    assert max(map(len, whole)) > 6
    for most in (1, 3, 6):
        kinds = ("gossip", "isolated", "centralised", "fedavg")
        fewer = [held(f"training.most_tiles={most}", f"exchange.strategy.kind={kind}") for kind in kinds]
        assert all(each == fewer[0] for each in fewer)
        assert [len(each) for each in fewer[0]] == [min(most, len(each)) for each in whole]
        assert all(some <= each for some, each in zip(fewer[0], whole, strict=True))
