"""Which memories are worth comparing with each other: near by vector, or alike by rare words and not far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mcp_memory.retrieval.nearness import Pairs, Rows, Take, each_once, near_pairs
from mcp_memory.retrieval.shared_words import sharing_pairs

FARTHER = 0.2
"""How much farther two may be that share rare words."""
_BLOCK = 8_192


@dataclass(frozen=True, slots=True)
class Limits:
    """How far is near, and how many pairs one memory brings in by vector, and again by words."""

    distance: float
    most: int


def paired(take: Take, owners: Rows, fresh: NDArray[np.bool_], rare: Iterable[Rows], limits: Limits) -> Pairs:
    """Return the pairs of rows of one owner, each once, those of a neighbourhood together.

    Args:
        take: gives vectors; see ``nearness``.
        owners: whose each row is.
        fresh: at least one row of a pair is among these.
        rare: for each rare word the rows that hold it, sorted.
        limits: how far and how many.
    """
    near = near_pairs(take, owners, fresh, limits.distance, limits.most)
    one, other = sharing_pairs(rare, owners, fresh, limits.most)
    closeness = np.empty(len(one), np.float32)
    for start in range(0, len(one), _BLOCK):
        rows = slice(start, start + _BLOCK)
        closeness[rows] = np.einsum("ij,ij->i", take(one[rows]), take(other[rows]))
    there = closeness >= 1.0 - limits.distance - FARTHER
    return each_once(
        np.concatenate([near.one, one[there]]),
        np.concatenate([near.other, other[there]]),
        np.concatenate([near.closeness, closeness[there]]),
    )
