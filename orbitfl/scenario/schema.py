"""The keys of a scenario. Every component is the dataclass of the room that it configures."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Annotated

from pydantic import Discriminator

from orbitfl.contacts.areas import Area
from orbitfl.contacts.instruments import OffNadir, Swath
from orbitfl.contacts.links import FixedRate, LinkBudget
from orbitfl.contacts.planning import Planning
from orbitfl.contacts.rules import ContactRules
from orbitfl.data.options import Data
from orbitfl.environment import PRIORITIES, Activity, Battery, Paseos, require_feeds
from orbitfl.errors import ScenarioError
from orbitfl.federation.strategies import Strategy
from orbitfl.orbit.clock import epoch_instant, in_tai, seconds_between
from orbitfl.orbit.keplerian import Keplerian
from orbitfl.orbit.oem import Oem
from orbitfl.orbit.omm import Omm
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.tle import Tle
from orbitfl.orbit.walker import Walker
from orbitfl.scenario import demand, display
from orbitfl.scenario.exchange import Exchange
from orbitfl.scenario.faults import Faults
from orbitfl.scenario.moments import Moment, in_utc
from orbitfl.scenario.profiles import Board, Bus, read_profile
from orbitfl.scenario.terminal_link import TerminalLink, carrier, within_reach
from orbitfl.training.options import MobileSam, Training

_FOLDER = re.compile(r"[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,199}")
MOST_EVALUATIONS, MOST_BEATS = 1_000_000, 10_000_000

Constellation = Annotated[Walker | Keplerian | Omm | Tle | Oem, Discriminator("kind")]
Environment = Annotated[Paseos | Battery, Discriminator("kind")]
Link = Annotated[FixedRate | LinkBudget | TerminalLink, Discriminator("kind")]
Instrument = Annotated[Swath | OffNadir, Discriminator("kind")]


@dataclass(frozen=True, kw_only=True)
class Links:
    """What terminals carry; a link left out makes no contacts.

    isl: the terminals between satellites. ground: the terminals between satellites and stations.
    """

    isl: Link | None = None
    ground: Link | None = None

    def __post_init__(self) -> None:
        if isinstance(self.ground, TerminalLink) and self.ground.profile.max_range_km is not None:
            raise ScenarioError(
                f"the terminal {self.ground.profile.name} has max_range_km, which serves satellites alone; "
                "a station's reach is its mask_deg. Give links.ground a terminal without that key."
            )


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """When, and on what, every model is scored.

    data: the scenes that all are scored on. every_s: the mission time from one scoring to the next.
    """

    data: Data
    every_s: float = 1800.0

    def __post_init__(self) -> None:
        if self.every_s <= 0:
            raise ScenarioError(f"every_s is {self.every_s}; it must be greater than 0 seconds.")


@dataclass(frozen=True, kw_only=True)
class Imaging:
    """What every satellite's instrument sees: scenes for data under the partition overflight, and the event's area.

    instrument: how far it reaches; by default a swath as wide as Sentinel-2's (ESA, Sentinel-2 User Handbook, 2015).
    min_sun_elevation_deg: from which height of the Sun an image shows something. cloud_probability: how likely an image
    of an area shows nothing but cloud; drawn from the scenario's seed.
    """

    instrument: Instrument = field(default_factory=lambda: Swath(width_km=290.0))
    min_sun_elevation_deg: float = 10.0
    cloud_probability: float = 0.0

    def __post_init__(self) -> None:
        if not -90 <= self.min_sun_elevation_deg <= 90:
            raise ScenarioError(f"min_sun_elevation_deg is {self.min_sun_elevation_deg}; it must lie from -90 to 90.")
        if not 0 <= self.cloud_probability <= 1:
            raise ScenarioError(f"cloud_probability is {self.cloud_probability}; it must lie from 0 to 1.")


@dataclass(frozen=True, kw_only=True)
class Event:
    """A disaster: how soon does a useful map of its water reach the ground?

    Every satellite that passes over the whole area afterwards, by daylight, segments the tiles of `data` onboard and
    sends the mask at its next pass over a station.

    time_utc: when it happens. area: where it happens. data: scenes with their true masks; those in the area count.
    target_iou_water: from how many percent a map is useful.
    raw_bit_per_px: what a pixel of the raw image takes on the link, for the bent pipe that a map is compared with: the
    default is an estimate, 13 bands of 12 bits compressed three to one as Sentinel-2 does, about.
    ground_processing_s: how long it takes from the raw image on the ground to its map, an estimate.
    """

    time_utc: Moment
    area: Area
    data: Data
    target_iou_water: float = 50.0
    raw_bit_per_px: float = 52.0
    ground_processing_s: float = 60.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "time_utc", in_utc("time_utc", self.time_utc))
        if not 0 <= self.target_iou_water <= 100:
            raise ScenarioError(f"target_iou_water is {self.target_iou_water}; it must lie from 0 to 100 percent.")
        if not 0 < self.raw_bit_per_px < inf:
            raise ScenarioError(f"raw_bit_per_px is {self.raw_bit_per_px}; it must be greater than 0.")
        if not 0 <= self.ground_processing_s < inf:
            raise ScenarioError(f"ground_processing_s is {self.ground_processing_s}; it must be 0 or more.")


@dataclass(frozen=True, kw_only=True)
class Mission:
    """The keys that decide when satellites meet: all that a contact plan needs.

    name: what the mission is called. epoch_utc: when it begins, such as 2018-05-18T03:21:00Z. duration_s: how long it
    lasts. constellation: the satellites' orbits. ground_stations: where satellites can talk to the ground. links: what
    the terminals carry. contacts: which contacts count.
    """

    name: str
    epoch_utc: Moment
    duration_s: float
    constellation: Constellation
    ground_stations: tuple[GroundStation, ...] = ()
    links: Links = field(default_factory=Links)
    contacts: ContactRules = field(default_factory=ContactRules)

    def __post_init__(self) -> None:
        if not _FOLDER.fullmatch(self.name):
            raise ScenarioError(
                f"name is {self.name[:40]!r}, and runs go to a folder of that name; take 1 to 200 characters without "
                "slashes, backslashes or line ends, the first no dot."
            )
        object.__setattr__(self, "epoch_utc", in_utc("epoch_utc", self.epoch_utc))
        self.planning()

    def _repr_html_(self) -> str:
        return display.html(self)

    def since_epoch_s(self, time_utc: datetime) -> float:
        """Mission seconds of an instant."""
        epoch, instant = (in_tai(epoch_instant(each), "UTC") for each in (self.epoch_utc, time_utc))
        return float(seconds_between(epoch, instant))

    def planning(self) -> Planning:
        """What the mission asks of a contact plan."""
        return Planning(
            constellation=self.constellation,
            epoch_utc=self.epoch_utc,
            duration_s=self.duration_s,
            stations=self.ground_stations,
            isl=carrier(self.links.isl),
            ground=carrier(self.links.ground),
            rules=within_reach(self.contacts, self.links.isl),
        )


@dataclass(frozen=True, kw_only=True)
class Scenario(Mission):
    """One mission with its learning, complete: everything that its result depends on.

    model: the network and its launch weights. data: the scenes to learn from, and which satellite holds which.
    evaluation: the scenes that everybody is scored on. seed: what every lot is drawn from; equal seeds give equal
    results. compute: the board; in YAML a profile's name, the path of its file or the profile itself. bus: what the
    environment's values came from, if a profile; in YAML it stands at `environment.bus`. environment: battery, panels,
    heat and limits. training: how a satellite learns. exchange: how satellites share what they learn. imaging: what the
    satellites see. faults: what goes wrong on purpose. event: a disaster to map. priorities: every activity but
    standby, what comes first before the rest.
    """

    model: MobileSam
    data: Data
    evaluation: Evaluation
    seed: int = 0
    bus: Bus | None = None
    compute: Board = field(default_factory=lambda: read_profile("unibap_ix10", Board))
    environment: Environment = field(default_factory=Paseos)
    training: Training = field(default_factory=Training)
    exchange: Exchange = field(default_factory=Exchange)
    imaging: Imaging = field(default_factory=Imaging)
    faults: Faults = field(default_factory=Faults)
    event: Event | None = None
    priorities: tuple[Activity, ...] = PRIORITIES

    def __post_init__(self) -> None:
        Mission.__post_init__(self)
        if sorted(self.priorities) != sorted(PRIORITIES):
            raise ScenarioError(
                f"priorities is {', '.join(self.priorities) or 'empty'}; "
                f"put {', '.join(PRIORITIES)} in order, each once."
            )
        if self.event is not None and not 0 <= self.since_epoch_s(self.event.time_utc) < self.duration_s:
            raise ScenarioError(
                f"event.time_utc is {self.event.time_utc.isoformat()}, but the mission lasts from "
                f"{self.epoch_utc.isoformat()} for {self.duration_s:g} s; move the event or lengthen duration_s."
            )
        if not 0 <= self.seed < 2**63:
            raise ScenarioError(f"seed is {self.seed}; it must lie from 0 to {2**63 - 1}.")
        self._require_few_beats()
        to_ground = self.event is not None or self.exchange.strategy.pattern == "ground"
        demand.require_known(self.compute, self.links.isl, self.links.ground if to_ground else None)
        for exchange in (self.exchange, *map(self.exchange.control, self.exchange.controls)):
            self._require_links(exchange.strategy)
        require_feeds(self.environment, self.watts().train_w * self.seconds().train_step_s)

    def _require_links(self, strategy: Strategy) -> None:
        """Raises ScenarioError for a strategy that could never exchange anything."""
        if strategy.pattern == "ground" and not (self.ground_stations and self.links.ground):
            raise ScenarioError(
                f"exchange asks for {strategy.kind}, which learns through the ground, but the scenario has no "
                "ground_stations or no links.ground; add them, or take a strategy between satellites."
            )
        if strategy.pattern in ("pairwise", "one_way", "gather") and self.links.isl is None:
            raise ScenarioError(
                f"exchange asks for {strategy.kind}, which learns between satellites, but the scenario has no "
                "links.isl; add it, or take isolated, or a strategy through the ground."
            )

    def _require_few_beats(self) -> None:
        """Raises ScenarioError for what would come about more often than memory holds."""
        for name, every_s, most in (
            ("evaluation.every_s", self.evaluation.every_s, MOST_EVALUATIONS),
            ("exchange.min_interval_s", self.exchange.min_interval_s, MOST_BEATS),
            ("training.session_every_s", self.training.session_every_s, MOST_BEATS),
            ("training.retry_s", self.training.retry_s, MOST_BEATS),
        ):
            if self.duration_s > most * every_s:
                raise ScenarioError(
                    f"{name} is {every_s}, more than {most} times in a mission of {self.duration_s:g} s; "
                    f"give {self.duration_s / most:.2g} or more."
                )

    def seconds(self) -> demand.Seconds:
        """What each activity takes on the board."""
        return demand.seconds(self.compute)

    def watts(self) -> demand.Watts:
        """What a satellite draws in each activity: bus, board and terminal."""
        return demand.watts(self.compute, self.bus, self.links.isl, self.links.ground)
