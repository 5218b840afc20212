"""Which vectors are near each other, among very many: in time that grows little faster than their number.

Few are compared each with each. Many are parted first into overlapping cells, each around a vector that was drawn by
chance, again and again until a cell is small: near vectors nearly always share a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.int64]
Take: TypeAlias = Callable[[Rows], NDArray[np.float32]]
"""Return the unit vectors of these rows: shape (rows, dimensions)."""

LEAF = 1_024
"""Rows of a cell that are compared each with each."""
PIVOTS = 1_024
"""Cells that one is parted into at most."""
SHARED = 2
"""Cells that a row belongs to, of those that its cell is parted into."""
EXHAUSTIVE = 1 << 26
"""Comparisons up to which new rows are compared with all others."""
_STUCK = 0.8
"""A cell of this share of the whole was not parted: its vectors are alike."""
_BLOCK = 2_048
"""Rows compared with others at a time: what is held meanwhile is some of them by all of the others, several times."""
_CROWDED = 128
"""Rows of which the nearest are chosen at a time."""
_SEED = 384


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rows, the smaller number first, each once, with their cosine similarity.

    Those of a neighbourhood stand together, so that whoever goes through them meets the same rows again soon.
    """

    one: Rows
    other: Rows
    closeness: NDArray[np.float32]


def near_pairs(take: Take, groups: Rows, fresh: NDArray[np.bool_], distance: float, most: int) -> Pairs:
    """Return the pairs within one group of which at least one row is fresh, nearer than a cosine distance.

    Args:
        take: gives vectors; a zero vector is near nothing.
        groups: the group of each row.
        fresh: which rows to find the neighbours of.
        distance: the largest cosine distance.
        most: pairs that one row brings in at most, its nearest.
    """
    search = _Search(take, fresh, 1.0 - distance, most, np.random.default_rng(_SEED))
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=groups[order][:1] - 1))
    ends = np.append(starts[1:], len(order))
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        search.add(np.sort(order[start:end]))
    return search.pairs()


class _Search:
    def __init__(
        self, take: Take, fresh: NDArray[np.bool_], least: float, most: int, chance: np.random.Generator
    ) -> None:
        self._take = take
        self._fresh = fresh
        self._least = np.float32(least)
        self._most = most
        self._chance = chance
        self._found: list[tuple[Rows, Rows, NDArray[np.float32]]] = []

    def add(self, group: Rows) -> None:
        """Find the pairs of a group."""
        new = group[self._fresh[group]]
        if len(new) * len(group) <= EXHAUSTIVE:
            for start in range(0, len(group) if len(new) else 0, _BLOCK):
                self._compare(new, group[start : start + _BLOCK])
            return
        for cell in self._cells(group):
            self._compare(cell[self._fresh[cell]], cell)

    def _cells(self, rows: Rows) -> Iterator[Rows]:
        if len(rows) <= LEAF:
            yield rows
            return
        # So many that a cell is half a leaf on average: one parting does for most.
        pivots = self._chance.choice(rows, min(PIVOTS, 2 * SHARED * len(rows) // LEAF), replace=False)
        pivots = pivots[_chain(self._take(pivots))]
        chosen = self._nearest_pivots(rows, pivots)
        order = np.argsort(chosen, axis=None, kind="stable")
        sizes = np.bincount(chosen.reshape(-1), minlength=len(pivots))
        if sizes.max() > _STUCK * len(rows):
            yield from _slices(rows)
            return
        for places in np.split(order // SHARED, np.cumsum(sizes)[:-1]):
            if len(places) > 1:
                yield from self._cells(rows[places])

    def _nearest_pivots(self, rows: Rows, pivots: Rows) -> NDArray[np.int64]:
        """Return for each row the places of the pivots nearest to it."""
        chosen = np.empty((len(rows), SHARED), np.int64)
        turned = self._take(pivots).T
        for start in range(0, len(rows), _BLOCK):
            near = self._take(rows[start : start + _BLOCK]) @ turned
            chosen[start : start + _BLOCK] = np.argpartition(-near, SHARED - 1, axis=1)[:, :SHARED]
        return chosen

    def _compare(self, new: Rows, rows: Rows) -> None:
        if not len(new):
            return
        others = self._take(rows)
        for start in range(0, len(new), LEAF):
            part = new[start : start + LEAF]
            close = self._take(part) @ others.T
            close[part[:, None] == rows[None, :]] = -1.0
            self._keep(part, rows, close)

    def _keep(self, part: Rows, rows: Rows, close: NDArray[np.float32]) -> None:
        """Keep the near pairs; where a row has too many, its nearest."""
        near = close >= self._least
        crowded = np.flatnonzero(near.sum(axis=1) > self._most)
        for start in range(0, len(crowded), _CROWDED):
            some = crowded[start : start + _CROWDED]
            nearest = np.argpartition(close[some], -self._most, axis=1)[:, -self._most :]
            near[some] = False
            near[some[:, None], nearest] = True
        one, other = np.nonzero(near)
        closeness = close[one, other]
        one, other = part[one], rows[other]
        self._found.append((np.minimum(one, other), np.maximum(one, other), closeness))

    def pairs(self) -> Pairs:
        """Return what was found."""
        if not self._found:
            return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        return each_once(*(np.concatenate(part) for part in zip(*self._found, strict=True)))


def each_once(one: Rows, other: Rows, closeness: NDArray[np.float32]) -> Pairs:
    """Return the pairs without those that stood there before."""
    width = int(other.max(initial=0)) + 1
    _, first = np.unique(one * width + other, return_index=True)
    first.sort()
    return Pairs(one[first], other[first], closeness[first])


def _chain(vectors: NDArray[np.float32]) -> Rows:
    """Return an order in which each vector is followed by the nearest of those left: cells that share rows meet."""
    near = vectors @ vectors.T
    order = np.zeros(len(vectors), np.int64)
    near[:, 0] = -np.inf
    for place in range(1, len(order)):
        order[place] = int(np.argmax(near[order[place - 1]]))
        near[:, order[place]] = -np.inf
    return order


def _slices(rows: Rows) -> Iterator[Rows]:
    """Yield rows in overlapping slices of their order."""
    for start in range(0, max(1, len(rows) - LEAF // 2), LEAF // 2):
        yield np.sort(rows[start : start + LEAF])
