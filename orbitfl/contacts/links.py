"""How many bits per second two nodes in contact exchange."""

from dataclasses import dataclass
from itertools import pairwise
from math import inf, log10, pi, sqrt
from typing import Literal, Protocol

import numpy as np

from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.constants import LIGHT_M_S

BOLTZMANN_J_K = 1.380_649e-23
"""Exact (SI Brochure, 9th ed., table 1)."""
# A petabit per second is beyond all terminals, and far from where sums of rates would overflow.
HIGHEST_RATE_BPS = 1e15
SHORTEST_RANGE_KM, LONGEST_RANGE_KM = 0.1, 1e9
"""States between nodes are sure to centimetres; a hundredth of a shorter range would be finer than that."""


class Link(Protocol):
    """A rate that depends on the distance alone."""

    @property
    def reach_km(self) -> float:
        """The distance beyond which nothing passes; infinite if there is none."""
        ...

    def rate_at(self, range_km: Floats) -> Floats:
        """Bits per second, of the shape of `range_km`, that pass in each direction at that distance."""
        ...

    def mean_between(self, first_km: Floats, last_km: Floats) -> Floats:
        """The mean of `rate_at` (...) while the squared range goes evenly from `first_km` (...) to `last_km` (...)."""
        ...


# Chosen by measurement (tests/contacts/test_links.py): panels of two minutes in as many pieces hold 0.2 % where the
# squared range is far from a straight line and rates jump.
PANEL_S = 120.0
PIECES = 24


