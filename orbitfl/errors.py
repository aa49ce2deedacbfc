"""What a user is told when something given to orbitfl cannot be used.

Each message is one or two sentences: what was given, what was expected, what to do.
The command line prints it without a traceback and exits with its code, 2 but for what the board's runtime says.
"""


class OrbitflError(ValueError):
    """Base of every error that the user can mend."""

    code = 2


class ScenarioError(OrbitflError):
    """A scenario key is unknown, missing, of the wrong type or impossible."""


class DataError(OrbitflError):
    """A scene, a mask or a data folder cannot be used."""


class WeightsError(OrbitflError):
    """A weight file or a received update is not what it should be."""


class DamagedWeightsError(WeightsError):
    """A weight file is not the published one that it should be."""


class DivergedError(OrbitflError):
    """Learning has ended in weights, or in answers, that are not numbers."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Training has diverged, and its weights are no use: {why}.")


class DownloadError(OrbitflError):
    """A published file cannot be fetched, or what came is another one."""


class StorageError(OrbitflError):
    """A file or folder cannot be written or read."""


def in_a_line(told: object) -> str:
    """What others say of a fault, where it becomes part of a sentence."""
    return " ".join(str(told).split())


class OrbitflWarning(UserWarning):
    """Something that does not stop the work, but that its result should be read with."""
