"""A battery and a body of one temperature under constant inputs, in closed form: no step, whatever the time.

Every function takes numbers with `SCALAR`, or arrays of satellites with `numpy` as `xp`. What the event queue asks
for one satellite is written out in `single.py`, equal to the bit.
"""

import math
from types import SimpleNamespace
from typing import Any, NamedTuple

from orbitfl.environment.options import Bus

Number = Any
"""A float, or an array of one float per satellite."""

SCALAR = SimpleNamespace(
    where=lambda condition, yes, no: yes if condition else no,
    minimum=lambda a, b: a if a < b else b,
    maximum=lambda a, b: a if a > b else b,
    all=bool,
    any=bool,
    abs=abs,
    sqrt=math.sqrt,
    expm1=math.expm1,
    log1p=math.log1p,
    arctan=math.atan,
    arctanh=math.atanh,
    inf=math.inf,
)
"""What numpy does to arrays, for one number."""

COSMIC_BACKGROUND_K = 2.725
"""Nothing gets colder; it also keeps the closed form from dividing by a balance at zero."""
LEAST_EMISSION_W_K4 = 1e-60
"""Of a body that radiates nothing; the closed form is then a straight line to the last digit."""
LEAST_DRAIN_W = 1e-300
NEWTON_ROUNDS = 40
CONVERGED = 1e-8
"""Newton's last step; its square is the error, relative to the distance from the balance."""


class Body(NamedTuple):
    """What does not change: see `Bus` and `ThermalNode`."""

    battery_j: float
    capacity_j_k: float
    emission_w_k4: float
    work_to_heat: float


class Piece(NamedTuple):
    """What a piece of time did: how long it lasted, how the satellite is, and what its battery moved.

    drained, hot: whether the charge fell to the floor, or the temperature rose to the ceiling, and ended it.
    """

    length_s: Number
    stored_j: Number
    temperature_k: Number
    consumed_j: Number
    charged_j: Number
    clipped_j: Number
    off_s: Number
    drained: Number
    hot: Number


def body_of(bus: Bus) -> Body:
    thermal = bus.thermal
    emission = max(thermal.emission_w_k4, LEAST_EMISSION_W_K4)
    return Body(bus.battery_j, thermal.capacity_j_k, emission, thermal.work_to_heat)


def piece(
    xp: Any,
    body: Body,
    stored_j: Number,
    temperature_k: Number,
    panels_w: Number,
    heat_w: Number,
    power_w: Number,
    floor_j: Number,
    ceiling_k: Number,
    standby: Number,
    longest_s: Number,
) -> Piece:
    """Draw `power_w` for `longest_s`, or until the charge falls to the floor or the temperature rises to the ceiling.

    panels_w: what charges the battery. heat_w: what the Sun and the Earth bring. In standby on an empty battery the
    satellite works for the part of the time that its panels feed, and is off for the rest.
    """
    starved = standby & (stored_j <= 0) & (panels_w < power_w)
    drawn_w = xp.where(starved, panels_w, power_w)
    net_w = panels_w - drawn_w
    drain_s = xp.where(net_w < 0, (stored_j - floor_j) / xp.maximum(-net_w, LEAST_DRAIN_W), xp.inf)
    heat_w = heat_w + body.work_to_heat * drawn_w
    balance_k = balance(xp, body, heat_w)
    hot_s = heating_s(xp, body, balance_k, temperature_k, ceiling_k)
    length_s = xp.minimum(longest_s, xp.minimum(xp.maximum(drain_s, 0.0), hot_s))
    # Satellites that are through have no time left, and may lie beyond their bounds.
    drained, hot = (drain_s <= length_s) & (longest_s > 0), (hot_s <= length_s) & (longest_s > 0)
    offered_j = stored_j + net_w * length_s
    return Piece(
        length_s=length_s,
        stored_j=xp.where(drained, floor_j, xp.maximum(xp.minimum(offered_j, body.battery_j), 0.0)),
        temperature_k=xp.where(hot, ceiling_k, after(xp, body, balance_k, temperature_k, length_s)),
        consumed_j=drawn_w * length_s,
        charged_j=panels_w * length_s,
        clipped_j=xp.maximum(offered_j - body.battery_j, 0.0),
        off_s=xp.where(starved, length_s * (1 - panels_w / xp.maximum(power_w, LEAST_DRAIN_W)), 0.0),
        drained=drained,
        hot=hot,
    )


def balance(xp: Any, body: Body, heat_w: Number) -> Number:
    """The temperature Tₑ at which what comes in goes out: a = b Tₑ⁴."""
    return xp.maximum(xp.sqrt(xp.sqrt(heat_w / body.emission_w_k4)), COSMIC_BACKGROUND_K)


def heating_s(xp: Any, body: Body, balance_k: Number, temperature_k: Number, ceiling_k: Number) -> Number:
    """How long C dT/dt = b (Tₑ⁴ − T⁴) takes to heat from T to the ceiling; infinity if it never gets there.

    With x = T/Tₑ < 1: 2 b Tₑ³ t / C = F(x₁) − F(x₀), F(x) = artanh x + arctan x.
    """
    reached = ceiling_k < balance_k
    if not xp.any(reached):
        return xp.inf
    ceiling = xp.where(reached, ceiling_k, 0.0) / balance_k
    start = xp.minimum(temperature_k / balance_k, ceiling)
    grown = xp.arctanh(ceiling) - xp.arctanh(start) + xp.arctan(ceiling) - xp.arctan(start)
    return xp.where(reached, grown * body.capacity_j_k / (2 * body.emission_w_k4 * balance_k**3), xp.inf)


def after(xp: Any, body: Body, balance_k: Number, temperature_k: Number, elapsed_s: Number) -> Number:
    """The temperature at the end: C dT/dt = b (Tₑ⁴ − T⁴), solved.

    Of d = T/Tₑ − 1, w = ln(d/d₀) obeys w + 4 b Tₑ³ t / C = g(x) − g(x₀) with x = T/Tₑ, g(x) = 2 arctan x + ln(1 + x),
    from the integral in `heating_s`. The left minus the right rises with w and bends one way only, so Newton's steps
    from w = 0 always arrive.
    """
    start = temperature_k / balance_k
    off = start - 1
    paced = 4 * body.emission_w_k4 * balance_k**3 * elapsed_s / body.capacity_j_k
    begun = 2 * xp.arctan(start) + xp.log1p(start)
    w = 0.0 * paced
    x = start
    for _ in range(NEWTON_ROUNDS):
        miss = w + paced - (2 * xp.arctan(x) + xp.log1p(x) - begun)
        step = miss * (1 + x * x) * (1 + x) / 4
        w = w - step
        x = start + off * xp.expm1(w)
        if xp.all(xp.abs(step) < CONVERGED):
            break
    return temperature_k + balance_k * (off * xp.expm1(w))
