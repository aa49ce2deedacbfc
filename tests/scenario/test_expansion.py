"""What a scenario makes of the profiles that it names."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from orbitfl.contacts.links import FixedRate, LinkBudget
from orbitfl.contacts.rules import ContactRules
from orbitfl.environment import Paseos, ThermalNode
from orbitfl.errors import ScenarioError
from orbitfl.scenario import load, load_mission, resolved_yaml

TERMINALS = "links={isl: {kind: terminal, profile: s_band_isl}, ground: {kind: terminal, profile: x_band_downlink}}"
CUBESAT = "environment={kind: paseos, bus: cubesat_6u}"


def values(repository: Path, name: str) -> dict[str, Any]:
    """The numbers of a shipped profile, read as plain YAML."""
    document = yaml.safe_load((repository / f"hw/profiles/{name}.yaml").read_text())
    return {key: entry["value"] for key, entry in document.items() if key not in ("kind", "name")}


def test_profiles_give_what_their_numbers_written_out_would(repository: Path, first_light: Path):
    named = load(first_light, [CUBESAT, TERMINALS, "compute=generic_arm64"])
    bus, isl, ground = (values(repository, name) for name in ("cubesat_6u", "s_band_isl", "x_band_downlink"))
    isl_w, ground_w = isl.pop("transmit_w"), ground.pop("transmit_w")
    power = {key: bus.pop(key) for key in ("battery_j", "initial_charge", "charging_w")}
    bus_w = bus.pop("standby_w")
    links = {"isl": {"kind": "budget", **isl}, "ground": {"kind": "budget", **ground}}
    plain = load(first_light, [f"environment={ {'kind': 'paseos', **power, 'thermal': bus} }", f"links={links}"])
    assert named.environment == plain.environment
    assert named.environment == Paseos(**power, thermal=ThermalNode(**bus))
    assert named.planning() == plain.planning()
    assert named.planning().ground == LinkBudget(**ground)
    watts, arm = named.watts(), values(repository, "generic_arm64")
    assert watts.train_w == bus_w + arm["train_w"]
    assert watts.inference_w == bus_w + arm["inference_w"]
    assert watts.standby_w == bus_w + arm["standby_w"]
    assert watts.exchange_w == bus_w + arm["standby_w"] + isl_w
    assert watts.downlink_w == bus_w + arm["standby_w"] + ground_w
    assert watts.merge_w is None and named.seconds().merge_s is None
    assert named.seconds().train_step_s == arm["train_step_s"]
    assert named.seconds().inference_s == arm["inference_s"]


def test_without_bus_and_terminals_a_satellite_draws_what_its_board_says(first_light: Path):
    scenario = load(first_light)
    watts, seconds = scenario.watts(), scenario.seconds()
    assert (watts.train_w, watts.inference_w, watts.standby_w) == (30, 10, 5)
    assert (watts.exchange_w, watts.downlink_w, watts.merge_w) == (10, 10, None)
    assert (seconds.train_step_s, seconds.inference_s, seconds.merge_s) == (2.014170, 2.554198, None)


def test_the_papers_terminal_draws_what_its_authors_say(first_light: Path):
    bus = "environment={kind: paseos, bus: paper_smallsat}"
    scenario = load(first_light, [bus, "links.isl={kind: terminal, profile: optical_isl}"])
    assert scenario.watts().exchange_w == 13.5
    assert scenario.environment == Paseos()


def test_what_the_environment_says_itself_goes_before_the_bus(repository: Path, first_light: Path):
    said = "environment={kind: paseos, bus: cubesat_6u, battery_j: 1.0e+5, thermal: {mass_kg: 8.0}}"
    environment, bus = load(first_light, [said]).environment, values(repository, "cubesat_6u")
    assert (environment.battery_j, environment.charging_w) == (1e5, bus["charging_w"])
    assert environment.thermal.mass_kg == 8.0
    assert environment.thermal.emissive_area_m2 == bus["emissive_area_m2"]


def test_a_resolved_scenario_needs_no_profile_file(repository: Path, first_light: Path, tmp_path: Path):
    for name in ("generic_arm64", "cubesat_6u", "optical_isl"):
        (tmp_path / f"my_{name}.yaml").write_text((repository / f"hw/profiles/{name}.yaml").read_text())
    mine = tmp_path / "mine.yaml"
    mine.write_text(first_light.read_text())
    isl = "links.isl={kind: terminal, profile: my_optical_isl.yaml}"
    overrides = ["compute=my_generic_arm64.yaml", "environment.bus=my_cubesat_6u.yaml", isl]
    scenario = load(mine, [*overrides, "links.ground={kind: terminal, profile: x_band_downlink}"])
    for path in tmp_path.glob("my_*.yaml"):
        path.unlink()
    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(resolved_yaml(scenario))
    again = load(resolved)
    assert again == scenario and again.watts() == scenario.watts()
    written = yaml.safe_load(resolved.read_text())
    assert written["compute"]["train_w"]["source"].startswith("estimate")
    assert written["environment"]["bus"]["name"] == "cubesat_6u"
    assert "gomezzz/DistMSMatch" in written["links"]["isl"]["profile"]["rate_bps"]["source"]
    assert "merge_s" not in written["compute"] and "bus" not in written


def test_a_contact_plan_alone_may_name_terminals(repository: Path):
    override = "links.isl={kind: terminal, profile: optical_isl}"
    mission = load_mission(repository / "constellations/earth_observation.yaml", [override])
    assert mission.planning().isl == FixedRate(rate_bps=1e8)


@pytest.mark.parametrize(("rules_km", "expected_km"), [(None, 1500), (1000.0, 1000), (2000.0, 1500)])
def test_the_shorter_range_counts(
    repository: Path, first_light: Path, tmp_path: Path, rules_km: float | None, expected_km: float
):
    document = yaml.safe_load((repository / "hw/profiles/optical_isl.yaml").read_text())
    path = tmp_path / "near.yaml"
    path.write_text(yaml.safe_dump({**document, "max_range_km": {"value": 1500, "source": "estimate"}}))
    overrides = [f"links.isl={ {'kind': 'terminal', 'profile': str(path)} }"]
    scenario = load(
        first_light, overrides if rules_km is None else [*overrides, f"contacts.max_isl_range_km={rules_km}"]
    )
    assert scenario.planning().rules == replace(ContactRules(), max_isl_range_km=expected_km)
    with pytest.raises(ScenarioError, match="max_range_km, which serves satellites alone"):
        load(first_light, [overrides[0].replace("links.isl", "links.ground")])


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("compute=cray", "compute: cray was given, which is neither a file nor a shipped board profile: generic_arm64"),
        ("compute=cubesat_6u", r"compute: .*cubesat_6u\.yaml: kind is 'bus', which is another kind of profile"),
        ("compute=3", "compute is 3; give a board profile by name"),
        ("compute=", "compute is None; give a board profile"),
        ("compute={kind: board}", "compute: name is missing"),
        ("environment.bus=unibap_ix10", "environment.bus: .*kind is 'board'"),
        ("environment.buss=cubesat_6u", "environment.buss is not a key"),
        ("bus=cubesat_6u", "bus is not a key. Did you mean environment.bus?"),
        ("links.isl={kind: terminal}", "links.isl.profile is missing"),
        ("links.isl={kind: terminal, profil: optical_isl}", "links.isl.profil is not a key. Did you mean profile?"),
        ("links.isl={kind: terminal, profile: unibap_ix10}", "links.isl.profile: .*terminal is needed"),
        ("links.isl={kind: terminal, profile: [1]}", r"links.isl.profile is \[1\]; give a terminal profile by name"),
        ("environment.battery_j=60", "battery_j is 60, which gives 54 J .* one training step takes 60.4251 J"),
        ("compute=generic_arm64", "what links.isl draws is not known: .* generic_arm64 has no exchange_w"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(first_light: Path, override: str, told: str):
    with pytest.raises(ScenarioError, match=told) as caught:
        load(first_light, [override])
    assert "first_light.yaml" in str(caught.value)


def test_a_battery_of_just_one_step_will_do(first_light: Path):
    assert load(first_light, ["environment.battery_j=68"]).environment.battery_j == 68
