"""What each activity takes of a satellite: seconds of its board, watts of its battery."""

from dataclasses import dataclass

from orbitfl.errors import ScenarioError
from orbitfl.scenario.profiles import Board, Bus, Figure, Terminal, shipped_profiles
from orbitfl.scenario.terminal_link import AnyLink, TerminalLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """Of one training step (a batch), one inference (a tile), one merge; merge_s is None if the board does not say."""

    train_step_s: float
    inference_s: float
    merge_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watts:
    """What a whole satellite draws in each activity: bus, board and terminal together.

    exchange_w: with a satellite; downlink_w: to a station. None: neither the board nor a terminal says.
    """

    train_w: float
    inference_w: float
    standby_w: float
    merge_w: float | None
    exchange_w: float | None
    downlink_w: float | None


def seconds(board: Board) -> Seconds:
    return Seconds(
        train_step_s=board.train_step_s.value,
        inference_s=board.inference_s.value,
        merge_s=_value(board.merge_s),
    )


def watts(board: Board, bus: Bus | None, isl: AnyLink | None, ground: AnyLink | None) -> Watts:
    """The bus draws its own watts always. While a terminal works, the board stands by.

    A link that is not a terminal draws the board's exchange_w in place of both. Between satellites an update travels
    each way at once, so a terminal sends and receives; to a station it sends.
    """
    bus_w = bus.standby_w.value if bus else 0.0
    waiting_w = bus_w + board.standby_w.value
    plain_w = _sum(bus_w, board.exchange_w)
    return Watts(
        train_w=bus_w + board.train_w.value,
        inference_w=bus_w + board.inference_w.value,
        standby_w=waiting_w,
        merge_w=_sum(bus_w, board.merge_w),
        exchange_w=waiting_w + _both_ways_w(isl.profile) if isinstance(isl, TerminalLink) else plain_w,
        downlink_w=waiting_w + ground.profile.transmit_w.value if isinstance(ground, TerminalLink) else plain_w,
    )


def require_known(board: Board, isl: AnyLink | None, ground: AnyLink | None) -> None:
    """Raises ScenarioError for a link that is used, and whose watts neither a terminal nor the board says."""
    for name, link in (("isl", isl), ("ground", ground)):
        if link is not None and not isinstance(link, TerminalLink) and board.exchange_w is None:
            raise ScenarioError(
                f"what links.{name} draws is not known: it is not a terminal, and the board {board.name} has no "
                f"exchange_w. Write links.{name} as {{kind: terminal, profile: NAME}}, NAME being one of "
                f"{', '.join(shipped_profiles(Terminal))} or a file, or give the board that key."
            )


def _both_ways_w(terminal: Terminal) -> float:
    return terminal.transmit_w.value + (terminal.receive_w.value if terminal.receive_w else 0.0)


def _value(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value


def _sum(bus_w: float, figure: Figure | None) -> float | None:
    return None if figure is None else bus_w + figure.value
