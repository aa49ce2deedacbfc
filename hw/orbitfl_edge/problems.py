"""What a user or a watchdog is told. Each message is one sentence: what was given, what was expected, what to do."""


class EdgeError(Exception):
    """Something given cannot be used; to try again would change nothing. Exit code 2."""

    code = 2


class NoAnswerError(EdgeError):
    """A network that answers with NaN or infinity. Exit code 2."""


class StoppedError(EdgeError):
    """Asked to stop; what is finished is kept for another try. Exit code 4."""

    code = 4


class PlaceError(EdgeError):
    """A file cannot be written, a full disk most often; what is finished is kept for another try. Exit code 3."""

    code = 3
