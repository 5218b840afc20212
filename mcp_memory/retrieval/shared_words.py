"""Which memories share rare words: what vectors cannot tell apart, a number or a name does.

Of many memories that are alike but for a number, each is nearer by vector to a hundred others than to the one that says
the same in other words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.int64]

RARE = 12
"""Memories that a rare word stands in at most."""


def sharing_pairs(postings: Iterable[Rows], groups: Rows, fresh: NDArray[np.bool_], most: int) -> tuple[Rows, Rows]:
    """Return the pairs of rows of one group that share the most rare words, the smaller row first, each once.

    Args:
        postings: for each word that stands in 2 to ``RARE`` rows, these rows, sorted.
        groups: the group of each row.
        fresh: at least one row of a pair is among these.
        most: pairs that one row brings in at most, those that share most.
    """
    size = len(groups)
    ones, others, weights = [], [], []
    for rows in postings:
        if 1 < len(rows) <= RARE:
            one, other = np.triu_indices(len(rows), 1)
            ones.append(rows[one])
            others.append(rows[other])
            weights.append(np.full(len(one), 1.0 / len(rows)))
    if not ones:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    one, other, weight = np.concatenate(ones), np.concatenate(others), np.concatenate(weights)
    allowed = (groups[one] == groups[other]) & (fresh[one] | fresh[other])
    keys, place = np.unique(one[allowed] * size + other[allowed], return_inverse=True)
    total = np.bincount(place.reshape(-1), weight[allowed], len(keys)).astype(np.float64)
    one, other = keys // size, keys % size
    chosen = _first_of_each(one, total, most) | _first_of_each(other, total, most)
    return one[chosen], other[chosen]


def _first_of_each(rows: Rows, total: NDArray[np.float64], most: int) -> NDArray[np.bool_]:
    """Return which pairs are among the heaviest of their row."""
    order = np.lexsort((-total, rows))
    ordered = rows[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    rank = np.arange(len(ordered)) - np.repeat(starts, np.diff(starts, append=len(ordered)))
    chosen = np.zeros(len(rows), np.bool_)
    chosen[order[rank < most]] = True
    return chosen
