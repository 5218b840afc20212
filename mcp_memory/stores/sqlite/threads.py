"""Threads of talk: who was stored just before and after whom, among the rows that a search may show."""

from __future__ import annotations

import sys
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mcp_memory.stores.sqlite.columns import Columns

Mask: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]
Numbers32: TypeAlias = NDArray[np.int32]

_WORDS = 4
_LOWEST = 0 if sys.byteorder == "little" else _WORDS - 1
"""16-bit words in the number of a thread, and which of them is the lowest."""


class Threads:
    """The allowed rows of the threads that some rows belong to, thread by thread in order of storing."""

    def __init__(self, columns: Columns, found: Rows, allowed: Mask, few: Rows | None = None) -> None:
        asked = np.unique(columns.thread[found])
        # The low bits choose a few of very many rows at little cost; the whole number decides.
        low = columns.thread.view(np.uint16)[_LOWEST::_WORDS]
        chosen = np.zeros(1 << 16, np.bool_)
        chosen[asked & 0xFFFF] = True
        rows = np.flatnonzero(chosen[low] & allowed) if few is None else few[chosen[low[few]]]
        thread = columns.thread[rows]
        number = np.minimum(np.searchsorted(asked, thread), max(len(asked) - 1, 0))
        same = asked[number] == thread
        self._by_row = rows[same]
        number = number[same]
        # Small numbers are sorted by their digits, in one pass.
        order = np.argsort(number.astype(np.uint16) if len(asked) <= 1 << 16 else number, kind="stable")
        self._rows, self._number = self._by_row[order], number[order]
        self._place = np.empty(len(order), np.int64)
        self._place[order] = np.arange(len(order))

    def around(self, found: Rows, reach: int) -> Rows:
        """Return the rows with their neighbours, sorted."""
        if not reach or not len(found):
            return found
        places = self._places(found)
        marked = np.zeros(len(self._rows), np.bool_)
        marked[places] = True
        for step in range(1, reach + 1):
            marked[self._beside(places, -step)] = True
            marked[self._beside(places, step)] = True
        return np.sort(self._rows[marked])

    def _places(self, rows: Rows) -> Rows:
        places: Rows = self._place[np.searchsorted(self._by_row, rows)]
        return places

    def _beside(self, places: Rows, step: int) -> Rows:
        beside = places + step
        inside = (beside >= 0) & (beside < len(self._rows))
        beside, places = beside[inside], places[inside]
        there: Rows = beside[self._number[beside] == self._number[places]]
        return there

    def links(self, rows: Rows) -> tuple[Numbers32, Numbers32, Numbers32]:
        """Return for sorted rows who comes before and after among them, and the number of the thread."""
        places = self._places(rows)
        row_at = np.full(len(self._rows), -1, np.int32)
        row_at[places] = np.arange(len(rows), dtype=np.int32)
        before = np.full(len(rows), -1, np.int32)
        after = before.copy()
        pairs = np.flatnonzero((self._number[1:] == self._number[:-1]) & (row_at[1:] >= 0) & (row_at[:-1] >= 0))
        after[row_at[pairs]] = row_at[pairs + 1]
        before[row_at[pairs + 1]] = row_at[pairs]
        number = self._number[places]
        alone = np.bincount(self._number)[number] == 1
        return before, after, np.where(alone, -1, number).astype(np.int32)
