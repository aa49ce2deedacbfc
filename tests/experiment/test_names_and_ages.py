"""What the ground is told of ages, and what satellites and messages may be called."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from orbitfl.data.loading import load
from orbitfl.errors import DataError, ScenarioError
from orbitfl.experiment.classroom import load_learner, open_classroom
from orbitfl.experiment.dry import dry_run
from orbitfl.experiment.letters import Parcel
from orbitfl.experiment.replay import Replay, Row
from orbitfl.experiment.run import run
from orbitfl.experiment.survey import survey
from orbitfl.federation import rules
from orbitfl.files import cache_folder
from orbitfl.progress import silent
from orbitfl.scenario import Scenario
from orbitfl.simulation.timeline import Aggregation, Exchange, Happening, Offer, Sending

Asked = Callable[..., Scenario]
Played = Callable[[Scenario], tuple[Replay, tuple[Happening, ...]]]


def test_the_ground_weighs_letters_by_their_age(asked: Asked, played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """Age is the time from writing a letter to the aggregation, as the timeline has them."""
    told: list[list[float]] = []
    combine = rules.StalenessWeighted.combine

    def listened(self, own, letters, samples, layout):
        told.append(sorted(letter.age_s for letter in letters))
        return combine(self, own, letters, samples, layout)

    monkeypatch.setattr(rules.StalenessWeighted, "combine", listened)
    fedavg = "exchange.strategy={kind: fedavg, share: 0.25, rule: {kind: staleness_weighted}}"
    replay, happenings = played(asked(fedavg, "duration_s=10800"))
    rows = [row for settled in replay.carried_out(happenings) for row in settled]
    assert len(told) > 1
    assert told == [sorted(ages_s) for ages_s in handed_in(happenings, ground=8)]
    assert list(ages_recorded(rows)) == told, "as satellites do, the ground records what it merged"


def test_what_has_grown_too_old_in_an_inbox_is_not_merged(asked: Asked, played: Played) -> None:
    options = ("exchange.strategy.kind=neighbourhood", "exchange.screen.max_age_s=60", "training.session_every_s=1800")
    replay, happenings = played(asked(*options))
    told = [record for rows in replay.carried_out(happenings) for _, record in rows]
    ages_s = [value for _, _, kind, value in told if kind == "staleness_s"]
    assert max(ages_s, default=0.0) <= 60 and "refused update: stale" in {kind for _, _, kind, _ in told}


@pytest.mark.parametrize("strategy", ["fedbuff", "diloco"])
def test_what_was_handed_in_is_not_offered_again(asked: Asked, played: Played, strategy: str) -> None:
    """Whether or not the ground's answer comes or is taken."""
    options = (f"exchange.strategy.kind={strategy}", "exchange.compressor.kind=fp32", "duration_s=10800")
    replay, happenings = played(asked(*options))
    ground, written, met, steps = 8, dict[int, np.ndarray](), 0, replay.carried_out(happenings)
    for each in happenings:
        replay.settled()
        if isinstance(each, Offer) and each.receiver == ground:
            written[each.sender] = replay.nodes[each.sender].member.model
        next(steps)
        if isinstance(each, Sending) and each.receiver == ground and each.outcome == "done":
            member = replay.nodes[each.sender].member
            left = replay.strategy.offer(member)["model"]
            np.testing.assert_allclose(left, member.model - written[each.sender], atol=1e-6)
            met += 1
    assert met > 2


def ages_recorded(rows: list[Row]) -> Iterator[list[float]]:
    """By the ground, for each of its rounds."""
    ages = [(number, value) for number, (_, node, kind, value) in rows if (node, kind) == ("ground", "staleness_s")]
    for number in dict.fromkeys(number for number, _ in ages):
        yield sorted(age_s for place, age_s in ages if place == number)


def handed_in(happenings: tuple[Happening, ...], ground: int) -> list[list[float]]:
    """The ages of what has come down since the last aggregation, one by one."""
    written_s: dict[int, float] = {}
    waiting: dict[int, float] = {}
    rounds = []
    for each in happenings:
        match each:
            case Offer(number=number, receiver=receiver, at_s=at_s) if receiver == ground:
                written_s[number] = at_s
            case Sending(number=number, sender=sender, receiver=receiver, outcome="done") if receiver == ground:
                waiting[sender] = written_s[number]
            case Aggregation(at_s):
                rounds.append([at_s - made_s for made_s in waiting.values()])
                waiting.clear()
    return rounds


def called(asked: Asked, *names: str) -> Scenario:
    """Satellites of these names, one behind the other."""
    shape = "semi_major_axis_km: 7164, eccentricity: 0, inclination_deg: 98.6, raan_deg: 0, argp_deg: 0"
    orbits = [f"{{name: '{name}', {shape}, mean_anomaly_deg: {10 * place}}}" for place, name in enumerate(names)]
    return asked("duration_s=2700", f"constellation={{kind: keplerian, orbits: [{', '.join(orbits)}]}}")


