"""Satellites that send what they should not: refused, told in the folder, and harmless to everybody else."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

import orbitfl
from orbitfl.experiment.hostility import Hostile
from orbitfl.experiment.replay import Record, Replay
from orbitfl.federation.weights import norm
from orbitfl.scenario import Scenario
from orbitfl.scenario.faults import Faults
from orbitfl.simulation.timeline import Exchange, Happening, Offer, Sending

Asked = Callable[..., Scenario]
Played = Callable[[Scenario], tuple[Replay, tuple[Happening, ...]]]
FOE, NAME = 2, "sat-2"
NAMES = tuple(f"sat-{number}" for number in range(8))
LEARNT = ("miou", "iou_water", "train_loss", "staleness_s", "steps_apart", "sources", "steps")
REASONS = {"nan": "not finite", "huge": "too large", "wrong_shape": "wrong length", "wrong_base": "other base"}
STRATEGIES = ("gossip", "neighbourhood", "push_sum", "fedavg")


def lost(happening: Happening) -> Happening:
    """As if nothing that the foe sends ever got through."""
    match happening:
        case Exchange(a=a, b=b) if FOE in (a, b):
            return replace(happening, outcome="cut")
        case Sending(sender=sender) if sender == FOE:
            return replace(happening, outcome="cut")
    return happening


def refusals(records: pd.DataFrame) -> pd.DataFrame:
    return records.loc[records["kind"].str.startswith("refused update")]


def through(happenings: Sequence[Happening]) -> int:
    """How many messages of the foe reached somebody whole."""
    ended = [each for each in happenings if isinstance(each, Exchange | Sending) and each.outcome == "done"]
    return sum(lost(each) is not each for each in ended)


def checkpoint_of(folder: Path, name: str) -> dict[str, np.ndarray]:
    return safetensors.numpy.load_file(folder / f"checkpoints/{name}.safetensors")


@pytest.mark.parametrize(("attack", "strategy"), [
    *((attack, "gossip") for attack in REASONS), *(("nan", strategy) for strategy in STRATEGIES[1:])
])  # fmt: skip
def test_what_is_refused_is_as_if_it_were_lost(
    asked: Asked, played: Played, tmp_path: Path, attack: str, strategy: str
):
    """The honest satellites stand where they would if no message of the foe had ever got through, to the last bit."""
    whole = ["exchange.strategy.share=1"] if strategy == "fedavg" else []  # or the foe may come too late to be heard
    scenario = asked(f"exchange.strategy.kind={strategy}", f"faults.hostile={{{NAME}: {attack}}}", *whole)
    orbitfl.run(scenario, tmp_path / "run")
    records = pd.read_parquet(tmp_path / "run/records.parquet")
    replay, happenings = played(replace(scenario, faults=Faults()))
    refused, transfers = refusals(records), pd.read_parquet(tmp_path / "run/transfers.parquet")
    assert set(refused["kind"]) == {f"refused update: {REASONS[attack]}"}
    assert len(refused) == through(happenings) > 0 and NAME not in set(refused["node"])

    ended_s = transfers.loc[(transfers["from"] == NAME) & (transfers["outcome"] == "done"), "end_s"]
    assert sorted(refused["t_s"]) == sorted(ended_s), "the folder tells whose messages they were"

    rows = [record for settled in replay.carried_out([lost(each) for each in happenings]) for _, record in settled]
    expected = pd.DataFrame(rows, columns=list(records.columns))
    honest = [name for name in replay.names if name != NAME]
    for name in honest:
        for kind in LEARNT:
            told, wanted = (
                each.loc[(each["node"] == name) & (each["kind"] == kind)].sort_values("t_s", kind="stable")
                for each in (records, expected)
            )
            assert told[["t_s", "value"]].to_numpy().tolist() == wanted[["t_s", "value"]].to_numpy().tolist(), kind
        weights = replay.classroom.learner.named(replay.weights(replay.nodes[replay.names.index(name)].member.model))
        for key, value in checkpoint_of(tmp_path / "run", name).items():
            assert np.isfinite(value).all() and np.array_equal(value, weights[key]), key


def hostile_run(played: Played, scenario: Scenario) -> tuple[Replay, pd.DataFrame, list[Exchange]]:
    """A replay to its end, what it told, and the foe's exchanges that came through."""
    replay, happenings = played(scenario)
    rows = [record for settled in replay.carried_out(happenings) for _, record in settled]
    ended = [each for each in happenings if isinstance(each, Exchange) and each.outcome == "done"]
    assert all(np.isfinite(node.member.model).all() for node in replay.nodes)
    return replay, pd.DataFrame(rows, columns=["t_s", "node", "kind", "value"]), [x for x in ended if FOE in (x.a, x.b)]


