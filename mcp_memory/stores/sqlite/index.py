"""What a process keeps in RAM of each memory to choose candidates: whose it is, its thread of talk, its sign code.

Derived and never written back: it is loaded at the first search and brought up to the snapshot of every later one.
Rows stand in the order of their handles, which is the order of storing.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import apsw
import numpy as np
from numpy.typing import NDArray

from mcp_memory.stores import vectors
from mcp_memory.stores.sqlite.blocks import Block
from mcp_memory.stores.sqlite.columns import GONE, NEVER, Columns, read_columns
from mcp_memory.stores.sqlite.rows import Numbers, Value
from mcp_memory.stores.sqlite.statements import sql
from mcp_memory.stores.sqlite.vector_cache import VectorCache

Rows: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

_CHUNK = 4_096
"""Rows read at a time."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The rows that a search may show."""

    mask: Mask
    few: Rows | None
    """Their numbers, sorted, where a scope or filter chose them: walking over these spares walking over all."""

    @property
    def count(self) -> int:
        """How many they are."""
        return int(np.count_nonzero(self.mask)) if self.few is None else len(self.few)


@dataclass(frozen=True, slots=True)
class View:
    """The rows as one search sees them."""

    columns: Columns
    generation: int
    cache: VectorCache
    seq: int
    """The last change that its snapshot holds."""

    def allowed(self, numbers: Numbers, ended_by: int | None, handles: Rows | None) -> Allowed:
        """Return which rows lie within the scope, had not ended, and are among the handles where some are given."""
        columns = self.columns
        rows = None if handles is None else np.sort(rows_of(columns.handle, handles))
        for column, number in zip((columns.namespace, columns.user, columns.session), numbers, strict=True):
            if number:
                rows = np.flatnonzero(column == number) if rows is None else rows[column[rows] == number]
        if rows is None:
            mask: Mask = columns.generation != GONE
            if ended_by is not None and columns.ends is not None:
                mask &= columns.ends > ended_by
            return Allowed(mask, None)
        rows = rows[columns.generation[rows] != GONE]
        if ended_by is not None and columns.ends is not None:
            rows = rows[columns.ends[rows] > ended_by]
        mask = np.zeros(len(columns.handle), np.bool_)
        mask[rows] = True
        return Allowed(mask, rows)


def rows_of(held: Rows, handles: Rows) -> Rows:
    """Return the rows of the handles that are held, in the order of the handles."""
    rows, there = places_of(held, handles)
    return rows[there]


def places_of(held: Rows, handles: Rows) -> tuple[Rows, NDArray[np.bool_]]:
    """Return a row for each of the handles, and which of these rows are theirs."""
    if not len(held):
        return np.zeros(len(handles), np.int64), np.zeros(len(handles), np.bool_)
    if held[-1] - held[0] == len(held) - 1:
        rows = np.clip(handles - held[0], 0, len(held) - 1)
    else:
        rows = np.minimum(np.searchsorted(held, handles), len(held) - 1)
    return rows, held[rows] == handles


def _room(rows: int) -> int:
    """Return for how many rows to make room where there are so many; what is never written takes no memory."""
    return rows + rows // 4 + _CHUNK


