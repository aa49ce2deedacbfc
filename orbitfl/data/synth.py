"""Synthetic Sentinel-2 scenes with exact water masks, for pre-training and for tests without a download.

A scene is laid out as a map of covers (`landscape`), coloured (`spectra`), lit by a low or high sun, veiled
by clouds and haze and seen by a blurred, noisy instrument. Dark shadow, forest and wet soil overlap with dark
water, and bright sediment with bare ground. NDWI above zero still finds water with an IoU of 84 %
(docs/benchmarks.md), so these scenes are no test of whether learning pays.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from orbitfl.data.landscape import (
    Channels,
    Field,
    Parcels,
    above,
    fractal,
    join,
    line_distance_px,
    meander,
    oxbows,
    parcels,
)
from orbitfl.data.regions import Labels, Mask, connected, patches, without_specks
from orbitfl.data.spectra import BANDS, CLIMATES, Climate, spectrum, varied

Bands = NDArray[np.floating]

# Cover codes of the map; a parcel's cover is FIELD or TOWN plus its label.
COVERS: Final = 9
WATER, FOREST, GROUND, MARSH, SHORE, SNOW, ROAD, CLOUD, SHADOW = range(COVERS)
KINDS: Final = 512
FIELD: Final = 1 << 16
TOWN: Final = 2 << 16


@dataclass(frozen=True, slots=True)
class SyntheticScene:
    """One scene: `reflectance` (6, H, W) uint16, × 10⁴, of B02, B03, B04, B08, B11, B12 at 10 m; `water`
    (H, W) uint8, 1 where open water is seen; `regions` (H, W) int32, the number of the connected segment
    that each pixel is in.
    """

    climate: str
    reflectance: NDArray[np.uint16]
    water: NDArray[np.uint8]
    regions: Labels


@dataclass(frozen=True, slots=True)
class _Ground:
    """The map before it is coloured: heights, water, cover codes and the fields, all (H, W)."""

    height: Field
    water: Mask
    flooded: Mask
    cover: Labels


def synthesize(seed: int, size_px: int = 512) -> SyntheticScene:
    """Draw the scene number `seed` of size_px × size_px pixels; the same seed gives the same scene.

    Its climate, its share of water (about 3 to 45 %), sun, clouds and instrument noise all follow from the
    seed.
    """
    rng = np.random.default_rng([seed, size_px])
    climate = CLIMATES[rng.integers(len(CLIMATES))]
    ground = _lay_out(rng, climate, size_px)
    image = _water_over(rng, climate, ground, _lit(rng, climate, ground, _land_colours(rng, climate, ground)))
    cloud, shadow = _clouds(rng, size_px)
    image *= 1 - shadow * np.array([0.55, 0.62, 0.66, 0.7, 0.75, 0.75], np.float32)[:, None, None]
    image += cloud * (spectrum("cloud")[:, None, None] * rng.uniform(0.8, 1.2) - image)
    water = ground.water & (cloud < 0.5)
    cover = np.where((shadow > 0.5) & ~water, SHADOW, ground.cover)
    regions = connected(np.where(cloud >= 0.5, CLOUD, cover))
    return SyntheticScene(climate.name, _sensed(rng, image), water.astype(np.uint8), regions)


def _lay_out(rng: np.random.Generator, climate: Climate, size_px: int) -> _Ground:
    bank_px = _rivers(rng, size_px)
    # A valley along each river, so that floods and marshes lie beside it.
    valley = rng.uniform(0.3, 1.5) * np.exp(-np.maximum(bank_px, 0) / rng.uniform(15, 60))
    height = _heights(rng, size_px) - valley
    fields = parcels(rng, size_px, int(rng.integers(8, 60)), rng.uniform(5, 22), rng.uniform(12, 60))
    town = parcels(rng, size_px, int(rng.integers(4, 20)), rng.uniform(4, 9), rng.uniform(5, 12))
    cover = _cover(rng, climate, height, fields, town)
    water, flooded = _waters(rng, height, bank_px, fields, cover)
    road = _roads(rng, climate, size_px) & (~water | (bank_px < 0))
    water &= ~road
    cover[_shore(rng, height, water)] = SHORE
    cover[water] = WATER
    cover[road] = ROAD
    return _Ground(height, water, flooded & water, cover)


def _roads(rng: np.random.Generator, climate: Climate, size_px: int) -> Mask:
    """A few roads where people live. They bridge rivers; at lakes the caller ends them."""
    road = np.zeros((size_px, size_px), bool)
    for _ in range(rng.poisson(1.2 if climate.town_share > 0.05 else 0.2)):
        road |= line_distance_px(rng, size_px) < rng.uniform(0.6, 1.2)
    return road


def _shore(rng: np.random.Generator, height: Field, water: Mask) -> Mask:
    """A beach or a mud flat one to six pixels wide along the lower shores, in two scenes of three."""
    if rng.random() > 0.65:
        return np.zeros_like(water)
    near = np.asarray(ndimage.binary_dilation(water, iterations=int(rng.integers(1, 7))), bool)
    return near & ~water & (height < np.quantile(height, rng.uniform(0.2, 0.9)))


def _heights(rng: np.random.Generator, size_px: int) -> Field:
    """Terrain of unit deviation: smooth basins, ragged shores or plains full of ponds, often tilted."""
    scale_px, stretch = _log_uniform(rng, 30, 600), math.exp(abs(rng.normal(0, 0.25)))
    height = fractal(rng, size_px, rng.uniform(2.3, 3.8), scale_px, stretch)
    axis_rad, tilt = rng.uniform(0, 2 * np.pi), float(rng.choice([0, 1, 3]))
    row, column = np.indices((size_px, size_px), np.float32) / size_px - 0.5
    return height + tilt * (row * math.sin(axis_rad) + column * math.cos(axis_rad))


def _log_uniform(rng: np.random.Generator, least: float, most: float) -> float:
    return math.exp(rng.uniform(math.log(least), math.log(most)))


def _rivers(rng: np.random.Generator, size_px: int) -> Field:
    axis_rad, channels = rng.uniform(0, 2 * np.pi), []
    for _ in range(rng.choice([0, 1, 2, 3], p=[0.35, 0.4, 0.17, 0.08])):
        river = meander(rng, size_px, axis_rad + rng.normal(0, 0.7), _log_uniform(rng, 2.5, 45))
        channels += [river, oxbows(rng, river, int(rng.choice([0, 4, 12])))]
    ragged = rng.uniform(0.3, 1.5) * fractal(rng, size_px, 1.6, 12)
    empty = np.zeros(0)
    return join([Channels(empty, empty, empty), *channels]).distance_px(size_px) + ragged


def _cover(rng: np.random.Generator, climate: Climate, height: Field, fields: Parcels, town: Parcels) -> Labels:
    """Cover codes (H, W) of the dry scene, each cover painted over those before it."""
    size_px = height.shape[0]
    everywhere = np.ones_like(height, bool)
    wild, tame = (fractal(rng, size_px, rng.uniform(1.7, 2.3), rng.uniform(60, 400)) for _ in range(2))
    cover = np.where(above(wild, climate.forest_share * rng.uniform(0, 1.1), everywhere), FOREST, GROUND)
    cover = np.where(above(wild * 0.4 - height, climate.marsh_share * rng.random(), everywhere), MARSH, cover)
    farmed = above(tame, climate.field_share * rng.uniform(0.1, 1.05), everywhere)
    cover = np.where(farmed & (fields.edge_px > rng.choice([0, 0.7, 1.3])), FIELD + fields.label, cover)
    built = above(tame - 0.6 * wild, climate.town_share * rng.uniform(0, 1.2) ** 2, everywhere)
    cover = np.where(built, np.where(town.edge_px > 0.8, TOWN + town.label, ROAD), cover)
    snow = above(height + 0.3 * wild, climate.snow_share * rng.uniform(-1, 1), everywhere)
    return np.where(snow, SNOW, cover)


def _waters(
    rng: np.random.Generator, height: Field, bank_px: Field, fields: Parcels, cover: Labels
) -> tuple[Mask, Mask]:
    """Rivers, then ponds, floods and lakes until the scene holds the share of water drawn for it."""
    share = rng.uniform(0.03, 0.46) if rng.random() < 0.88 else rng.uniform(0, 0.03)
    bars = fractal(rng, height.shape[0], 2.4, 30) > rng.uniform(1.2, 3.5)
    river = (bank_px < 0) & ~without_specks(bars & (bank_px < -2), 12)
    field = (cover >= FIELD) & (cover < TOWN)
    dyked = height + rng.normal(0, rng.uniform(0.1, 0.7), 1 << 16).astype(np.float32)[fields.label]
    flooded = np.zeros_like(river)
    if rng.random() < 0.45:
        flooded = above(-dyked, _missing(share * rng.random(), river, field), field & ~river)
    rest = ~(river | flooded)
    lakes = without_specks(above(-height, _missing(share, river | flooded, rest), rest), 9)
    return river | flooded | lakes, flooded


def _missing(share: float, water: Mask, within: Mask) -> float:
    """The part of `within` that must turn to water for `share` of the whole scene to be water."""
    return float(np.clip((share - water.mean()) / max(within.mean(), 1e-6), 0, 1))


def _land_colours(rng: np.random.Generator, climate: Climate, ground: _Ground) -> Bands:
    """Reflectance (6, H, W) of the land in full light: two spectra per cover, mixed by textures."""
    size_px = ground.height.shape[0]
    entry = _palette_row(ground.cover)
    first, second = (_palette(rng, climate) for _ in range(2))
    # Neighbouring covers shade into each other more in some countries than in others.
    second[:COVERS] = first[:COVERS] + rng.uniform(0.2, 0.8) * (second[:COVERS] - first[:COVERS])
    second[FOREST] += rng.uniform(0, 0.5) * (first[GROUND] - second[FOREST])
    # A parcel is sown with one crop: its second colour is a shade of the first.
    second[COVERS:] = first[COVERS:] * rng.normal(1, 0.12, (2 * KINDS, 1)).astype(np.float32)
    grain = fractal(rng, size_px, rng.uniform(0.6, 1.3), 60)
    patch = fractal(rng, size_px, 1.8, rng.uniform(30, 120))
    mix = np.clip(0.5 + 0.3 * patch + 0.25 * grain, 0, 1)
    image = np.stack([a[entry] + mix * (b[entry] - a[entry]) for a, b in zip(first.T, second.T, strict=True)])
    built = np.where(ground.cover >= TOWN, 2, ground.cover == FOREST).astype(int)
    speckle = rng.standard_normal(mix.shape, np.float32) * np.array([0.0, 0.09, 0.2], np.float32)[built]
    return image * np.exp(speckle + rng.uniform(0.04, 0.14) * grain)


def _palette(rng: np.random.Generator, climate: Climate) -> Bands:
    """Spectra (rows, 6): the covers by code, then KINDS of field and as many of town block."""
    covers = {
        FOREST: climate.forest,
        GROUND: climate.ground,
        MARSH: ("marsh", "bog", "wet_soil", "paddy"),
        SHORE: ("sand", "mud", "mud", "wet_soil"),
        SNOW: ("snow",),
        ROAD: ("asphalt",),
    }
    table = np.zeros((COVERS, len(BANDS)), np.float32)
    for code, names in covers.items():
        table[code] = varied(rng, names, 1, 0.2)
    blocks = ("town", "town", "town", "asphalt", "roof", "grass", "dark_rock")
    return np.concatenate([table, varied(rng, climate.crops, KINDS, 0.25), varied(rng, blocks, KINDS, 0.25)])


def _palette_row(cover: Labels) -> Labels:
    parcel = COVERS + ((cover >> 16) - 1) * KINDS + cover % KINDS
    return np.where(cover < FIELD, cover, parcel)


def _lit(rng: np.random.Generator, climate: Climate, ground: _Ground, image: Bands) -> Bands:
    """Shade the slopes for a sun 20 to 65° high in the south-east; dark slopes keep bluish skylight."""
    sun_rad, azimuth_rad = math.radians(rng.uniform(20, 65)), math.radians(rng.uniform(100, 190))
    bumps = fractal(rng, ground.height.shape[0], 2.4, 50)
    down, right = np.gradient(ndimage.gaussian_filter(ground.height + 0.4 * bumps, rng.uniform(1, 2.5)))
    steep = climate.slope * rng.uniform(0.15, 1.0) / float(np.hypot(down, right).mean())
    down, right = down * steep, right * steep
    toward = math.cos(azimuth_rad) * down - math.sin(azimuth_rad) * right
    light = (1 + toward / math.tan(sun_rad)) / np.sqrt(1 + down**2 + right**2)
    light = np.clip(light, 0.04, 1.7)
    sky = np.array([170, 110, 70, 50, 20, 15], np.float32)[:, None, None]
    return image * (0.08 + 0.92 * light) + sky * np.maximum(1 - light, 0)


def _water_over(rng: np.random.Generator, climate: Climate, ground: _Ground, land: Bands) -> Bands:
    """Pour the water: each body has its colour, with plumes, weeds, waves, glint and clear shallows."""
    size_px = land.shape[1]
    body, count = patches(ground.water)
    common = varied(rng, climate.water, 2, 0.25)
    own = varied(rng, climate.water, count + 1, 0.25)
    alike = 1 - rng.choice([0.15, 0.35, 1.0]) * rng.random((count + 1, 1), np.float32) ** 3
    colour = (alike * common[0] + (1 - alike) * own).astype(np.float32)
    swirl = fractal(rng, size_px, 2.2, rng.uniform(40, 300), 1.5)
    plume = np.clip(rng.uniform(-0.6, 0.5) + 0.45 * swirl, 0, 1)
    image = np.stack([a[body] + plume * (b - a[body]) for a, b in zip(colour.T, common[1], strict=True)])
    image *= np.exp(rng.uniform(0.01, 0.07) * rng.standard_normal((size_px, size_px), np.float32))
    # Light from the bright land scattered in over the water (adjacency), and glint.
    image += rng.uniform(0, 0.35) * land.mean(axis=(1, 2), keepdims=True)
    image += max(0.0, rng.normal(-150, 250)) * (1 + 0.3 * fractal(rng, size_px, 1.0, 30))
    weeds = (fractal(rng, size_px, 1.8, 25) > rng.uniform(1, 5)) * np.float32(0.7)
    image += weeds * (spectrum("algae")[:, None, None] * 1.5 - image)
    inside = ndimage.gaussian_filter(ground.water.astype(np.float32), rng.uniform(0.5, 4))
    shallow = np.clip((1 - inside) * rng.uniform(0, 0.9), 0, 0.5)
    seen = shallow + ground.flooded * np.float32(rng.uniform(0, 0.5))
    return np.where(ground.water, image + np.clip(seen, 0, 0.6) * (land - image), land)


def _clouds(rng: np.random.Generator, size_px: int) -> tuple[Field, Field]:
    """Opacity of clouds and of their shadows, both (H, W) in 0..1; shadows lie north-west of clouds."""
    if rng.random() > 0.3:
        return np.zeros((size_px, size_px), np.float32), np.zeros((size_px, size_px), np.float32)
    field = fractal(rng, size_px, rng.uniform(1.7, 2.4), rng.uniform(20, 120))
    cloud = np.clip((field - np.quantile(field, 1 - 0.12 * rng.random() ** 4)) * rng.uniform(0.8, 3), 0, 1)
    away_px = -rng.integers(5, 70, 2)
    shadow = np.roll(ndimage.gaussian_filter(np.clip(cloud * 1.6, 0, 1), 1.5), away_px, (0, 1))
    return cloud, shadow


def _sensed(rng: np.random.Generator, image: Bands) -> NDArray[np.uint16]:
    """Through air and instrument, to uint16 × 10⁴: gain, blue haze, thin cirrus, point spread, noise."""
    size_px = image.shape[1]
    haze = np.array([1.0, 0.7, 0.5, 0.3, 0.1, 0.05], np.float32) * abs(rng.normal(0, 250))
    cirrus = np.clip(fractal(rng, size_px, 2.4, 200, 2.0) + rng.uniform(-3, 1), 0, 3)
    veil = cirrus * (180 if rng.random() < 0.3 else 0)
    blur_px = np.array([0.55, 0.55, 0.55, 0.55, 1.1, 1.1]) * rng.uniform(0.9, 1.7)
    noise = rng.uniform(5, 40) * rng.standard_normal(image.shape, np.float32)
    gain = math.exp(rng.normal(0, 0.12))
    image = np.stack([ndimage.gaussian_filter(band, blur) for band, blur in zip(image, blur_px, strict=True)])
    image = image * gain + haze[:, None, None] + veil + noise
    return np.clip(np.rint(image), 1, 20000).astype(np.uint16)
