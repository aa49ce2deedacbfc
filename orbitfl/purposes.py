"""What is drawn by lot from a scenario's seed, each from a stream of its own: [seed, purpose, ...]."""

from enum import IntEnum, unique


@unique
class Purpose(IntEnum):
    """Two that were equal would draw the same numbers; one that is changed makes other runs of the same scenarios."""

    PARTITION = 0
    TRAINING = 1
    SCENE_CLOUDS = 2
    EVENT_CLOUDS = 3
    LOST_CHUNKS = 4
    LABEL_NOISE = 5
    LOST_CONTACTS = 6
    HOSTILITY = 7
    FEWER_TILES = 8
    RADIATION = 0x5AD
