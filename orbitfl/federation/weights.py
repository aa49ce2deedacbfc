"""Arithmetic on named arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray[np.float32]]


def difference(minuend: Weights, subtrahend: Weights) -> Weights:
    return {name: minuend[name] - subtrahend[name] for name in minuend}


def total(first: Weights, second: Weights) -> Weights:
    return {name: first[name] + second[name] for name in first}


def mean(members: Sequence[Weights]) -> Weights:
    """The average of several models, every one counted alike."""
    share = np.float32(1 / len(members))
    return {name: np.sum([member[name] for member in members], axis=0) * share for name in members[0]}


def distance(first: Weights, second: Weights) -> float:
    """Euclidean distance over all entries together."""
    return float(np.sqrt(sum(np.sum((first[name] - second[name]).astype(np.float64) ** 2) for name in first)))


def consensus_distance(members: Sequence[Weights]) -> float:
    """How far the models are apart: sqrt(1/n sum ||theta_i - mean||^2) (Kong et al. 2021, arXiv 2102.04828, eq. 2)."""
    centre = mean(members)
    return float(np.sqrt(np.mean([distance(member, centre) ** 2 for member in members])))
