"""Where on Earth the scenes of a run lie."""

from orbitfl.contacts.areas import Area
from orbitfl.data.boxes import box_of
from orbitfl.data.loading import scenes
from orbitfl.errors import OrbitflError
from orbitfl.experiment.result import RunResult
from orbitfl.files import cache_folder
from orbitfl.report.plots import chosen

MOST = 400


def footprints(result: RunResult) -> list[Area]:
    """The scenes that were learnt from, at most MOST, then the event's area; none if they are gone or nowhere."""
    try:
        found = scenes(result.scenario.data, cache_folder())
        areas = [Area(name=scene.name, **box_of(scene)._asdict()) for scene in found]
    except OrbitflError:
        areas = []  # they are a backdrop: without them the run can be shown as well
    event = result.scenario.event
    return [*(areas[place] for place in chosen(len(areas), MOST)), *([event.area] if event is not None else [])]
