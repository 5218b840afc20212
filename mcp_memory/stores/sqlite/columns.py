"""The columns that searches hold in RAM, and how rows of the database become columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mcp_memory.stores import vectors
from mcp_memory.stores.sqlite.rows import Row

GONE = -1
"""Stands in ``generation`` where the memory was removed."""
LONGEST = np.iinfo(np.uint16).max
"""Longer texts count as this long."""
NEVER = np.iinfo(np.int64).max
"""Stands in ``ends`` where the memory has no end."""


@dataclass(slots=True)
class Columns:
    """Parallel columns; ``ends`` (valid_to) is kept only when some memory has an end."""

    handle: NDArray[np.int64]
    thread: NDArray[np.int64]
    namespace: NDArray[np.int32]
    user: NDArray[np.int32]
    session: NDArray[np.int32]
    generation: NDArray[np.int16]
    length: NDArray[np.uint16]
    codes: NDArray[np.uint8]
    ends: NDArray[np.int64] | None = None

    @classmethod
    def empty(cls, rows: int, width: int) -> Columns:
        """Return columns of so many rows whose content means nothing yet."""
        return cls(
            np.empty(rows, np.int64),
            np.empty(rows, np.int64),
            np.empty(rows, np.int32),
            np.empty(rows, np.int32),
            np.empty(rows, np.int32),
            np.empty(rows, np.int16),
            np.empty(rows, np.uint16),
            np.empty((rows, width), np.uint8),
        )

    def first(self, rows: int) -> Columns:
        """Return a view of the first rows."""
        return Columns(
            self.handle[:rows],
            self.thread[:rows],
            self.namespace[:rows],
            self.user[:rows],
            self.session[:rows],
            self.generation[:rows],
            self.length[:rows],
            self.codes[:rows],
            None if self.ends is None else self.ends[:rows],
        )

    def put(self, rows: slice | NDArray[np.int64], other: Columns) -> None:
        """Copy the other columns over these rows."""
        if other.ends is not None and self.ends is None:
            self.ends = np.full(len(self.handle), NEVER, np.int64)
        for mine, its in zip(self._all(), other._all(), strict=True):
            if mine is not None:
                mine[rows] = NEVER if its is None else its

    def _all(self) -> Iterable[NDArray[np.generic] | None]:
        return map(self.__getattribute__, _NAMES)


_NAMES = tuple(column.name for column in fields(Columns))


def read_columns(rows: Sequence[Row], generation: int, dimensions: int) -> Columns:
    """Return rows of the statement ``index_rows`` as columns, with the codes of one generation."""
    # Mostly it is one row, and each call of numpy takes longer than its work.
    handle, thread, namespace, user, session, its_generation, length, ends, stored = zip(*rows, strict=True)
    columns = Columns(
        np.array(handle, np.int64),
        np.array(thread, np.int64),
        np.array(namespace, np.int32),
        np.array(user, np.int32),
        np.array(session, np.int32),
        np.array(its_generation, np.int16),
        np.minimum(np.array(length), LONGEST).astype(np.uint16),
        np.zeros((len(rows), vectors.code_bytes(dimensions)), np.uint8),
    )
    if any(end is not None for end in ends):
        columns.ends = np.array([NEVER if end is None else end for end in ends], np.int64)
    if blobs := [blob for blob in stored if blob is not None]:
        columns.codes[columns.generation == generation] = vectors.codes(blobs, dimensions)
    return columns
