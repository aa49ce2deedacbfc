"""The keys of a scenario. Every component is the dataclass of the room that it configures."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Discriminator

from orbitfl.contacts.links import FixedRate, LinkBudget
from orbitfl.contacts.planning import Planning
from orbitfl.contacts.rules import ContactRules
from orbitfl.data.options import Data
from orbitfl.environment import Battery, Paseos
from orbitfl.errors import ScenarioError
from orbitfl.federation.compressors import Float16, Float32
from orbitfl.federation.strategies import Centralised, Gossip, Isolated
from orbitfl.orbit.keplerian import Keplerian
from orbitfl.orbit.oem import Oem
from orbitfl.orbit.omm import Omm
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.tle import Tle
from orbitfl.orbit.walker import Walker
from orbitfl.training.options import MobileSam, Training

Strategy = Annotated[Gossip | Isolated | Centralised, Discriminator("kind")]
Compressor = Annotated[Float16 | Float32, Discriminator("kind")]
Constellation = Annotated[Walker | Keplerian | Omm | Tle | Oem, Discriminator("kind")]
Environment = Annotated[Paseos | Battery, Discriminator("kind")]
Link = Annotated[FixedRate | LinkBudget, Discriminator("kind")]


@dataclass(frozen=True, kw_only=True)
class Links:
    """Satellite to satellite, and satellite to ground; a link left out makes no contacts."""

    isl: Link | None = None
    ground: Link | None = None


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
            isl=self.links.isl,
            ground=self.links.ground,
            rules=self.contacts,
        )


@dataclass(frozen=True, kw_only=True)
class Scenario(Mission):
    """One mission with its learning, complete: everything that its result depends on.

    `compute`: a board profile by name (hw/profiles) or the path of one.
    """

    model: MobileSam
    data: Data
    evaluation: Evaluation
    seed: int = 0
    environment: Environment = field(default_factory=Paseos)
    compute: str = "unibap_ix10"
    training: Training = field(default_factory=Training)
    exchange: Exchange = field(default_factory=Exchange)

    def __post_init__(self) -> None:
        Mission.__post_init__(self)
        if self.seed < 0:
            raise ScenarioError(f"seed is {self.seed}; it must be 0 or more.")
