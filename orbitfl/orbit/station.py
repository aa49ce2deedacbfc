"""Ground stations."""

from dataclasses import dataclass

from orbitfl.errors import ScenarioError


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundStation:
    """A WGS84 place that sees satellites above an elevation mask; refraction is left out.

    name: what it is called. latitude_deg: the geodetic latitude, positive in the north.
    longitude_deg: the longitude, positive in the east. altitude_m: the height above the ellipsoid.
    mask_deg: the geodetic elevation above which it sees satellites.
    Raises ScenarioError for a place off the Earth.
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 0.0
    mask_deg: float = 5.0

    def __post_init__(self) -> None:
        if not self.name:
            raise ScenarioError("name is empty, but a ground station needs one.")
        self._require("latitude_deg", -90, 90)
        self._require("longitude_deg", -180, 360)
        self._require("altitude_m", -500, 9000)
        self._require("mask_deg", 0, 89)

    def _require(self, field: str, lowest: float, highest: float) -> None:
        value = getattr(self, field)
        if not lowest <= value <= highest:
            raise ScenarioError(
                f"{field} is {value} at station {self.name}, but it must be from {lowest} to {highest}."
            )