class Index:
    """The columns of one file, with the codes of one generation, shared by the threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = 0
        self._dimensions = 0
        self._columns = Columns.empty(0, 0)
        self._cache = VectorCache(0)
        self._rows = 0
        self._last = 0
        self._seq = -1

    def view(self, connection: apsw.Connection, generation: int = 0, dimensions: int = 0) -> View:
        """Return the rows, at least as new as the connection's snapshot; 0 leaves the generation as it is."""
        last, seq, forgotten = connection.execute(sql("last_numbers")).get
        with self._lock:
            if self._seq < forgotten or generation not in {0, self._generation}:
                self._load(connection, generation or self._generation, dimensions or self._dimensions)
            if last > self._last:
                self._append(connection, last)
            if seq > self._seq:
                self._follow(connection, seq)
            rows = self._rows
            if last < self._last:
                # Another thread's snapshot is newer: what was stored since is not in this one.
                rows = int(np.searchsorted(self._columns.handle[:rows], last, "right"))
            return View(self._columns.first(rows), self._generation, self._cache, seq)

    def keep(self, view: View, rows: Rows, stored: vectors.Stored) -> None:
        """Keep vectors of sorted rows, read from the snapshot of the view, if none can have changed since."""
        with self._lock:
            if view.seq == self._seq:
                view.cache.put(rows, stored)

    def _load(self, connection: apsw.Connection, generation: int, dimensions: int) -> None:
        """Begin anew with the sealed blocks; what was stored or changed since is then appended and followed."""
        self._generation, self._dimensions = generation, dimensions
        self._rows, self._last = 0, 0
        rows = int(connection.execute(sql("block_rows")).get or 0)
        self._columns = Columns.empty(_room(rows), vectors.code_bytes(dimensions))
        self._cache = VectorCache(dimensions)
        self._seq, oldest = 0, None
        for row in connection.execute(sql("blocks")):
            block = Block(*row)
            self._put_block(connection, block)
            oldest = block.seq if oldest is None else min(oldest, block.seq)
        self._seq = oldest or 0

    def _put_block(self, connection: apsw.Connection, block: Block) -> None:
        columns = block.read()
        if block.generation != self._generation:
            columns.codes = np.zeros((block.rows, self._columns.codes.shape[1]), np.uint8)
        self._columns.put(slice(self._rows, self._rows + block.rows), columns)
        self._rows += block.rows
        self._last = block.last
        if block.generation != self._generation and self._generation:
            self._overwrite(connection, columns.handle[columns.generation == self._generation])

    def _append(self, connection: apsw.Connection, last: int) -> None:
        found = connection.execute(sql("index_rows"), (self._generation, self._last, last))
        while chunk := list(islice(found, _CHUNK)):
            columns = read_columns(chunk, self._generation, self._dimensions)
            self._grow(len(chunk))
            self._columns.put(slice(self._rows, self._rows + len(chunk)), columns)
            self._keep_newest([row[-1] for row in chunk])
            self._rows += len(chunk)
        self._last = last

    def _keep_newest(self, stored: Sequence[Value]) -> None:
        """Keep the vectors of the rows that come next: what is new is searched for soon, and was read for its code."""
        known = [(place, blob) for place, blob in enumerate(stored) if isinstance(blob, bytes)]
        if known:
            places, blobs = zip(*known, strict=True)
            self._cache.put(self._rows + np.array(places), vectors.matrix(blobs, self._dimensions))

    def _grow(self, more: int) -> None:
        needed, room = self._rows + more, len(self._columns.handle)
        if needed <= room:
            return
        grown = Columns.empty(_room(needed), self._columns.codes.shape[1])
        if self._columns.ends is not None:
            grown.ends = np.full(len(grown.handle), NEVER, np.int64)
        grown.put(slice(0, self._rows), self._columns.first(self._rows))
        self._columns = grown

    def _follow(self, connection: apsw.Connection, seq: int) -> None:
        changed = connection.execute(sql("changed_since"), (self._seq,)).fetchall()
        if changed:
            self._overwrite(connection, np.array(changed, np.int64)[:, 0])
        self._seq = seq

    def _overwrite(self, connection: apsw.Connection, handles: NDArray[np.int64]) -> None:
        """Write the present state of changed memories over their rows; what is no longer there is gone."""
        if not len(handles):
            return
        held = self._columns.handle[: self._rows]
        gone = rows_of(held, handles)
        self._columns.generation[gone] = GONE
        # What is gone neighbours nothing.
        self._columns.thread[gone] = GONE
        self._cache.forget(gone)
        found = connection.execute(sql("index_rows_among"), (self._generation, apsw.carray(handles)))
        while chunk := list(islice(found, _CHUNK)):
            columns = read_columns(chunk, self._generation, self._dimensions)
            self._columns.put(np.searchsorted(held, columns.handle), columns)
