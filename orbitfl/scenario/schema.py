"""The keys of a scenario. Every component is the dataclass of the room that it configures."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Discriminator

from orbitfl.contacts.links import FixedRate, LinkBudget
from orbitfl.contacts.planning import Planning
from orbitfl.contacts.rules import ContactRules
from orbitfl.data.options import Data
from orbitfl.environment import Paseos
from orbitfl.errors import ScenarioError
from orbitfl.federation.compressors import Float16, Float32
from orbitfl.federation.strategies import Centralised, Gossip, Isolated
from orbitfl.orbit.keplerian import Keplerian
from orbitfl.orbit.oem import Oem
from orbitfl.orbit.omm import Omm
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.tle import Tle
from orbitfl.orbit.walker import Walker
from orbitfl.scenario import demand
from orbitfl.scenario.profiles import Board, Bus, read_profile
from orbitfl.scenario.terminal_link import TerminalLink, carrier, within_reach
from orbitfl.training.options import MobileSam, Training

Strategy = Annotated[Gossip | Isolated | Centralised, Discriminator("kind")]
Compressor = Annotated[Float16 | Float32, Discriminator("kind")]
Constellation = Annotated[Walker | Keplerian | Omm | Tle | Oem, Discriminator("kind")]
Link = Annotated[FixedRate | LinkBudget | TerminalLink, Discriminator("kind")]


@dataclass(frozen=True, kw_only=True)
class Links:
    """Satellite to satellite, and satellite to ground; a link left out makes no contacts."""

    isl: Link | None = None
    ground: Link | None = None

    def __post_init__(self) -> None:
        if isinstance(self.ground, TerminalLink) and self.ground.profile.max_range_km is not None:
            raise ScenarioError(
                f"the terminal {self.ground.profile.name} has max_range_km, which serves satellites alone; "
                "a station's reach is its mask_deg. Give links.ground a terminal without that key."
            )


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """`min_interval_s`: least time between two exchanges of the same pair of satellites.

    `controls`: strategies run beside this one on the same mission, for comparison.
    """

    strategy: Strategy = field(default_factory=Gossip)
    min_interval_s: float = 900.0
    compressor: Compressor = field(default_factory=Float16)
    controls: tuple[Literal["gossip", "isolated", "centralised"], ...] = ()

    def __post_init__(self) -> None:
        if self.min_interval_s <= 0:
            raise ScenarioError(f"min_interval_s is {self.min_interval_s}; it must be greater than 0 seconds.")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Every model is scored on `data` every `every_s` of mission time."""

    data: Data
    every_s: float = 1800.0

    def __post_init__(self) -> None:
        if self.every_s <= 0:
            raise ScenarioError(f"every_s is {self.every_s}; it must be greater than 0 seconds.")


@dataclass(frozen=True, kw_only=True)
class Mission:
    """The keys that decide when satellites meet: all that a contact plan needs."""

    name: str
    epoch_utc: datetime
    duration_s: float
    constellation: Constellation
    ground_stations: tuple[GroundStation, ...] = ()
    links: Links = field(default_factory=Links)
    contacts: ContactRules = field(default_factory=ContactRules)

    def __post_init__(self) -> None:
        if self.epoch_utc.utcoffset() is None:
            raise ScenarioError(
                f"epoch_utc is {self.epoch_utc}, without a time zone; end it with Z, such as 2018-05-18T03:21:00Z."
            )
        object.__setattr__(self, "epoch_utc", self.epoch_utc.astimezone(UTC))
        self.planning()

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

    `compute`: the board; `bus`: what the environment's values came from, if a profile. In YAML each is a profile's
    name, the path of its file or the profile itself, and the bus stands at `environment.bus`.
    """

    model: MobileSam
    data: Data
    evaluation: Evaluation
    seed: int = 0
    environment: Paseos = field(default_factory=Paseos)
    bus: Bus | None = None
    compute: Board = field(default_factory=lambda: read_profile("unibap_ix10", Board))
    training: Training = field(default_factory=Training)
    exchange: Exchange = field(default_factory=Exchange)

    def __post_init__(self) -> None:
        Mission.__post_init__(self)
        if self.seed < 0:
            raise ScenarioError(f"seed is {self.seed}; it must be 0 or more.")
        watts = self.watts()
        demand.require_known_exchange(self.compute, watts, self.links.isl)
        demand.require_one_step(self.environment.battery_j, self.seconds(), watts)

    def seconds(self) -> demand.Seconds:
        """What each activity takes on the board."""
        return demand.seconds(self.compute)

    def watts(self) -> demand.Watts:
        """What a satellite draws in each activity: bus, board and terminal."""
        return demand.watts(self.compute, self.bus, self.links.isl, self.links.ground)
