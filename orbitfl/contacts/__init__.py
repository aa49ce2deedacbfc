"""Who can talk to whom, and when: visibility, links and the contact plan."""

from orbitfl.contacts.formats import write
from orbitfl.contacts.links import FixedRate, Link
from orbitfl.contacts.plan import Contact, ContactPlan
from orbitfl.contacts.search import contact_plan

__all__ = ["Contact", "ContactPlan", "FixedRate", "Link", "contact_plan", "write"]
