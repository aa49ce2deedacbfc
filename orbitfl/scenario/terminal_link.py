"""A link that is given by a terminal instead of by numbers of its own."""

from dataclasses import dataclass, replace
from math import inf
from typing import Literal

from orbitfl.contacts.links import FixedRate, LinkBudget
from orbitfl.contacts.rules import ContactRules
from orbitfl.scenario.profiles import Terminal


@dataclass(frozen=True, kw_only=True)
class TerminalLink:
    """A link over a terminal, with its rate or budget, its watts and its reach.

    profile: a terminal; in YAML its name, the path of its file, or the profile itself.
    """

    kind: Literal["terminal"] = "terminal"
    profile: Terminal


AnyLink = FixedRate | LinkBudget | TerminalLink


def carrier(link: AnyLink | None) -> FixedRate | LinkBudget | None:
    """The link as contact plans know it."""
    return link.profile.link() if isinstance(link, TerminalLink) else link


def within_reach(rules: ContactRules, isl: AnyLink | None) -> ContactRules:
    """The rules if satellites meet by `isl`: whichever range is shorter counts."""
    if not isinstance(isl, TerminalLink) or isl.profile.max_range_km is None:
        return rules
    reach_km = min(isl.profile.max_range_km.value, rules.max_isl_range_km or inf)
    return replace(rules, max_isl_range_km=reach_km)
