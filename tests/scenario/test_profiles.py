"""Hardware profiles: every shipped file, and what a user is told about every way to get one wrong."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orbitfl.contacts.links import FixedRate, LinkBudget
from orbitfl.environment import Paseos, ThermalNode
from orbitfl.errors import ScenarioError
from orbitfl.scenario.profiles import Board, Bus, Terminal, from_document, read_profile, shipped_profiles, to_text

KINDS: dict[str, Any] = {"board": Board, "bus": Bus, "terminal": Terminal}
SHIPPED = {
    "board": ["generic_arm64", "unibap_ix10"],
    "bus": ["cubesat_6u", "paper_smallsat"],
    "terminal": ["optical_isl", "s_band_downlink", "s_band_isl", "x_band_downlink"],
}


@pytest.fixture(scope="module")
def stored(repository: Path) -> dict[str, dict[str, Any]]:
    """The shipped files as plain YAML, by name."""
    return {path.stem: yaml.safe_load(path.read_text()) for path in (repository / "hw/profiles").glob("*.yaml")}


def test_every_shipped_profile_loads_and_each_number_has_a_source(stored: dict[str, Any]):
    assert sorted(stored) == sorted(name for names in SHIPPED.values() for name in names)
    for name, document in stored.items():
        read_profile(name, KINDS[document["kind"]])
        assert document["name"] == name
        figures = {key: entry for key, entry in document.items() if key not in ("kind", "name")}
        assert figures and all(len(entry["source"]) > 5 for entry in figures.values()), name


@pytest.mark.parametrize("kind", SHIPPED)
def test_profiles_are_listed_by_kind_and_survive_being_written_out(tmp_path: Path, kind: str):
    wanted = KINDS[kind]
    assert shipped_profiles(wanted) == SHIPPED[kind]
    for name in SHIPPED[kind]:
        profile = read_profile(name, wanted)
        (tmp_path / "again.yaml").write_text(to_text(profile))
        assert read_profile("again.yaml", wanted, tmp_path) == profile


def test_the_papers_board_holds_the_papers_figures():
    board = read_profile("unibap_ix10", Board)
    assert (board.train_step_s.value, board.inference_s.value) == (2.014170, 2.554198)
    assert (board.train_w.value, board.inference_w.value, board.standby_w.value) == (30, 10, 5)
    assert board.exchange_w is not None and board.exchange_w.value == 10


def test_the_papers_bus_holds_the_environments_defaults():
    bus, defaults = read_profile("paper_smallsat", Bus), Paseos()
    assert ThermalNode(**bus.thermal()) == defaults.thermal
    assert bus.power() == {key: getattr(defaults, key) for key in ("battery_j", "initial_charge", "charging_w")}


def test_a_bus_says_everything_that_the_thermal_node_asks():
    assert {field.name for field in fields(ThermalNode)} <= {field.name for field in fields(Bus)}


def test_a_terminal_is_the_link_of_its_numbers(stored: dict[str, Any]):
    assert read_profile("optical_isl", Terminal).link() == FixedRate(rate_bps=1e8)
    keys = {field.name for field in fields(LinkBudget)} - {"kind"}
    for name in ("s_band_isl", "s_band_downlink", "x_band_downlink"):
        document = stored[name]
        numbers = {key: document[key]["value"] for key in keys & set(document)}
        assert read_profile(name, Terminal).link() == LinkBudget(**numbers)


def test_a_terminal_may_have_steps():
    figures = {key: {"value": 3.0, "source": "estimate"} for key in (*Terminal.NEEDED, "transmit_w")}
    steps = {"value": [1e6, 2000000], "source": "the modem's manual"}
    terminal = from_document({"kind": "terminal", "name": "mine", **figures, "steps_bps": steps}, Terminal)
    link = terminal.link()
    assert isinstance(link, LinkBudget) and link.steps_bps == (1e6, 2e6)


@pytest.mark.parametrize(
    ("key", "entry", "told"),
    [
        ("train_step_s", 2.0, "train_step_s is 2.0; it needs a value and a source"),
        ("train_step_s", {"value": 2.0}, "train_step_s is .*; it needs a value and a source"),
        ("train_step_s", {"value": 2.0, "source": "me", "unit": "s"}, "train_step_s is .*; it needs a value and a"),
        ("train_step_s", {"value": 2.0, "source": " "}, "train_step_s: source is ' '; say where the number comes from"),
        (
            "train_step_s",
            {"value": -2, "source": "me"},
            "train_step_s.value is -2; .* number of seconds greater than 0",
        ),
        ("train_step_s", {"value": 0, "source": "me"}, "train_step_s.value is 0"),
        ("train_w", {"value": "30 W", "source": "me"}, "train_w.value is '30 W'; it must be a plain number of watts"),
        ("train_w", {"value": float("nan"), "source": "me"}, "train_w.value is nan"),
        ("train_w", {"value": float("inf"), "source": "me"}, "train_w.value is inf"),
        ("train_w", {"value": 10**400, "source": "me"}, "train_w.value is 1000"),
        ("train_w", {"value": True, "source": "me"}, "train_w.value is True"),
        ("train_w", None, "train_w is missing; write train_w: {value"),
        ("train_step", {"value": 2.0, "source": "me"}, "train_step is not a key. Did you mean train_step_s?"),
        ("merge_s", {"value": 2.0, "source": "me"}, "merge_s is given without merge_w"),
        ("merge_w", {"value": 2.0, "source": "me"}, "merge_w is given without merge_s"),
        ("kind", "bord", "kind is 'bord', but the kinds are board, bus, terminal; board is needed"),
        ("kind", "bus", "kind is 'bus', which is another kind of profile; board is needed"),
        ("kind", None, "kind is missing; write kind: board"),
        ("name", 3, "name is 3"),
    ],
)
def test_what_is_wrong_in_a_board_is_named_with_its_file_and_key(
    tmp_path: Path, board: dict[str, Any], key: str, entry: object, told: str
):
    path = tmp_path / "board.yaml"
    path.write_text(yaml.safe_dump({**board, key: entry}))
    with pytest.raises(ScenarioError, match=rf"board\.yaml: {told}"):
        read_profile(str(path), Board)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("cubesat_6u", {"battery_j": 0}, "battery_j.value is 0; it must be a plain number of joules greater than 0"),
        ("cubesat_6u", {"standby_w": -1}, "standby_w.value is -1; it must be 0 watts or more"),
        ("cubesat_6u", {"initial_charge": 60}, "initial_charge.value is 60; it must lie from 0 to 1"),
        ("cubesat_6u", {"sun_absorptance": 1.5}, "sun_absorptance is 1.5"),
        ("cubesat_6u", {"mass_kg": None}, "mass_kg is missing"),
        ("optical_isl", {"rate_bps": None}, "eirp_dbw is missing; a terminal needs rate_bps, or a link budget"),
        ("optical_isl", {"eirp_dbw": 3.0}, "rate_bps and eirp_dbw are both given"),
        ("optical_isl", {"rate_bps": -1e8}, "rate_bps is -100000000.0"),
        ("optical_isl", {"max_range_km": 0}, "max_range_km.value is 0; it must be a plain number of kilometres"),
        ("s_band_isl", {"losses_db": None}, "losses_db is missing"),
        ("s_band_isl", {"eirp_dbw": 1e6}, "eirp_dbw is 1000000.0"),
        ("s_band_isl", {"max_rate_bps": None}, "max_rate_bps or steps_bps"),
        ("s_band_isl", {"steps_bps": 1e6}, "steps_bps.value is 1000000.0; it must be a list"),
        ("s_band_isl", {"steps_bps": ["1 Mbit/s"]}, "steps_bps.value is '1 Mbit/s'"),
    ],
)
def test_what_is_wrong_in_a_bus_or_terminal_is_named(
    stored: dict[str, Any], name: str, change: dict[str, Any], told: str
):
    document = dict(stored[name])
    for key, value in change.items():
        document[key] = None if value is None else {"value": value, "source": "a slip"}
    with pytest.raises(ScenarioError, match=told):
        from_document(document, KINDS[document["kind"]])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds None; a profile is a YAML mapping"),
        (b"- 1\n", "a profile is a YAML mapping"),
        (b"[1", "not valid YAML"),
        (b"\xff\xfe\x00", "not a text file"),
        (b"name: !!python/object/apply:os.system ['true']", "not valid YAML"),
        (b"a: " + b"[" * 5000, "not valid YAML"),
        (b"a: !!bool maybe", "not valid YAML"),
        (b"a: !!timestamp soon", "not valid YAML"),
        (b"kind: board\n" + b"#" * 200_000, "larger than 100000 bytes; a board profile is a short YAML file"),
        (
            b"a: &a [x, x, x, x, x, x, x, x]\n"
            + b"".join(
                b"%c: &%c [%s]\n" % (letter, letter, b", ".join([b"*%c" % (letter - 1)] * 8))
                for letter in range(98, 115)
            ),
            "repeats parts of itself",
        ),
    ],
    ids=["empty", "list", "open", "binary", "code", "deep", "bool", "time", "large", "aliases"],
)
def test_files_that_are_no_profile(tmp_path: Path, content: bytes, told: str):
    path = tmp_path / "board.yaml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match=told) as caught:
        read_profile(str(path), Board)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", ["cray", "", ".", "/dev/null", "a\0b", "~nobody-here/x", "x" * 5000])
def test_what_is_no_profile_lists_the_shipped_ones(name: str):
    with pytest.raises(ScenarioError, match="neither a file nor a shipped board profile: generic_arm64, unibap_ix10"):
        read_profile(name, Board)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3),
    max_leaves=6,
)
FIGURES = JUNK | st.fixed_dictionaries({"value": JUNK | st.floats(), "source": JUNK | st.just("me")})


@given(
    wanted=st.sampled_from([Board, Bus, Terminal]),
    changes=st.dictionaries(
        st.sampled_from([field.name for kind in (Board, Bus, Terminal) for field in fields(kind)]) | st.text(), FIGURES
    ),
)
def test_no_document_ends_in_anything_but_a_profile_or_a_sentence(stored: dict[str, Any], wanted: Any, changes: dict):
    document = stored[SHIPPED[wanted.kind][0]]
    for changed in (changes, {**document, **changes}):
        try:
            assert isinstance(from_document(changed, wanted), wanted)
        except ScenarioError as error:
            assert str(error).endswith((".", "?"))


@given(text=st.text() | st.text(alphabet="ab:-[]{}!&*%@`'\"#|>?,\n\t 0.e_"))
def test_no_text_ends_in_anything_but_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str):
    path = tmp_path_factory.mktemp("junk") / "board.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"board\.yaml"):
        read_profile(str(path), Board)
