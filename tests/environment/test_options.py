"""What a scenario may say, and when an activity is refused."""

from dataclasses import asdict
from typing import Any

import pytest

from orbitfl.environment import Activity, Battery, Limits, Paseos, Radiation, Reason, ThermalNode, require_feeds
from orbitfl.errors import ScenarioError


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        (Paseos, "battery_j", 0.0),
        (Paseos, "battery_j", float("nan")),
        (Paseos, "charging_w", float("inf")),
        (Paseos, "initial_charge", 1.1),
        (Paseos, "step_s", 0.0),
        (Paseos, "earth_radius_km", 6378137.0),
        (Battery, "battery_j", -1.0),
        (Battery, "initial_charge", -0.1),
        (Radiation, "restarts_per_s", -1e-6),
        (Radiation, "failures_per_s", float("nan")),
        (Limits, "training_min_charge", -0.1),
        (Limits, "inference_max_c", 1000.0),
        (Limits, "stop_max_c", float("nan")),
        (ThermalNode, "mass_kg", -6.0),
        (ThermalNode, "sun_absorptance", 90.0),
        (ThermalNode, "emissive_area_m2", 0.0),
    ],
)
def test_an_impossible_value_is_refused_by_its_name(options: Any, name: str, value: float):
    with pytest.raises(ScenarioError, match=f"^{name} is {value}"):
        options(**{name: value})


def test_a_step_longer_than_the_heat_balance_takes_is_refused():
    with pytest.raises(ScenarioError, match=r"^step_s is 10\.0; .*thermal\.mass_kg"):
        Paseos(thermal=ThermalNode(mass_kg=0.0001))
    with pytest.raises(ScenarioError, match=r"^step_s is 10\.0"):
        Battery(convention="paseos", thermal=ThermalNode(mass_kg=0.0001))
    # Without steps there is nothing to overshoot.
    assert Battery(thermal=ThermalNode(mass_kg=0.0001)).convention == "physical"


def test_both_kinds_have_the_same_options_and_defaults():
    paseos, battery = asdict(Paseos()), asdict(Battery())
    assert (paseos.pop("kind"), battery.pop("kind")) == ("paseos", "battery")
    assert paseos == battery


def test_a_battery_smaller_than_one_training_step_is_refused():
    bus = Battery(battery_j=100.0)
    require_feeds(bus, 90.0)
    with pytest.raises(ScenarioError, match=r"^battery_j is 100, which gives 90 J .* one training step takes 90\.1 J"):
        require_feeds(bus, 90.1)


@pytest.mark.parametrize(
    ("activity", "charge", "celsius", "reason"),
    [
        (Activity.TRAINING, 0.21, 39.0, None),
        (Activity.TRAINING, 0.19, 39.0, Reason.LOW_CHARGE),
        (Activity.TRAINING, 0.21, 41.0, Reason.TOO_HOT),
        (Activity.EXCHANGE, 0.11, 44.0, None),
        (Activity.EXCHANGE, 0.09, 44.0, Reason.LOW_CHARGE),
        (Activity.EXCHANGE, 0.11, 46.0, Reason.TOO_HOT),
        (Activity.DOWNLINK, 0.11, 44.0, None),
        (Activity.DOWNLINK, 0.09, 44.0, Reason.LOW_CHARGE),
        (Activity.DOWNLINK, 0.11, 46.0, Reason.TOO_HOT),
        (Activity.INFERENCE, 0.11, 64.0, None),
        (Activity.INFERENCE, 0.09, 20.0, Reason.LOW_CHARGE),
        (Activity.INFERENCE, 0.11, 66.0, Reason.TOO_HOT),
        (Activity.STANDBY, 0.0, 90.0, None),
    ],
)
def test_the_papers_limits(activity: Activity, charge: float, celsius: float, reason: Reason | None):
    assert Limits().to_begin()[activity].refusal(charge, 273.15 + celsius) is reason


def test_what_must_stop_may_not_begin_either():
    limits = Limits(exchange_min_charge=0.0, stop_min_charge=0.3)
    assert limits.to_begin()[Activity.EXCHANGE].refusal(0.2, 280.0) is Reason.LOW_CHARGE
    assert limits.to_go_on()[Activity.EXCHANGE].refusal(0.2, 280.0) is Reason.LOW_CHARGE


def test_every_activity_has_its_gates():
    limits = Limits(inference_min_charge=0.6, inference_max_c=20.0, stop_max_c=50.0)
    assert set(limits.to_begin()) == set(limits.to_go_on()) == set(Activity)
    inference = limits.to_begin()[Activity.INFERENCE]
    assert inference.refusal(0.59, 280.0) is Reason.LOW_CHARGE
    assert inference.refusal(0.61, 294.0) is Reason.TOO_HOT
    assert inference.refusal(0.61, 293.0) is None
    assert limits.to_go_on()[Activity.STANDBY].refusal(0.0, 1000.0) is None
    assert limits.to_go_on()[Activity.TRAINING].refusal(0.5, 273.15 + 50.1) is Reason.TOO_HOT
