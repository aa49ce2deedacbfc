"""A mission without any learning: what would happen when. Loads torch for a network that is new to it."""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from orbitfl.download import digest
from orbitfl.errors import StorageError, WeightsError
from orbitfl.experiment.mission import contact_plan, timeline
from orbitfl.experiment.survey import agenda, is_needed, survey
from orbitfl.federation.weights import Layout
from orbitfl.files import cache_folder, write_text
from orbitfl.models.weights import locate
from orbitfl.scenario import Scenario
from orbitfl.simulation.timeline import Timeline


def dry_run(scenario: Scenario) -> Timeline:
    """The mission for the update size of the scenario's model.

    Raises OrbitflError when the scenario's weights, or data on which times depend, cannot be used.
    """
    layout, plan = layout_of(scenario), contact_plan(scenario)
    known = survey(scenario, len(plan.satellite_names)) if is_needed(scenario) else None
    return timeline(scenario, plan, layout, None if known is None else agenda(scenario, known))


def layout_of(scenario: Scenario) -> Layout:
    """What learns and travels; kept, so that the network is built and its weights are proven once for each file.

    Raises WeightsError for weights that are not of the scenario's model.
    """
    path = cache_folder() / "layouts" / f"{_key(scenario)}.json"
    kept = _kept(path)
    if kept is not None:
        return kept
    from orbitfl.experiment.classroom import load_learner

    layout = Layout(load_learner(scenario).shapes)
    # Where nothing can be kept, the next dry run builds the network again.
    with suppress(StorageError):
        write_text(path, json.dumps(layout.shapes))
    return layout


def _key(scenario: Scenario) -> str:
    """All that a layout follows from."""
    known = {
        "orbitfl": metadata.version("orbitfl"),
        "model": asdict(scenario.model),
        "weights": digest(locate(scenario.model.weights)),
    }
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _kept(path: Path) -> Layout | None:
    """The layout in a file, None if there is none or it is damaged."""
    try:
        return _layout(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError, WeightsError):
        return None


def _layout(content: Any) -> Layout:
    """Raises ValueError or TypeError for anything that `json` made of something else."""
    shapes = tuple((name, tuple(shape)) for name, shape in content)
    if not all(isinstance(name, str) and all(type(length) is int for length in shape) for name, shape in shapes):
        raise TypeError("a layout is names and lengths")
    return Layout(shapes)
