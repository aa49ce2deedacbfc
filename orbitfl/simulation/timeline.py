"""What happened onboard, in order: the bridge from *when* to *what*."""

from dataclasses import dataclass
from typing import Literal

from orbitfl.contacts.plan import Contact
from orbitfl.environment.base import Spell

Outcome = Literal["done", "cut"]


@dataclass(frozen=True, slots=True)
class Session:
    """Satellite `node` trained for `steps` batches."""

    node: int
    start_s: float
    end_s: float
    steps: int


@dataclass(frozen=True, slots=True)
class Offer:
    """`sender` wrote the message of transfer `number` to `receiver`, from the model it had at `at_s`.

    relayed: whose older messages, which the receiver does not have yet, travel with it.
    """

    number: int
    sender: int
    receiver: int
    at_s: float
    relayed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A part of transfer `number`: `a` and `b` sent each other bytes at the same time over a full-duplex link.

    sent_byte: from a to b, and back. `outcome` is "done" when both have all of the other's message, and "cut" when
    more is to come; until it is done neither side has anything.
    """

    number: int
    a: int
    b: int
    start_s: float
    end_s: float
    sent_byte: tuple[int, int]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Sending:
    """A part of transfer `number` in one direction; "done" when the receiver has all of it and the sender knows.

    station: through which one of the two, the ground, was reached; empty between satellites.
    """

    number: int
    sender: int
    receiver: int
    start_s: float
    end_s: float
    sent_byte: int
    outcome: Outcome
    station: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """Satellite `node` merged what had reached it since it last did."""

    node: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Consensus:
    """All of `nodes` took over the mean of their models, over links that no orbit has."""

    nodes: tuple[int, ...]
    at_s: float


@dataclass(frozen=True, slots=True)
class Aggregation:
    """The ground made a new model from the updates that had reached it since it last did."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Observation:
    """An image of what cannot wait, that satellite `node` has taken by `at_s`.

    processing_s: what making its product takes onboard; 0 for an image that is sent as it is. size_byte: what the
    downlink of the product is booked for.
    """

    node: int
    at_s: float
    processing_s: float
    size_byte: int


@dataclass(frozen=True, slots=True)
class Inference:
    """Satellite `node` made the product of observation number `observation`, with the model it had at `start_s`."""

    observation: int
    node: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Downlink:
    """A part of a product, or all that was left of it, came down in a pass; "cut" if more of it is to come."""

    observation: int
    node: int
    contact: Contact
    start_s: float
    end_s: float
    sent_byte: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All models are scored, outside the mission's time and energy."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """The environment did not allow `node` what it wanted to begin, or to go on with."""

    node: int
    at_s: float
    activity: str
    reason: str


Happening = Session | Offer | Exchange | Sending | Digest | Consensus | Aggregation | Inference | Downlink | Evaluation


@dataclass(frozen=True)
class Timeline:
    """Everything that a mission did, each kind in order of completion.

    happenings: what learning replays. refusals: what might not begin. stops: what had begun and might not go on, and
    why: a battery that ran empty, say. energy: what each spell of activity cost.
    """

    happenings: tuple[Happening, ...]
    refusals: tuple[Refusal, ...]
    stops: tuple[Refusal, ...]
    energy: tuple[Spell, ...]
