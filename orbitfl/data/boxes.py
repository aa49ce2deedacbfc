"""Where scenes lie on the Earth."""

from typing import NamedTuple

import rasterio
from rasterio.errors import RasterioError
from rasterio.transform import array_bounds
from rasterio.warp import transform_bounds

from orbitfl.data.folder import Scene
from orbitfl.errors import DataError

WGS84 = "EPSG:4326"


class Box(NamedTuple):
    """Between two WGS84 parallels and, eastward from `west_deg` to `east_deg`, two meridians."""

    south_deg: float
    west_deg: float
    north_deg: float
    east_deg: float


def box_of(scene: Scene) -> Box:
    """The box around a scene; over the antimeridian its west is greater than its east.

    Raises DataError for a scene without georeference.
    """
    if scene.crs is None:
        raise DataError(
            f"{scene.image_path} has no coordinate system, so it is not known when a satellite sees it. "
            "Georeference it, or divide the data otherwise than by partition: {kind: overflight}."
        )
    bounds = array_bounds(scene.height_px, scene.width_px, scene.transform)
    try:
        with rasterio.Env():
            west_deg, south_deg, east_deg, north_deg = transform_bounds(scene.crs, WGS84, *bounds)
    except RasterioError as error:
        raise DataError(f"{scene.image_path} lies nowhere on the Earth: {error}. Georeference it anew.") from error
    return Box(south_deg, west_deg, north_deg, east_deg)
