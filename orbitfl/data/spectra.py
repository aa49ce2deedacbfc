"""Colours of synthetic scenes: surface reflectance × 10⁴ of B02, B03, B04, B08, B11, B12 for covers, waters
and climates.

The numbers are round ones, chosen by hand to lie within what Sentinel-2 L2A shows; they are not a spectral
library. Waters reach from black to brighter than fields in every band, because real ones do.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BANDS: Final = ("B02", "B03", "B04", "B08", "B11", "B12")

LAND: Final[dict[str, tuple[int, ...]]] = {
    "conifer": (170, 280, 190, 1500, 700, 350),
    "dark_conifer": (120, 190, 140, 900, 400, 200),
    "broadleaf": (230, 480, 280, 2900, 1500, 700),
    "rainforest": (200, 430, 230, 3000, 1350, 550),
    "grass": (400, 750, 600, 2900, 2100, 1250),
    "dry_grass": (750, 1100, 1350, 2400, 3100, 2300),
    "shrub": (500, 750, 800, 1900, 2200, 1600),
    "crop": (330, 680, 380, 3800, 1900, 900),
    "ripe_crop": (800, 1200, 1500, 2800, 3000, 2000),
    "dry_soil": (1000, 1350, 1750, 2400, 3300, 2900),
    "wet_soil": (420, 560, 600, 720, 850, 650),
    "mud": (800, 1050, 1100, 980, 600, 420),
    "paddy": (600, 820, 740, 980, 600, 350),
    "burnt": (330, 400, 450, 700, 1400, 1300),
    "greenhouse": (2300, 2500, 2600, 3400, 3000, 2400),
    "desert": (1500, 2100, 2800, 3500, 4300, 3900),
    "sand": (1900, 2600, 3300, 4100, 4800, 4400),
    "rock": (1000, 1150, 1250, 1600, 2000, 1800),
    "dark_rock": (500, 550, 600, 800, 1100, 1000),
    "laterite": (650, 900, 1550, 2300, 3200, 2700),
    "salt": (3200, 3500, 3700, 4000, 2800, 2000),
    "tundra": (500, 700, 750, 1900, 2000, 1300),
    "town": (1000, 1150, 1250, 1900, 2000, 1800),
    "roof": (2100, 2200, 2300, 2800, 2800, 2600),
    "asphalt": (750, 850, 900, 1100, 1200, 1100),
    "marsh": (320, 480, 420, 1100, 700, 380),
    "bog": (380, 500, 560, 1300, 1300, 800),
    "snow": (7500, 7600, 7600, 7000, 900, 700),
    "cloud": (6500, 6500, 6500, 6900, 4800, 3800),
}

WATER: Final[dict[str, tuple[int, ...]]] = {
    "deep": (320, 260, 130, 70, 40, 30),
    "black": (150, 150, 120, 90, 60, 40),
    "green": (330, 560, 330, 220, 100, 70),
    "algae": (330, 650, 380, 1300, 300, 150),
    "turquoise": (900, 1100, 600, 150, 70, 50),
    "milky": (1250, 1500, 1300, 550, 120, 80),
    "silty": (1050, 1350, 1350, 900, 400, 280),
    "muddy": (850, 1150, 1500, 1250, 450, 300),
    "bright": (1900, 2200, 2200, 1700, 600, 400),
}


@dataclass(frozen=True, slots=True)
class Climate:
    """What grows, what lies bare and what the water looks like in one kind of country.

    Shares are of the land (0..1, drawn up to this bound); `slope` bounds the typical slope, as rise over run;
    covers are drawn with equal chance from the names given, keys of LAND or WATER.
    """

    name: str
    forest: tuple[str, ...]
    ground: tuple[str, ...]
    crops: tuple[str, ...]
    water: tuple[str, ...]
    forest_share: float
    field_share: float
    town_share: float
    marsh_share: float
    snow_share: float
    slope: float


CLIMATES: Final = (
    Climate(
        "temperate",
        forest=("broadleaf", "conifer"),
        ground=("grass", "shrub"),
        crops=("crop", "crop", "ripe_crop", "dry_soil", "wet_soil", "wet_soil", "grass"),
        water=("deep", "green", "black", "deep", "silty", "green", "algae"),
        forest_share=0.5,
        field_share=0.8,
        town_share=0.25,
        marsh_share=0.06,
        snow_share=0.0,
        slope=0.12,
    ),
    Climate(
        "boreal",
        forest=("conifer", "dark_conifer"),
        ground=("bog", "tundra", "marsh"),
        crops=("grass", "wet_soil", "ripe_crop"),
        water=("black", "deep", "black", "green"),
        forest_share=0.85,
        field_share=0.12,
        town_share=0.02,
        marsh_share=0.2,
        snow_share=0.004,
        slope=0.1,
    ),
    Climate(
        "tundra",
        forest=("shrub", "bog"),
        ground=("tundra", "dark_rock", "bog", "rock"),
        crops=("grass", "tundra"),
        water=("black", "deep", "deep", "black", "milky", "turquoise"),
        forest_share=0.3,
        field_share=0.0,
        town_share=0.01,
        marsh_share=0.2,
        snow_share=0.01,
        slope=0.15,
    ),
    Climate(
        "arid",
        forest=("shrub", "dry_grass"),
        ground=("desert", "dry_grass", "laterite", "rock"),
        crops=("crop", "dry_soil", "ripe_crop", "burnt", "wet_soil"),
        water=("turquoise", "silty", "green", "green", "muddy", "deep", "deep"),
        forest_share=0.15,
        field_share=0.25,
        town_share=0.06,
        marsh_share=0.04,
        snow_share=0.0,
        slope=0.15,
    ),
    Climate(
        "sandy",
        forest=("shrub", "dark_rock"),
        ground=("sand", "desert", "salt", "sand"),
        crops=("crop", "dry_soil"),
        water=("turquoise", "silty", "green", "bright", "deep", "deep", "algae"),
        forest_share=0.08,
        field_share=0.1,
        town_share=0.04,
        marsh_share=0.08,
        snow_share=0.0,
        slope=0.1,
    ),
    Climate(
        "tropical",
        forest=("rainforest", "broadleaf"),
        ground=("grass", "laterite", "marsh"),
        crops=("crop", "burnt", "laterite", "wet_soil", "wet_soil", "paddy"),
        water=("muddy", "silty", "black", "black", "green", "green", "algae"),
        forest_share=0.85,
        field_share=0.35,
        town_share=0.06,
        marsh_share=0.12,
        snow_share=0.0,
        slope=0.08,
    ),
    Climate(
        "delta",
        forest=("broadleaf", "marsh"),
        ground=("grass", "wet_soil", "marsh"),
        crops=("paddy", "paddy", "crop", "crop", "wet_soil", "wet_soil", "greenhouse", "ripe_crop"),
        water=("silty", "muddy", "bright", "green", "deep", "algae"),
        forest_share=0.2,
        field_share=0.95,
        town_share=0.5,
        marsh_share=0.15,
        snow_share=0.0,
        slope=0.02,
    ),
    Climate(
        "mountain",
        forest=("dark_conifer", "conifer"),
        ground=("dark_rock", "rock", "tundra", "dry_grass"),
        crops=("grass", "ripe_crop"),
        water=("milky", "turquoise", "deep", "deep", "black", "silty"),
        forest_share=0.5,
        field_share=0.12,
        town_share=0.05,
        marsh_share=0.03,
        snow_share=0.08,
        slope=0.5,
    ),
)


def spectrum(name: str) -> NDArray[np.float32]:
    """Reflectance × 10⁴ (6,) of a cover or a water by name."""
    return np.array(LAND.get(name) or WATER[name], np.float32)


def varied(rng: np.random.Generator, names: tuple[str, ...], count: int, spread: float) -> NDArray[np.float32]:
    """`count` spectra (count, 6) drawn from `names`, each brighter or darker and tinted by about `spread`."""
    table = np.stack([spectrum(name) for name in names])[rng.integers(0, len(names), count)]
    brightness, tint = rng.normal(0, spread, (count, 1)), rng.normal(0, spread / 4, (count, len(BANDS)))
    return (table * np.exp(brightness + tint)).astype(np.float32)
