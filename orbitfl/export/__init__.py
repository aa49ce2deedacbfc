"""From a checkpoint to a folder that runs on a board without torch."""
