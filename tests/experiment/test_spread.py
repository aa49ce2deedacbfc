"""Who knows of whom, how old a message is when it is merged, and how long a satellite trained alone: by brute force."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

import orbitfl
from orbitfl.experiment.replay import Record, Replay
from orbitfl.results import Cost
from orbitfl.scenario import Scenario
from orbitfl.simulation.timeline import Digest, Evaluation, Exchange, Happening, Offer, Session

Asked = Callable[..., Scenario]
Played = Callable[[Scenario], tuple[Replay, tuple[Happening, ...]]]
KINDS = ("staleness_s", "steps_apart", "sources")


def by_brute_force(happenings: Sequence[Happening], names: Sequence[str]) -> Iterator[Record]:
    """Of gossip: sets of names and counts of steps, handed about as the timeline says."""
    knows, apart = [set[int]() for _ in names], [0 for _ in names]
    offered = dict[tuple[int, int], tuple[float, set[int]]]()
    for each in happenings:
        match each:
            case Session(node=node, steps=steps):
                knows[node] = knows[node] | {node}
                apart[node] += steps
            case Offer(sender=sender, receiver=receiver, at_s=at_s):
                offered[sender, receiver] = at_s, knows[sender]
            case Exchange(a=a, b=b, end_s=end_s, outcome="done"):
                for node, peer in ((a, b), (b, a)):
                    written_s, theirs = offered[peer, node]
                    yield end_s, names[node], "staleness_s", end_s - written_s
                    yield end_s, names[node], "steps_apart", float(apart[node])
                    apart[node] = 0
                    knows[node] = knows[node] | theirs
            case Evaluation(at_s):
                yield from (
                    (at_s, name, "sources", float(len(known))) for name, known in zip(names, knows, strict=True)
                )


def test_gossip_spreads_as_brute_force_says(asked: Asked, played: Played):
    """Over a slow link in eight planes, where transfers take minutes, are cut, and go on in a later window."""
    slow = ("links.isl.rate_bps=2.0e+4", "duration_s=9000", "training.session_every_s=300")
    walker = "constellation={kind: walker, total: 8, planes: 4, phasing: 1, altitude_km: 786, inclination_deg: 60}"
    replay, happenings = played(asked(*slow, walker))
    cut = [each for each in happenings if isinstance(each, Exchange) and each.outcome == "cut"]
    told = [record for rows in replay.carried_out(happenings) for _, record in rows if record[2] in KINDS]
    expected = list(by_brute_force(happenings, replay.names))
    assert cut and told == expected
    assert max(value for *_, kind, value in told if kind == "staleness_s") > 500
    assert len({value for *_, kind, value in told if kind == "sources"}) > 3


@pytest.mark.parametrize(
    ("rule", "keeps"),
    [("{kind: trimmed_mean, trim: 2}", True), ("{kind: clipped, least_cosine: 0.9}", True), ("{kind: mean}", False)],
)
def test_letters_that_a_rule_keeps_out_are_not_told_as_merged(asked: Asked, played: Played, rule: str, keeps: bool):
    """Two letters are too few to trim two on each side, and no other satellite learns so nearly the same."""
    replay, happenings = played(asked(f"exchange.strategy={{kind: neighbourhood, rule: {rule}}}"))
    steps, merges = replay.carried_out(happenings), 0
    for each in happenings:
        # So that the step carries out nothing but the merge.
        replay.settled()
        before = [(node.member.model, node.sources, node.steps_apart) for node in replay.nodes]
        told = {kind for _, (_, _, kind, _) in next(steps)}
        if isinstance(each, Digest):
            merges, node, (model, *spread) = merges + 1, replay.nodes[each.node], before[each.node]
            assert np.array_equal(node.member.model, model) is keeps and not node.pending_sources
            assert told == (set() if keeps else {"staleness_s", "steps_apart"})
            assert ([node.sources, node.steps_apart] == spread) is keeps
    assert merges


def test_a_run_tells_what_a_target_cost(asked: Asked):
    result = orbitfl.run(asked())
    last_s = result.scenario.duration_s
    byte, joule = (result.satellites(kind).loc[last_s].sum() for kind in ("sent_byte", "consumed_j"))
    assert byte == result.transfers.loc[result.transfers["end_s"] <= last_s, "byte"].sum() > 0
    assert result.to_target(100) == Cost(False, last_s, byte, joule)
    assert result.to_target(0) == Cost(True, 0, 0, 0)
