"""Who can talk to whom, and when: visibility, links and the contact plan."""

from orbitfl.contacts.areas import Area, point
from orbitfl.contacts.formats import Geometry, read, write, write_blocks
from orbitfl.contacts.imaging import imaging_windows
from orbitfl.contacts.instruments import OffNadir, Swath
from orbitfl.contacts.links import FixedRate, Link, LinkBudget
from orbitfl.contacts.plan import Contact, ContactPlan
from orbitfl.contacts.planning import Planning
from orbitfl.contacts.rules import ContactRules
from orbitfl.contacts.search import contact_plan, found, found_in_blocks, kept_plan, require_plannable
from orbitfl.contacts.shadow import eclipses

__all__ = [
    "Area",
    "Contact",
    "ContactPlan",
    "ContactRules",
    "FixedRate",
    "Geometry",
    "Link",
    "LinkBudget",
    "OffNadir",
    "Planning",
    "Swath",
    "contact_plan",
    "eclipses",
    "found",
    "found_in_blocks",
    "imaging_windows",
    "kept_plan",
    "point",
    "read",
    "require_plannable",
    "write",
    "write_blocks",
]
