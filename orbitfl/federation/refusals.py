"""What a peer sent and we do not take."""

from orbitfl.errors import WeightsError


class RefusalError(WeightsError):
    """An update, or a part of one, that is not what it should be.

    reason: a short phrase, the same for all refusals of one sort, as it stands in a run's records.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"An update was refused, {reason}: {detail}.")
        self.reason = reason
