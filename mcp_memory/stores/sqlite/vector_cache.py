"""Vectors that searches compared lately: they lie on many pages, which a foreign write makes SQLite read anew."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from mcp_memory.stores.sqlite.threads import Rows
from mcp_memory.stores.vectors import SCALE, Stored

SLOTS, BYTES = 16_384, 8 << 20
"""Vectors kept at most, and what they may take; those that were put first make room."""


class VectorCache:
    """Stored vectors of one generation by the numbers of their rows, shared by the threads of a process."""

    def __init__(self, dimensions: int, slots: int = SLOTS) -> None:
        self._lock = threading.Lock()
        width = SCALE + dimensions
        slots = min(slots, max(1, BYTES // width))
        self._stored = np.empty((slots, width), np.uint8)
        self._row_in = np.full(slots, -1, np.int64)
        self._slot_of = np.empty(0, np.int32)
        self._next = 0

    def get(self, rows: Rows) -> tuple[Stored, NDArray[np.bool_]]:
        """Return a vector for each of some sorted rows, and which of these vectors are true."""
        with self._lock:
            self._reach(rows)
            slots = self._slot_of[rows]
            return self._stored[slots], slots >= 0

    def put(self, rows: Rows, stored: Stored) -> None:
        """Keep the vectors of some sorted rows."""
        with self._lock:
            self._reach(rows)
            rows, stored = rows[-len(self._stored) :], stored[-len(self._stored) :]
            slots = (self._next + np.arange(len(rows))) % len(self._stored)
            there = self._row_in[slots]
            self._slot_of[there[there >= 0]] = -1
            self._row_in[slots], self._slot_of[rows], self._stored[slots] = rows, slots, stored
            self._next = (self._next + len(rows)) % len(self._stored)

    def forget(self, rows: Rows) -> None:
        """Keep the vectors of some rows no longer."""
        with self._lock:
            self._slot_of[rows[rows < len(self._slot_of)]] = -1

    def _reach(self, rows: Rows) -> None:
        """Make room for the numbers of the rows."""
        missing = int(rows[-1]) + 1 - len(self._slot_of) if len(rows) else 0
        if missing > 0:
            more = np.full(missing + len(self._slot_of) // 4, -1, np.int32)
            self._slot_of = np.concatenate([self._slot_of, more])
