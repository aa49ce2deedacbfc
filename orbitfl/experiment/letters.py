"""Updates on their way: written as bytes, read by a peer that does not trust them, and merged once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from orbitfl.data.partition import Holding
from orbitfl.experiment.balance import Balance
from orbitfl.experiment.hostility import Hostile
from orbitfl.experiment.node import Node
from orbitfl.federation import references
from orbitfl.federation.chunks import Assembly, Manifest, chunks, manifest_of
from orbitfl.federation.compressors import Compressor
from orbitfl.federation.messages import EXACT, NO_REFERENCE, Header, codec, pack, unpack
from orbitfl.federation.refusals import RefusalError
from orbitfl.federation.rules import Letter
from orbitfl.federation.screening import Screen, usual_norm
from orbitfl.federation.strategies import Strategy
from orbitfl.federation.weights import Layout, consensus_distance, norm
from orbitfl.results import Record
from orbitfl.simulation.timeline import Digest, Exchange, Offer, Sending

Direction = tuple[int, int]
Parts = Mapping[str, NDArray]
REMEMBERED = 9


@dataclass(frozen=True)
class Parcel:
    """A message as bytes, its exact parts, who trained what it says, and the messages of others that go with it."""

    payload: bytes
    exact: Parts
    sources: frozenset[int]
    relayed: tuple["Parcel", ...] = ()


@dataclass(frozen=True)
class Read:
    """A message that was understood."""

    header: Header
    parts: Parts
    sources: frozenset[int]


@dataclass(frozen=True)
class Terms:
    """What both sides of every exchange agree on before launch.

    base: SHA-256 of the launch weights. names: of the satellites, and the ground's at the end. most_samples: the most
    tiles that any satellite will hold; a peer that claims more is refused, and within that a liar still counts more.
    """

    strategy: Strategy
    compressor: Compressor
    layout: Layout
    base: str
    names: tuple[str, ...]
    screen: Screen
    chunk_byte: int
    most_samples: int


@dataclass
class Letters:
    """Everything under way.

    parcels: the last one written, by sender and receiver. shelf: what a satellite (first) keeps of another (second)
    for those that it meets. references: what both sides of a pair, or the receiver from the sender, already know.
    handed_in: by satellite, what it has sent to the ground since it last took the ground's model.
    """

    terms: Terms
    holdings: tuple[Holding, ...]
    hostile: dict[int, Hostile]
    balance: Balance
    parcels: dict[Direction, Parcel] = field(default_factory=dict)
    shelf: dict[Direction, Parcel] = field(default_factory=dict)
    references: dict[Direction, dict[str, NDArray]] = field(default_factory=dict)
    handed_in: dict[int, Parts] = field(default_factory=dict)

    def write(self, nodes: Sequence[Node], offer: Offer) -> None:
        """The sender's message, from its model as it is now."""
        terms, node, hostile = self.terms, nodes[offer.sender], self.hostile.get(offer.sender)
        parts = terms.strategy.offer(node.member, self._under_way(offer))
        if hostile is not None:
            parts = hostile.offered(parts)
        known = self._known((offer.sender, offer.receiver))
        header = Header(
            sender=terms.names[offer.sender],
            version=node.version,
            base=terms.base,
            layout=terms.layout.fingerprint(),
            codec=codec(terms.compressor),
            samples=self._samples(offer.sender, offer.at_s),
            made_s=offer.at_s,
            reference=_reference(known),
        )
        told = {name: _written(part, known.get(name)) for name, part in parts.items()}
        payload = pack(header, told, terms.compressor, terms.layout)
        if hostile is not None:
            payload = hostile.sent(payload)
        # The timeline knows of no refusals: what was not taken cannot be passed on.
        shelved = (self.shelf.get((offer.sender, origin)) for origin in offer.relayed)
        relayed = tuple(parcel for parcel in shelved if parcel is not None)
        exact = {name: part for name, part in parts.items() if name in EXACT}
        self.parcels[offer.sender, offer.receiver] = Parcel(payload, exact, node.sources, relayed)

    def exchanged(self, nodes: Sequence[Node], exchange: Exchange) -> Iterator[Record]:
        """Both messages of a pair are through."""
        if self.terms.strategy.pattern == "gather":
            for direction in ((exchange.a, exchange.b), (exchange.b, exchange.a)):
                yield from self._laid_in(nodes, direction, exchange.end_s)
        else:
            yield from self._merged_by_both(nodes, (exchange.a, exchange.b), exchange.end_s)

    def arrived(self, nodes: Sequence[Node], sending: Sending) -> Iterator[Record]:
        """One message is through, and its sender knows."""
        direction, server, at_s = (sending.sender, sending.receiver), len(nodes) - 1, sending.end_s
        if sending.receiver == server:
            yield from self._laid_in(nodes, direction, at_s)
        elif sending.sender == server:
            yield from self._taken_over(nodes, direction, at_s)
        else:
            yield from self._handed_over(nodes, direction, at_s)

    def digested(self, nodes: Sequence[Node], digest: Digest) -> Iterator[Record]:
        """A satellite merges its inbox."""
        yield from self.weighed(nodes, digest.node, digest.at_s)
        if letters := opened(nodes[digest.node], digest.at_s):
            yield from self._merge(nodes, digest.node, letters, digest.at_s)

    def weighed(self, nodes: Sequence[Node], number: int, at_s: float) -> Iterator[Record]:
        """Throw out of an inbox what has grown too old in it, and what is too long beside the rest of it."""
        node, oldest_s = nodes[number], at_s - self.terms.screen.max_age_s
        inbox, usual = node.inbox, usual_norm(node.member.model, node.lengths)
        for sender in sorted(sender for sender, letter in inbox.items() if letter.age_s < oldest_s):
            del inbox[sender]
            yield self._refusal(number, RefusalError("stale", "it has waited too long"), at_s)
        for letter in self.terms.screen.outsized([inbox[sender] for sender in sorted(inbox)], usual):
            del inbox[letter.sender]
            yield self._refusal(number, RefusalError("too large", "its length is not that of the others"), at_s)

    def ages(self, number: int, letters: Sequence[Letter], at_s: float) -> Iterator[Record]:
        """How old what was merged is."""
        yield from ((at_s, self.terms.names[number], "staleness_s", letter.age_s) for letter in letters)

    def conservation(self, nodes: Sequence[Node], at_s: float, name: str) -> Iterator[Record]:
        """How far models are apart, and how far merges have displaced their mean."""
        satellites = [node.member for node in nodes[:-1]]
        yield at_s, name, "consensus_distance", consensus_distance([member.model for member in satellites])
        for kind, value in self.balance.of(satellites):
            yield at_s, name, kind, value

    def state(self) -> dict[str, Any]:
        """All that the past can change."""
        return {
            "parcels": self.parcels,
            "shelf": self.shelf,
            "references": self.references,
            "handed_in": self.handed_in,
            "trained": self.balance.trained,
            "hostile": {number: each.state() for number, each in self.hostile.items()},
        }

    def go_on_from(self, state: dict[str, Any]) -> None:
        """Stand where `state` was taken."""
        self.parcels, self.shelf = state["parcels"], state["shelf"]
        self.references, self.handed_in = state["references"], state["handed_in"]
        self.balance.trained = state["trained"]
        for number, each in self.hostile.items():
            each.go_on_from(state["hostile"][number])

    def _merged_by_both(self, nodes: Sequence[Node], pair: Direction, at_s: float) -> Iterator[Record]:
        """Either both merge the same two messages, or neither does."""
        read, refusals = self._read_both(nodes, pair, at_s)
        if refusals:
            yield from refusals
            return
        before = [nodes[node].member for node in pair]
        for node, peer in (pair, pair[::-1]):
            self._note(nodes[node], peer, read[peer])
            letter = self._letter(peer, read[peer], at_s - read[peer].header.made_s, read[node].parts)
            yield from self._merge(nodes, node, [letter], at_s)
        self.balance.check(before, [nodes[node].member for node in pair])
        if self.terms.compressor.sparse:
            mine, theirs = (read[node].parts for node in pair)
            self._learn_reference(pair, {name: references.after(mine[name], theirs[name]) for name in mine})

    def _read_both(self, nodes: Sequence[Node], pair: Direction, at_s: float) -> tuple[dict[int, Read], list[Record]]:
        read, refusals = {}, list[Record]()
        for sender, receiver in (pair, pair[::-1]):
            try:
                read[sender] = self._accepted(nodes[receiver], (sender, receiver), at_s)
            except RefusalError as error:
                refusals.append(self._refusal(receiver, error, at_s))
        return read, refusals

    def _laid_in(self, nodes: Sequence[Node], direction: Direction, at_s: float) -> Iterator[Record]:
        """Into the receiver's inbox, with what was relayed.

        What it has already it leaves without a word: who has not trained meanwhile repeats its version without malice,
        and a relay may be slower than another way. Who sends anew what it has sent before does not.
        """
        sender, receiver = direction
        parcel = self.parcels.pop(direction)
        for each in (parcel, *parcel.relayed):
            try:
                read = self._read(direction, each)
                origin = self._met(nodes[receiver], sender, read) if each is parcel else self._origin(receiver, read)
                if read.header.version <= nodes[receiver].last_version.get(origin, -1):
                    continue
                read = self._screened(nodes[receiver], origin, read, at_s)
            except RefusalError as error:
                yield self._refusal(receiver, error, at_s)
                continue
            self._note(nodes[receiver], origin, read)
            # Until it is merged a letter carries the moment at which it was written in place of its age.
            nodes[receiver].inbox[origin] = self._letter(origin, read, read.header.made_s, None)
            self.shelf[receiver, origin] = replace(each, relayed=())
            if each is parcel:
                self._learn_reference(direction, read.parts)
                if receiver == len(nodes) - 1:
                    self.handed_in[sender] = read.parts
                    nodes[sender].member = self.terms.strategy.sent(nodes[sender].member, read.parts)

    def _taken_over(self, nodes: Sequence[Node], direction: Direction, at_s: float) -> Iterator[Record]:
        """A satellite adopts the ground's model, and keeps what it has learnt since they had one in common."""
        server, node = direction
        try:
            read = self._accepted(nodes[node], direction, at_s)
        except RefusalError as error:
            yield self._refusal(node, error, at_s)
            return
        letter = self._letter(server, read, at_s - read.header.made_s, self.handed_in.pop(node, None))
        self._note(nodes[node], server, read)
        yield from self._merge(nodes, node, [letter], at_s)
        self._learn_reference(direction, read.parts)

    def _handed_over(self, nodes: Sequence[Node], direction: Direction, at_s: float) -> Iterator[Record]:
        """In one direction: what the receiver takes, the sender lets go."""
        sender, receiver = direction
        try:
            read = self._accepted(nodes[receiver], direction, at_s)
        except RefusalError as error:
            yield self._refusal(receiver, error, at_s)
            return
        before = [nodes[node].member for node in direction]
        nodes[sender].changed(self.terms.strategy.sent(nodes[sender].member, read.parts))
        self._note(nodes[receiver], sender, read)
        yield from self._merge(nodes, receiver, [self._letter(sender, read, at_s - read.header.made_s, None)], at_s)
        self.balance.check(before, [nodes[node].member for node in direction])

    def _merge(self, nodes: Sequence[Node], number: int, letters: list[Letter], at_s: float) -> Iterator[Record]:
        node, terms = nodes[number], self.terms
        after = terms.strategy.merge(node.member, letters, self._samples(number, at_s), terms.layout)
        counted = node.merged(after, letters)
        if not counted:
            return
        yield from self.ages(number, counted, at_s)
        yield at_s, terms.names[number], "steps_apart", float(node.steps_apart)
        node.steps_apart = 0

    def _read(self, direction: Direction, parcel: Parcel) -> Read:
        """The message, chunk by chunk and number by number. Raises RefusalError."""
        terms = self.terms
        known = self._known(direction)
        header, told = unpack(
            _delivered(parcel.payload, terms.chunk_byte),
            base=terms.base,
            layout=terms.layout,
            compressor=terms.compressor,
            parts=terms.strategy.parts,
            reference=_reference(known),
        )
        parts = {name: _as_read(part, known.get(name)) for name, part in told.items()}
        return Read(header, parts, parcel.sources)

    def _accepted(self, node: Node, direction: Direction, at_s: float) -> Read:
        """The message of a direction, if it can be understood and passes the screen. Raises RefusalError."""
        read = self._read(direction, self.parcels.pop(direction))
        return self._screened(node, self._from(direction[0], read), read, at_s)

    def _origin(self, receiver: int, read: Read) -> int:
        """Which other satellite a relayed message is of. Raises RefusalError where it is of none."""
        satellites = self.terms.names[:-1]
        others = {name: number for number, name in enumerate(satellites) if number != receiver}
        if read.header.sender not in others:
            raise RefusalError("unknown sender", f"no other satellite is called {read.header.sender[:40]!r}")
        return others[read.header.sender]

    def _from(self, sender: int, read: Read) -> int:
        """The sender that was met. Raises RefusalError where the message is told to be another's."""
        if read.header.sender != self.terms.names[sender]:
            raise RefusalError("wrong sender", f"{self.terms.names[sender]} sent it as {read.header.sender[:40]!r}")
        return sender

    def _met(self, node: Node, sender: int, read: Read) -> int:
        """The sender, met by `node`, that says something else than before. Raises RefusalError for an old message."""
        self._from(sender, read)
        said = read.header.version, read.header.made_s
        before = node.heard.get(sender)
        if before is not None and (said[0] < before[0] or said[1] <= before[1]):
            raise RefusalError("replayed", f"it came from {read.header.sender}")
        node.heard[sender] = said
        return sender

    def _screened(self, node: Node, sender: int, read: Read, at_s: float) -> Read:
        """Raises RefusalError for what claims too much, or the reader's screen keeps out."""
        self._require_possible(read)
        letter = self._letter(sender, read, at_s - read.header.made_s, None)
        own, last_version = node.member.model, node.last_version.get(sender)
        refusal = self.terms.screen.refusal(own, letter, last_version, usual_norm(own, node.lengths))
        if refusal is not None:
            raise RefusalError(refusal, f"it came from {read.header.sender}")
        return read

    def _require_possible(self, read: Read) -> None:
        """Raises RefusalError for more tiles than any satellite holds, or more mass than all were launched with."""
        sender, samples, mass = read.header.sender, read.header.samples, read.parts.get("mass")
        if samples > self.terms.most_samples:
            raise RefusalError("too many samples", f"{sender} claims {samples} tiles")
        if mass is not None and mass[0] > len(self.terms.names) - 1:
            raise RefusalError("too much mass", f"{sender} claims {mass[0]:g}")

    def _note(self, node: Node, sender: int, read: Read) -> None:
        """What `node` remembers of a message that it is about to merge."""
        node.last_version[sender] = read.header.version
        node.lengths = [*node.lengths[1 - REMEMBERED :], norm(read.parts["model"])]
        node.pending_sources[sender] = node.pending_sources.get(sender, frozenset()) | read.sources

    def _letter(self, sender: int, read: Read, age_s: float, sent: Parts | None) -> Letter:
        return Letter(sender, read.header.version, age_s, read.header.samples, read.parts, sent)

    def _refusal(self, node: int, error: RefusalError, at_s: float) -> Record:
        return at_s, self.terms.names[node], f"refused update: {error.reason}", 1.0

    def _samples(self, node: int, at_s: float) -> int:
        return len(self.holdings[node].at(at_s)) if node < len(self.holdings) else 0

    def _under_way(self, offer: Offer) -> list[Parts]:
        """What the sender has promised to others."""
        mine = ((receiver, parcel) for (sender, receiver), parcel in self.parcels.items() if sender == offer.sender)
        return [parcel.exact for receiver, parcel in mine if receiver != offer.receiver]

    def _known(self, direction: Direction) -> dict[str, NDArray]:
        """What both ends of a direction know already; nothing for a compressor that says everything each time."""
        return self.references.get(self._key(direction), {})

    def _learn_reference(self, direction: Direction, parts: Parts) -> None:
        if self.terms.compressor.sparse:
            inexact = {name: part for name, part in parts.items() if name not in EXACT}
            self.references[self._key(direction)] = inexact

    def _key(self, direction: Direction) -> Direction:
        """Of a pair that always exchanges both ways, both directions have one reference."""
        return (min(direction), max(direction)) if self.terms.strategy.pattern == "pairwise" else direction


def opened(node: Node, at_s: float) -> list[Letter]:
    """All letters of an inbox by their senders, as old as they are by now; the inbox is empty then."""
    letters = [replace(letter, age_s=at_s - letter.age_s) for _, letter in sorted(node.inbox.items())]
    node.inbox.clear()
    return letters


def _reference(known: Parts) -> str:
    return references.reference_fingerprint(known) if known else NO_REFERENCE


def _written(part: NDArray, known: NDArray | None) -> NDArray:
    return part if known is None else references.written(part, known)


def _as_read(part: NDArray, known: NDArray | None) -> NDArray:
    return part if known is None else references.read(part, known)


def _delivered(payload: bytes, chunk_byte: int) -> bytes:
    """The message after every chunk of it was checked on its own. Raises RefusalError."""
    assembly = Assembly(Manifest.from_bytes(manifest_of(payload, chunk_byte).to_bytes()))
    for index, chunk in enumerate(chunks(payload, chunk_byte)):
        assembly.offer(index, chunk)
    return assembly.payload()
