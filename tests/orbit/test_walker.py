"""Walker delta geometry, measured on positions and velocities rather than read from the elements."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbitfl.errors import ScenarioError
from orbitfl.orbit.walker import Walker


def walker(**changes) -> Walker:
    return Walker(**{"total": 6, "planes": 3, "phasing": 1, "altitude_km": 786, "inclination_deg": 98.62} | changes)


@st.composite
def deltas(draw) -> Walker:
    planes, per_plane = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    return walker(
        total=planes * per_plane,
        planes=planes,
        phasing=draw(st.integers(0, planes - 1)),
        inclination_deg=draw(st.floats(1, 179)),
        raan_deg=draw(st.floats(-180, 180)),
        arglat_deg=draw(st.floats(-180, 180)),
    )


def node_and_arglat_deg(option: Walker) -> tuple[np.ndarray, np.ndarray]:
    """Right ascension of the node and argument of latitude at t = 0, from states alone."""
    r, v = (vector[:, 0] for vector in option.propagator().states([0.0]))
    normal = np.cross(r, v)
    node = np.stack([-normal[:, 1], normal[:, 0], 0 * normal[:, 0]], axis=1)
    node /= np.linalg.norm(node, axis=1)[:, None]
    ahead = np.cross(normal, node)
    ahead /= np.linalg.norm(ahead, axis=1)[:, None]
    arglat = np.arctan2((r * ahead).sum(axis=1), (r * node).sum(axis=1))
    return np.rad2deg(np.arctan2(node[:, 1], node[:, 0])), np.rad2deg(arglat)


def assert_same_angle(actual_deg, expected_deg, within_deg: float) -> None:
    assert np.abs((np.asarray(actual_deg) - expected_deg + 180) % 360 - 180).max() <= within_deg


def test_six_satellites_in_three_planes_lie_where_walker_puts_them():
    """98.6: 6/3/1, worked by hand: planes 120° apart, neighbours 180° apart, each plane shifted by 60°."""
    nodes_deg, arglats_deg = node_and_arglat_deg(walker())
    # The drift of the node tilts the plane of motion by 0.007°, hence the tolerance.
    assert_same_angle(nodes_deg, [0, 0, 120, 120, 240, 240], 0.02)
    assert_same_angle(arglats_deg, [0, 180, 60, 240, 120, 300], 0.02)


@given(deltas())
def test_every_satellite_of_a_plane_sees_the_same_ring(option: Walker):
    positions = option.propagator().positions([0.0])[:, 0]
    planes = positions.reshape(option.planes, -1, 3)
    spacing = np.linalg.norm(planes - np.roll(planes, 1, axis=1), axis=-1)
    side_km = 2 * (6378.137 + 786) * np.sin(np.pi * option.planes / option.total)
    np.testing.assert_allclose(spacing, side_km, atol=1e-6)


@given(deltas())
def test_turning_to_the_next_plane_maps_the_constellation_onto_itself(option: Walker):
    """A turn by 360°/p about the pole and one by 360° f/t along the orbits leave the set unchanged."""
    positions = option.propagator().positions([0.0])[:, 0]
    shifted = walker(
        total=option.total,
        planes=option.planes,
        phasing=option.phasing,
        inclination_deg=option.inclination_deg,
        raan_deg=option.raan_deg + 360 / option.planes,
        arglat_deg=option.arglat_deg + 360 * option.phasing / option.total,
    )
    turned = shifted.propagator().positions([0.0])[:, 0]
    nearest_km = np.linalg.norm(positions[:, None] - turned[None], axis=-1).min(axis=1)
    assert nearest_km.max() < 1e-6


def test_a_star_spreads_its_planes_over_half_a_turn():
    """Iridium's geometry, 86.4: 66/6/2: neighbouring planes 30° apart, so that all nodes lie within 150°."""
    star = walker(total=66, planes=6, phasing=2, inclination_deg=86.4, pattern="star")
    nodes_deg, arglats_deg = node_and_arglat_deg(star)
    assert_same_angle(nodes_deg[::11], [0, 30, 60, 90, 120, 150], 0.02)
    assert_same_angle(arglats_deg[::11], np.arange(6) * 2 * 360 / 66, 0.02)


def test_satellites_bear_the_names_and_move_as_the_propagator_does():
    epoch_utc = datetime(2026, 11, 17, tzinfo=UTC)
    satellites = walker().satellites(epoch_utc, 3600)
    assert satellites.names == walker().names
    np.testing.assert_array_equal(satellites.propagator.positions([60.0]), walker().propagator().positions([60.0]))


def test_names_count_from_zero():
    assert walker().names == ("sat-0", "sat-1", "sat-2", "sat-3", "sat-4", "sat-5")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"total": 0}, "total"),
        ({"planes": 4}, "planes"),
        ({"planes": 0}, "planes"),
        ({"planes": -3}, "planes"),
        ({"phasing": 3}, "phasing"),
        ({"phasing": -1}, "phasing"),
        ({"altitude_km": 100}, "altitude_km"),
        ({"altitude_km": float("inf")}, "altitude_km"),
        ({"altitude_km": float("nan")}, "altitude_km"),
        ({"inclination_deg": 181}, "inclination_deg"),
        ({"inclination_deg": float("nan")}, "inclination_deg"),
        ({"raan_deg": float("nan")}, "raan_deg"),
        ({"arglat_deg": float("inf")}, "arglat_deg"),
        ({"pattern": "rose"}, "pattern"),
    ],
)
def test_impossible_constellations_are_refused(changes: dict, field: str):
    with pytest.raises(ScenarioError, match=f"^{field} is '?{changes[field]}'?, but"):
        walker(**changes)