def test_a_version_of_a_peer_merges_once(asked: Asked, played: Played):
    """The foe sends its first message for ever: each neighbour takes it once, and says so of every other time."""
    scenario = asked(f"faults.hostile={{{NAME}: replayed}}")
    replay, records, met = hostile_run(played, scenario)
    neighbours = {each.a + each.b - FOE for each in met}
    refused = refusals(records)
    assert set(refused["kind"]) == {"refused update: replayed"} and len(met) > 2 * len(neighbours) > 2
    assert len(refused) == len(met) - len(neighbours)
    assert (records.loc[records["node"] == NAME, "kind"] == "staleness_s").sum() == len(neighbours)
    assert all(replay.nodes[each].last_version[FOE] == 1 for each in neighbours)


def test_what_is_too_old_is_not_even_taken_once(asked: Asked, played: Played):
    """As above, but the neighbour that hears of it late finds the message too old already."""
    scenario = asked(f"faults.hostile={{{NAME}: replayed}}", "exchange.screen={max_age_s: 600}")
    _, records, met = hostile_run(played, scenario)
    first = min(met, key=lambda each: each.end_s)
    late = [each for each in met if each.end_s - first.start_s > 600]
    refused = refusals(records)
    in_time = {each.a + each.b - FOE for each in met if each not in late}
    reasons = ["stale" if each.a + each.b - FOE not in in_time else "replayed" for each in late]
    assert sorted(refused["kind"]) == sorted(f"refused update: {reason}" for reason in reasons)


@pytest.mark.parametrize(("factor", "told"), [(1, set()), (10**6, {"refused update: too many samples"})])
def test_no_peer_claims_more_tiles_than_any_holds(
    asked: Asked, played: Played, monkeypatch: pytest.MonkeyPatch, factor: int, told: set[str]
):
    """Rules that weigh with tiles would make of everybody what the foe says."""

    def boasting(payload: bytes) -> bytes:
        length = int.from_bytes(payload[:8], "little")
        head = json.loads(payload[8 : 8 + length])
        head["__metadata__"]["samples"] = str(int(head["__metadata__"]["samples"]) * factor)
        return payload[:8] + json.dumps(head, separators=(",", ":")).encode().ljust(length) + payload[8 + length :]

    monkeypatch.setattr("orbitfl.experiment.hostility.BYTES", {"nan": boasting})
    rule = "exchange.strategy={kind: gossip, rule: {kind: sample_weighted}}"
    _, records, met = hostile_run(played, asked(rule, f"faults.hostile={{{NAME}: nan}}"))
    assert set(refusals(records)["kind"]) == told and len(refusals(records)) == (len(met) if told else 0)


