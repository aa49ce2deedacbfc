"""How many bits pass in a part of a window, as the range in it changes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, inf
from typing import NamedTuple, Protocol

import numpy as np

from orbitfl.contacts.ground import places_of
from orbitfl.contacts.links import FixedRate, Link
from orbitfl.contacts.plan import Contact
from orbitfl.contacts.planning import Planning
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.frames import earth_rotation

KNOT_S = 5.0
"""Between knots the squared range is taken for a straight line, which holds jumps of the rate exactly."""
FEWEST_PIECES = 8


class Channel(Protocol):
    def volume_bit(self, contact: Contact, start_s: float, end_s: float) -> float:
        """What passes in each direction from `start_s` to `end_s`, both within the window."""
        ...

    def finish_s(self, contact: Contact, start_s: float, size_bit: float) -> float:
        """When so much has passed since `start_s`; beyond the window's end if it does not hold that much."""
        ...


class Steady:
    """Every window at its mean rate, which is exact for links of a fixed rate."""

    def volume_bit(self, contact: Contact, start_s: float, end_s: float) -> float:
        """See `Channel`."""
        return (end_s - start_s) * contact.rate_bps

    def finish_s(self, contact: Contact, start_s: float, size_bit: float) -> float:
        """See `Channel`."""
        return start_s + size_bit / contact.rate_bps


class _Profile(NamedTuple):
    """Bits (n,) that have passed since a window opened, at its knots t_s (n,)."""

    t_s: Floats
    passed_bit: Floats


@dataclass(frozen=True)
class Ranged:
    """The link's own rate at each range, scaled to the volume that the plan gives a window.

    range_km: of a contact, at instants (n,). links: by kind of contact.
    """

    range_km: Callable[[Contact, Floats], Floats]
    links: dict[str, Link]
    _profiles: dict[Contact, _Profile] = field(default_factory=dict)

    def volume_bit(self, contact: Contact, start_s: float, end_s: float) -> float:
        """See `Channel`."""
        start_bit, end_bit = np.interp([start_s, end_s], *self._profile(contact))
        return float(end_bit - start_bit)

    def finish_s(self, contact: Contact, start_s: float, size_bit: float) -> float:
        """See `Channel`."""
        t_s, passed_bit = self._profile(contact)
        wanted_bit = float(np.interp(start_s, t_s, passed_bit)) + size_bit
        return float(np.interp(wanted_bit, passed_bit, t_s, right=inf))

    def _profile(self, contact: Contact) -> _Profile:
        if contact not in self._profiles:
            self._profiles[contact] = self._drawn(contact)
        return self._profiles[contact]

    def _drawn(self, contact: Contact) -> _Profile:
        pieces = max(FEWEST_PIECES, ceil((contact.end_s - contact.start_s) / KNOT_S))
        t_s = np.linspace(contact.start_s, contact.end_s, pieces + 1)
        range_km = self.range_km(contact, t_s)
        rate_bps = self.links[contact.kind].mean_between(range_km[:-1], range_km[1:])
        passed_bit = np.append(0.0, np.cumsum(rate_bps * np.diff(t_s)))
        return _Profile(t_s, passed_bit * (contact.volume_bit / passed_bit[-1] if passed_bit[-1] else 0.0))


def channel_of(planning: Planning) -> Channel:
    """The channel of a mission's contacts; the sky is asked only where a rate depends on the range."""
    links = {"isl": planning.isl, "ground": planning.ground}
    used = {kind: link for kind, link in links.items() if link is not None}
    if all(isinstance(link, FixedRate) for link in used.values()):
        return Steady()
    return Ranged(_ranges(planning), used)


def _ranges(planning: Planning) -> Callable[[Contact, Floats], Floats]:
    satellites = planning.satellites()
    rotation = earth_rotation(planning.epoch_utc, planning.duration_s, planning.convention)
    sites_km = dict(
        zip((site.name for site in planning.stations), places_of(planning.stations).position_km, strict=True)
    )

    def range_km(contact: Contact, t_s: Floats) -> Floats:
        position_km = satellites.propagator.positions(t_s)
        here_km = position_km[satellites.names.index(contact.a)]
        if contact.kind == "isl":
            return np.linalg.norm(here_km - position_km[satellites.names.index(contact.b)], axis=-1)
        return np.linalg.norm(rotation.to_itrs(here_km, t_s) - sites_km[contact.b], axis=-1)

    return range_km
