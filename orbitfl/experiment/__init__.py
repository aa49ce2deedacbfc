"""From a scenario to its result. Nothing here is imported before it is used, so that plans need no torch."""