@pytest.mark.parametrize(("mass", "told"), [(0.5, set()), (1e300, {"refused update: too much mass"})])
def test_no_peer_claims_more_mass_than_all_were_launched_with(
    asked: Asked, played: Played, monkeypatch: pytest.MonkeyPatch, mass: float, told: set[str]
):
    """It would leave its receiver with a model that is not finite, and end the run at the next message."""

    def heavy(hostile: Hostile, parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {**parts, "mass": np.full(1, mass)}

    monkeypatch.setattr(Hostile, "offered", heavy)
    replay, records, _ = hostile_run(
        played, asked("exchange.strategy.kind=push_sum", f"faults.hostile={{{NAME}: noise}}")
    )
    assert set(refusals(records)["kind"]) == told and len(replay.nodes[FOE].last_version) > 0


@pytest.mark.parametrize("attack", ["stale", "replayed"])
def test_who_promises_its_first_mass_for_ever_keeps_some(asked: Asked, played: Played, attack: str):
    """A satellite without mass has no model, and would end the run."""
    scenario = asked("duration_s=7200", "exchange.strategy.kind=push_sum", f"faults.hostile={{{NAME}: {attack}}}")
    replay, happenings = played(scenario)
    for _ in replay.carried_out(happenings):
        assert all(node.member.memory["mass"][0] > 0.09 for node in replay.nodes[:-1])


@pytest.mark.parametrize("attack", ["sign_flipped", "noise", "huge", "stale"])
def test_clipping_bounds_what_the_foe_moves(asked: Asked, played: Played, attack: str):
    """A merge with the foe moves an honest model by half of `factor` times the length of what it sent, at the most."""
    factor = 0.3
    rule = f"exchange.strategy={{kind: gossip, rule: {{kind: clipped, factor: {factor}}}}}"
    replay, happenings = played(asked(rule, f"faults.hostile={{{NAME}: {attack}}}"))
    records, moved, sent_length = list[Record](), list[float](), dict[tuple[int, int], float]()
    steps = replay.carried_out(happenings)
    for each in happenings:
        replay.settled()
        if isinstance(each, Offer):
            sent_length[each.sender, each.receiver] = norm(replay.nodes[each.sender].member.model)
        before = [node.member.model for node in replay.nodes]
        records += [record for _, record in next(steps)]
        if isinstance(each, Exchange) and each.outcome == "done" and FOE in (each.a, each.b):
            honest = each.a + each.b - FOE
            moved.append(norm(replay.nodes[honest].member.model - before[honest]))
            assert moved[-1] <= factor / 2 * sent_length[honest, FOE] * (1 + 1e-3)
    told = refusals(pd.DataFrame(records, columns=["t_s", "node", "kind", "value"]))
    assert len(moved) > 4 and len(told) == (len(moved) if attack == "huge" else 0)
    assert attack == "noise" or any(moved) == (attack == "stale"), "only what points the same way may move anybody"


@pytest.mark.parametrize("strategy", ["neighbourhood", "fedavg", "fedbuff", "diloco"])
def test_who_gathers_lays_a_version_in_once(asked: Asked, played: Played, strategy: str):
    """And says so of every other time."""
    overrides = ("duration_s=18000", f"exchange.strategy.kind={strategy}", f"faults.hostile={{{NAME}: replayed}}")
    replay, happenings = played(asked(*overrides, "links.ground.rate_bps=1.0e+8"))
    laid_in, rows, steps = list[int](), list[Record](), replay.carried_out(happenings)
    for _ in happenings:
        before = [node.inbox.get(FOE) for node in replay.nodes]
        rows += [record for _, record in next(steps)]
        new = [node.inbox.get(FOE) for node in replay.nodes]
        laid_in += [n for n, pair in enumerate(zip(before, new, strict=True)) if pair[1] not in (None, pair[0])]
    assert through(happenings) > len(laid_in) == len(set(laid_in)) > 0
    told = refusals(pd.DataFrame(rows, columns=["t_s", "node", "kind", "value"]))
    assert told["kind"].tolist() == ["refused update: replayed"] * (through(happenings) - len(laid_in))


def test_who_repeats_itself_without_malice_is_not_called_a_foe(asked: Asked, played: Played):
    """Satellites that seldom train have nothing new for those they meet, and a relay is slower than another way."""
    overrides = ("exchange.strategy.kind=neighbourhood", "exchange.transfer.relays=3", "exchange.min_interval_s=300")
    replay, happenings = played(asked(*overrides, "training.session_every_s=2700"))
    offered: Counter[tuple[int, int, int]] = Counter()
    for each, rows in zip(happenings, replay.carried_out(happenings), strict=False):
        if isinstance(each, Offer):
            offered[each.sender, each.receiver, replay.nodes[each.sender].version] += 1
        assert not any(kind.startswith("refused") for _, (_, _, kind, _) in rows)
    assert max(offered.values()) > 1


@pytest.mark.parametrize("strategy", ["fedavg", "fedbuff", "diloco"])
def test_a_server_that_knows_no_length_yet_weighs_letters_against_each_other(
    asked: Asked, played: Played, strategy: str
):
    """The foe is the first to reach the ground, where no model tells yet what is usual: once others are there, it is
    thrown out, and all stand where they would if it had not been heard, to the last bit."""
    ground = len(NAMES)
    scenario = asked("duration_s=9000", f"exchange.strategy.kind={strategy}", "links.ground.rate_bps=1.0e+8")
    replay, happenings = played(scenario)
    first = next(each.sender for each in happenings if isinstance(each, Sending) and each.outcome == "done")
    without = [
        replace(each, outcome="cut") if isinstance(each, Sending) and each.sender == first else each
        for each in happenings
    ]
    list(replay.carried_out(without))
    attacked, _ = played(replace(scenario, faults=Faults(hostile={NAMES[first]: "huge"})))
    told = [record for rows in attacked.carried_out(happenings) for _, record in rows]
    assert {(node, kind) for _, node, kind, _ in told if kind.startswith("refused")} == {
        ("ground", "refused update: too large")
    }
    assert attacked.nodes[ground].member.model.any() and first not in attacked.nodes[ground].sources
    for number, node in enumerate(attacked.nodes):
        if number != first:
            assert np.array_equal(node.member.model, replay.nodes[number].member.model)
            assert node.sources == replay.nodes[number].sources
