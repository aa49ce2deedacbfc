"""Who can talk to whom, and when: visibility, links and the contact plan."""

from orbitfl.contacts.formats import Geometry, read, write, write_blocks
from orbitfl.contacts.links import FixedRate, Link, LinkBudget
from orbitfl.contacts.plan import Contact, ContactPlan
from orbitfl.contacts.planning import Planning
from orbitfl.contacts.rules import ContactRules
from orbitfl.contacts.search import contact_plan, found, found_in_blocks, kept_plan

__all__ = [
    "Contact",
    "ContactPlan",
    "ContactRules",
    "FixedRate",
    "Geometry",
    "Link",
    "LinkBudget",
    "Planning",
    "contact_plan",
    "found",
    "found_in_blocks",
    "kept_plan",
    "read",
    "write",
    "write_blocks",
]