def mean_over_panels(link: Link, first_km: Floats, middle_km: Floats, last_km: Floats) -> Floats:
    """The mean rate (n,) in bits per second over panels of time, from the ranges (n,) at begin, middle and end.

    The squared range is taken as the parabola through the three, and as straight within each of `PIECES` pieces,
    over which the link's own closed form holds: caps and steps need no nodes of their own. In panels of `PANEL_S`
    or less, the mean of a window is within 0.5 % of the true one (or 1e-4 of the modem's fastest rate) for low
    orbits, however the rate jumps, unless a modem without an effective cap meets satellites passing each other
    within some 20 km.
    """
    share = np.linspace(0.0, 1.0, PIECES + 1)
    first_km2, middle_km2, last_km2 = (np.square(r_km)[:, None] for r_km in (first_km, middle_km, last_km))
    outer = first_km2 * (1 - share) * (1 - 2 * share) + last_km2 * share * (2 * share - 1)
    ranges_km = np.sqrt(np.maximum(outer + 4 * middle_km2 * share * (1 - share), 0.0))
    return link.mean_between(ranges_km[:, :-1], ranges_km[:, 1:]).mean(axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedRate:
    """A terminal of one rate at any range, as optical and fixed-coding radio terminals are.

    rate_bps: what it carries at any range.
    """

    kind: Literal["fixed_rate"] = "fixed_rate"
    rate_bps: float

    def __post_init__(self) -> None:
        if not 0 < self.rate_bps <= HIGHEST_RATE_BPS:
            raise ScenarioError(f"rate_bps is {self.rate_bps}, but it must be above 0 and at most 1e15.")

    @property
    def reach_km(self) -> float:
        return inf

    def rate_at(self, range_km: Floats) -> Floats:
        return np.full(np.shape(range_km), float(self.rate_bps))

    def mean_between(self, first_km: Floats, last_km: Floats) -> Floats:
        return np.full(np.broadcast_shapes(np.shape(first_km), np.shape(last_km)), float(self.rate_bps))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBudget:
    """A radio or optical terminal whose rate falls with the square of the range.

    eirp_dbw: power that the sender radiates towards the receiver. g_over_t_db_k: gain of the receiver over its noise
    temperature. frequency_ghz: that of the carrier, which the loss in free space depends on. required_eb_n0_db: energy
    per bit of information over noise density that the coding needs. losses_db: pointing, polarisation, atmosphere and
    implementation, all but free space. margin_db: what is kept unused. max_rate_bps: the fastest rate of a modem with a
    continuous choice of them; give this or steps_bps. min_rate_bps: the rate below which a modem with a continuous
    choice of them carries nothing. steps_bps: the rates of a modem that has only these, rising; it takes the highest
    that the budget carries.

    Where it does not carry the lowest of these rates there is no contact.
    Raises ScenarioError for impossible values.
    """

    kind: Literal["budget"] = "budget"
    eirp_dbw: float
    g_over_t_db_k: float
    frequency_ghz: float
    required_eb_n0_db: float
    losses_db: float = 0.0
    margin_db: float = 3.0
    max_rate_bps: float | None = None
    min_rate_bps: float = 0.0
    steps_bps: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name, (lowest, highest) in _BOUNDS.items():
            value = getattr(self, name)
            if not lowest <= value <= highest:
                raise ScenarioError(f"{name} is {value}, but a link budget takes it from {lowest:g} to {highest:g}.")
        if (self.max_rate_bps is None) == (not self.steps_bps):
            given = "neither" if self.max_rate_bps is None else "both"
            raise ScenarioError(f"A link budget needs either max_rate_bps or steps_bps, but {given} of them is given.")
        if self.max_rate_bps is None:
            self._require_steps()
        else:
            self._require_rates(self.max_rate_bps)
        self._require_reach()

    @property
    def reach_km(self) -> float:
        lowest_bps = self._lowest_bps()
        return sqrt(self._carried_at_1_km_bps() / lowest_bps) if lowest_bps else inf

    def rate_at(self, range_km: Floats) -> Floats:
        with np.errstate(divide="ignore"):  # two nodes in one place talk as fast as the modem can
            carried_bps = self._carried_at_1_km_bps() / np.square(range_km, dtype=np.float64)
        if self.max_rate_bps is None:
            return np.array([0.0, *self.steps_bps])[np.searchsorted(self.steps_bps, carried_bps, side="right")]
        return np.where(carried_bps < self.min_rate_bps, 0.0, np.minimum(carried_bps, self.max_rate_bps))

    def mean_between(self, first_km: Floats, last_km: Floats) -> Floats:
        first_km2, last_km2 = np.square(first_km), np.square(last_km)
        change_km2, sum_km2 = last_km2 - first_km2, last_km2 + first_km2
        level = np.abs(change_km2) <= 1e-6 * sum_km2
        moving = (self._summed(last_km2) - self._summed(first_km2)) / np.where(level, 1.0, change_km2)
        # Rounding may lift a mean a hair above the fastest rate.
        return np.where(level, self.rate_at(np.sqrt(sum_km2 / 2)), np.minimum(moving, self._fastest_bps()))

    def _summed(self, range_km2: Floats) -> Floats:
        """The integral of the rate over the squared range from 0 to `range_km2`, in bit/s km²."""
        carried = self._carried_at_1_km_bps()
        if self.max_rate_bps is None:
            steps_bps = np.array(self.steps_bps[::-1])
            reach_km2 = np.concatenate([[0.0], carried / steps_bps])
            return np.interp(range_km2, reach_km2, np.cumsum(np.concatenate([[0.0], steps_bps * np.diff(reach_km2)])))
        capped_km2 = carried / self.max_rate_bps
        audible_km2 = np.minimum(range_km2, carried / self.min_rate_bps if self.min_rate_bps else inf)
        falling = carried * np.log(np.maximum(audible_km2, capped_km2) / capped_km2)
        return self.max_rate_bps * np.minimum(audible_km2, capped_km2) + falling

    def _lowest_bps(self) -> float:
        return self.steps_bps[0] if self.max_rate_bps is None else self.min_rate_bps

    def _fastest_bps(self) -> float:
        return self.steps_bps[-1] if self.max_rate_bps is None else self.max_rate_bps

    def _carried_at_1_km_bps(self) -> float:
        """Eb/N0 = EIRP + G/T − losses − 10 log₁₀(k R), free space among the losses, solved for R.

        Maral & Bousquet, Satellite Communications Systems, 5th ed., chapter 5; free space: ITU-R P.525.
        """
        free_space_db = 20 * log10(4 * pi * 1e3 * self.frequency_ghz * 1e9 / LIGHT_M_S)
        c_n0_db_hz = self.eirp_dbw + self.g_over_t_db_k - free_space_db - self.losses_db - 10 * log10(BOLTZMANN_J_K)
        return 10 ** ((c_n0_db_hz - self.required_eb_n0_db - self.margin_db) / 10)

    def _require_steps(self) -> None:
        if self.min_rate_bps:
            raise ScenarioError("min_rate_bps has no meaning beside steps_bps: the lowest step is the least. Drop it.")
        rises = all(low < high for low, high in pairwise((0.0, *self.steps_bps)))
        if not (rises and self.steps_bps[-1] <= HIGHEST_RATE_BPS):
            raise ScenarioError(
                f"steps_bps is {list(self.steps_bps)}, but it must be rates above 0 and at most 1e15, each more than "
                "the one before."
            )

    def _require_rates(self, max_rate_bps: float) -> None:
        if not 0 < max_rate_bps <= HIGHEST_RATE_BPS:
            raise ScenarioError(f"max_rate_bps is {max_rate_bps}, but it must be above 0 and at most 1e15.")
        if not 0 <= self.min_rate_bps <= max_rate_bps:
            raise ScenarioError(
                f"min_rate_bps is {self.min_rate_bps}, but it must be from 0 to max_rate_bps, {max_rate_bps:g}."
            )

    def _require_reach(self) -> None:
        if self.reach_km < SHORTEST_RANGE_KM:
            raise ScenarioError(
                f"This link budget carries its lowest rate, {self._lowest_bps():g} bit/s, within {self.reach_km:.2g} "
                f"km alone, but it must reach {SHORTEST_RANGE_KM:g} km; raise eirp_dbw or g_over_t_db_k, or allow a "
                "lower rate."
            )


# Wide enough for every terminal there is; they catch watts given for decibels, and hertz for gigahertz.
_BOUNDS = {
    "eirp_dbw": (-60.0, 120.0),
    "g_over_t_db_k": (-60.0, 100.0),
    "frequency_ghz": (0.01, 1e6),
    "required_eb_n0_db": (-1.6, 60.0),  # the Shannon limit is −1.59 dB
    "losses_db": (0.0, 100.0),
    "margin_db": (0.0, 60.0),
}
