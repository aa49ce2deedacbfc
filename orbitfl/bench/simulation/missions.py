"""The missions that are flown: one of many satellites without learning, one of a few with it."""

from datetime import UTC, datetime

from orbitfl.contacts import ContactRules, FixedRate
from orbitfl.data.options import SyntheticData
from orbitfl.environment import Battery
from orbitfl.orbit.walker import Walker
from orbitfl.scenario import Scenario
from orbitfl.scenario.schema import Evaluation, Links
from orbitfl.training.options import MobileSam, Training

EPOCH_UTC = datetime(2018, 5, 18, 3, 21, tzinfo=UTC)
NEIGHBOURS = 4
"""Links that a satellite keeps at once."""
BUS = Battery(battery_j=277_200.0, initial_charge=0.5, charging_w=20.0)


def mission(walker: Walker, duration_s: float, image_px: int = 256) -> Scenario:
    """Gossip and sessions of four steps every 900 s: the demo's board and battery, made-up scenes."""
    return Scenario(
        name="simulation-bench",
        epoch_utc=EPOCH_UTC,
        duration_s=duration_s,
        constellation=walker,
        links=Links(isl=FixedRate(rate_bps=1.0e8)),
        contacts=ContactRules(neighbours=NEIGHBOURS),
        environment=BUS,
        model=MobileSam(kind="mobile_sam_nano", weights="nano-base", image_px=image_px),
        data=SyntheticData(scenes=2 * walker.total, size_px=image_px, tile_px=image_px, seed=1),
        training=Training(session_steps=4, session_every_s=900.0),
        evaluation=Evaluation(
            data=SyntheticData(scenes=12, size_px=image_px, tile_px=image_px, seed=2), every_s=1800.0
        ),
    )