def test_a_name_that_is_a_path_stays_in_the_folder(asked: Asked, tmp_path: Path) -> None:
    names = ("../../evil", "A (B)", "a/b")
    run(called(asked, *names), tmp_path / "deep" / "run")
    assert {path.name for path in tmp_path.iterdir()} == {"deep"}
    assert {path.name for path in (tmp_path / "deep" / "run" / "checkpoints").iterdir()} == {
        "..%2F..%2Fevil.safetensors",
        "A (B).safetensors",
        "a%2Fb.safetensors",
        "average.safetensors",
    }


@pytest.mark.parametrize("name", ["average", "ground", "constellation"])
def test_no_satellite_is_called_what_records_call_others(asked: Asked, tmp_path: Path, name: str) -> None:
    with pytest.raises(ScenarioError, match=f"A satellite is called {name}"):
        run(called(asked, name, "b"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["Спутник дистанционного зондирования Земли", 70 * "?"], ids=["message", "file"])
def test_a_name_too_long_for_messages_or_files_is_told_before_anything_runs(asked: Asked, name: str) -> None:
    with pytest.raises(ScenarioError, match="too long for messages and files"):
        dry_run(called(asked, name))


def forged(parcel: Parcel, name: bytes) -> Parcel:
    """With another sender, and not a byte longer."""
    payload = re.sub(rb'"sender": ?"sat-\d"', lambda found: found[0][:-6] + name + b'"', parcel.payload)
    assert payload != parcel.payload and len(payload) == len(parcel.payload)
    return replace(parcel, payload=payload)


def test_a_message_that_is_told_to_be_anothers_is_refused(asked: Asked, played: Played) -> None:
    replay, happenings = played(asked())
    met = next(each for each in happenings if isinstance(each, Exchange) and each.outcome == "done")
    refused = []
    for rows in replay.carried_out(happenings[: happenings.index(met) + 1]):
        refused += [kind for _, (_, _, kind, _) in rows if kind.startswith("refused update")]
        if (met.a, met.b) in replay.letters.parcels:
            parcel = replay.letters.parcels[met.a, met.b]
            if b"sat-9" not in parcel.payload:
                replay.letters.parcels[met.a, met.b] = forged(parcel, b"sat-9")
    assert refused == ["refused update: wrong sender"]


def test_a_relayed_message_of_nobody_known_is_refused(asked: Asked, played: Played) -> None:
    relaying = "exchange={strategy: {kind: neighbourhood}, transfer: {relays: 2}, controls: []}"
    replay, happenings = played(asked(relaying))
    refused = []
    for rows in replay.carried_out(happenings):
        refused += [kind for _, (_, _, kind, _) in rows if kind.startswith("refused update")]
        for key, parcel in replay.letters.shelf.items():
            if b"sat-9" not in parcel.payload:
                replay.letters.shelf[key] = forged(parcel, b"sat-9")
    assert set(refused) == {"refused update: unknown sender"}


def test_one_tile_has_nobody_to_change_masks_with(asked: Asked) -> None:
    lessons = [lessons_of(asked(f"faults.label_noise={share}")) for share in (0.0, 1 / 8)]
    changed = (lessons[0] != lessons[1]).any(axis=(1, 2))
    assert changed.sum() == 2


def lessons_of(scenario: Scenario) -> np.ndarray:
    return open_classroom(scenario, load_learner(scenario), survey(scenario, 8), silent).lessons.masks


@pytest.mark.parametrize(("value", "name"), [(0, "water"), (1, "land")])
def test_tiles_to_score_on_show_water_and_land(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, value: int, name: str
) -> None:
    scenario = asked()
    tiles = load(scenario.evaluation.data, cache_folder())
    alike = replace(tiles, masks=np.full_like(tiles.masks, value))
    monkeypatch.setattr("orbitfl.experiment.classroom.load", lambda data, cache: alike)
    with pytest.raises(DataError, match=f"evaluation.data show no {name}"):
        run(scenario)


def test_a_server_does_not_clip(asked: Asked) -> None:
    with pytest.raises(ScenarioError, match="a server has none"):
        asked("exchange.strategy={kind: fedavg, rule: {kind: clipped}}")


def test_a_control_of_the_same_kind_has_the_same_options(asked: Asked) -> None:
    with pytest.raises(ScenarioError, match="controls has gossip"):
        asked("exchange.strategy={kind: gossip, rule: {kind: clipped}}", "exchange.controls=[gossip]")
    assert asked("exchange.controls=[gossip]").exchange.controls == ("gossip",)


def test_a_control_is_named_once(asked: Asked) -> None:
    with pytest.raises(ScenarioError, match="controls has frozen 2 times; name every control once"):
        asked("exchange.controls=[frozen, isolated, frozen]")
