"""Sealed blocks: the columns of 1,024 successive handles as they are copied into RAM, so that a big file opens fast.

A block is true as of a change number; what changed later is found in the table ``changes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import numpy as np

from mcp_memory.stores.sqlite.columns import NEVER, Columns, read_columns
from mcp_memory.stores.sqlite.statements import sql

HANDLES = 1_024
"""Handles of a block, whether or not their memories are still there."""
KINDS = {
    "handle": np.int64,
    "thread": np.int64,
    "namespace": np.int32,
    "user": np.int32,
    "session": np.int32,
    "generation": np.int16,
    "length": np.uint16,
}
"""What stands in ``blocks.columns``, column after column."""
MOST_CHANGES = 16_384
"""Changes that are followed at a load; beyond, the blocks are sealed anew."""


@dataclass(frozen=True, slots=True)
class Block:
    """A row of ``blocks``."""

    number: int
    seq: int
    generation: int
    rows: int
    columns: bytes
    ends: bytes | None
    codes: bytes

    @property
    def last(self) -> int:
        """The last handle of the block."""
        return (self.number + 1) * HANDLES

    def read(self) -> Columns:
        """Return the block's columns."""
        parts: dict[str, Any] = {}
        start = 0
        for name, kind in KINDS.items():
            parts[name] = np.frombuffer(self.columns, kind, self.rows, start)
            start += parts[name].nbytes
        codes = np.frombuffer(self.codes, np.uint8).reshape(self.rows, -1) if self.rows else np.empty((0, 0), np.uint8)
        ends = None if self.ends is None else np.frombuffer(self.ends, np.int64)
        return Columns(**parts, codes=codes, ends=ends)


def seal_full(connection: apsw.Connection, first_handle: int, last_handle: int) -> None:
    """Seal every block whose last handle is among these; to be called in the transaction that gave them."""
    for number in range((first_handle - 1) // HANDLES, last_handle // HANDLES):
        _seal(connection, number, _seq(connection))


def seal_again(connection: apsw.Connection, handles: Sequence[int]) -> None:
    """Bring memories that had been gone into the blocks again, and make every process load these anew.

    To be called in the transaction that stored them, after all that it changed.
    """
    if not handles:
        return
    newest = connection.execute(sql("last_block")).get
    seq = _seq(connection)
    for number in sorted({(handle - 1) // HANDLES for handle in handles}):
        if newest is not None and number <= int(newest):
            _seal(connection, number, seq)
    connection.execute(sql("remember_forgotten"), (seq,))


def forget_changes(connection: apsw.Connection, most: int = MOST_CHANGES) -> None:
    """Seal the blocks anew and forget the changes that they then hold, when there are as many as ``most``."""
    if int(connection.execute(sql("count_changes")).get or 0) < most:
        return
    seq = _seq(connection)
    for (number,) in connection.execute(sql("block_numbers")).fetchall():
        _seal(connection, int(str(number)), seq)
    connection.execute(sql("forget_changes"), (seq,))
    connection.execute(sql("remember_forgotten"), (seq,))


def _seq(connection: apsw.Connection) -> int:
    _, seq, _ = connection.execute(sql("last_numbers")).get
    return int(str(seq))


def _seal(connection: apsw.Connection, number: int, seq: int) -> None:
    span = (number * HANDLES, (number + 1) * HANDLES)
    generation, dimensions = connection.execute(sql("common_generation"), span).get or (0, 0)
    rows = connection.execute(sql("index_rows"), (generation, *span)).fetchall()
    if not rows:
        connection.execute(sql("put_block"), (number, seq, 0, 0, b"", None, b""))
        return
    columns = read_columns(rows, generation, dimensions)
    joined = b"".join(getattr(columns, name).tobytes() for name in KINDS)
    ends = None if columns.ends is None or (columns.ends == NEVER).all() else columns.ends.tobytes()
    codes = columns.codes.tobytes()
    connection.execute(sql("put_block"), (number, seq, generation, len(rows), joined, ends, codes))
