"""What ranking reads of memories: a string for each, so that one command brings hundreds, to be read as columns.

It stands apart from the hash that finds the memory, since a change there has all of it indexed anew. At its beginning
stands what changes by itself, a few bytes at a time: when the memory was last used, and who was stored just before and
after it in its thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mcp_memory.domain.moments import microseconds
from mcp_memory.ports.memories import Cues
from mcp_memory.stores import vectors

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from mcp_memory.stores.redis.documents import Stored

NEVER = (1 << 63) - 1
"""The end of what has none."""
_MOMENT = Struct("<q")
LINKS = 2 * _MOMENT.size
"""How many bytes after the moment of the last use name who stands before and after, 0 for nobody; ``commit.lua`` writes
them."""
OWN = _MOMENT.size + LINKS
"""Where begins what is written with the memory."""
_HEAD = Struct("<qqqqdiiiii12sH")
_BESIDE = Struct("<qqq")
_THREAD = slice(_HEAD.size - 14, _HEAD.size - 2)
_NO_THREAD = bytes(12).hex()
_COLUMNS = np.dtype(
    [
        ("used", "<i8"),
        ("before", "<i8"),
        ("after", "<i8"),
        ("until", "<i8"),
        ("created", "<f8"),
        ("words", "<i4"),
        ("flags", "<i4"),
        ("day", "<i4"),
        ("length", "<i4"),
        ("generation", "<i4"),
        ("thread", "<u8"),
        ("more_of_thread", "<u4"),
        ("speaker", "<u2"),
    ]
)


class Vector(NamedTuple):
    """A vector in small (see ``stores.vectors``) and the number of the model that made it."""

    generation: int
    packed: bytes


def vector_field(number: int) -> str:
    """Return the field of the index that holds the vectors of a model."""
    return f"v{number}"


class Row(NamedTuple):
    """What the string of one memory says beside the memory itself."""

    length: int
    cues: Cues
    vector: Vector | None


class Beside(NamedTuple):
    """Who stands before and after a memory in its thread, 0 for nobody, and when it ends."""

    before: int
    after: int
    until: int


def beside(row: bytes) -> Beside:
    """Return what a row says of it."""
    return Beside._make(_BESIDE.unpack_from(row, _MOMENT.size))


def used(moment: datetime) -> bytes:
    """Return a moment as it stands at the beginning of a row."""
    return _MOMENT.pack(microseconds(moment))


def row_of(stored: Stored) -> bytes:
    """Return what ranking reads of the memory."""
    record, cues, vector = stored.record, stored.cues, stored.vector
    speaker = cues.speaker.encode("utf-8", "surrogatepass")
    head = _HEAD.pack(
        microseconds(record.last_accessed),
        0,
        0,
        NEVER if record.valid_to is None else microseconds(record.valid_to),
        record.created_at.timestamp(),
        cues.words,
        cues.flags,
        cues.day,
        stored.length,
        0 if vector is None else vector.generation,
        bytes.fromhex(stored.thread or ""),
        len(speaker),
    )
    return b"".join((head, b"" if vector is None else vector.packed, speaker))


def read_row(row: bytes) -> Row:
    """Return what ``row_of`` wrote."""
    *_, words, flags, day, length, generation, _, size = _HEAD.unpack_from(row)
    end = len(row) - size
    speaker = row[end:].decode("utf-8", "surrogatepass")
    packed = row[_HEAD.size : end]
    return Row(length, Cues(words, flags, speaker, day), Vector(generation, packed) if packed else None)


class Columns:
    """The rows of many memories, read as columns."""

    def __init__(self, rows: Sequence[bytes]) -> None:
        self._rows = rows
        self.head: NDArray[np.void] = np.frombuffer(b"".join([row[: _HEAD.size] for row in rows]), _COLUMNS)

    def named_threads(self) -> list[str]:
        """Return what stands for the threads in which the rows stand."""
        named = {row[_THREAD].hex() for row in self._rows}
        return sorted(named - {_NO_THREAD})

    def speakers(self) -> list[str]:
        """Return who speaks in each."""
        sizes: list[int] = self.head["speaker"].tolist()
        if not any(sizes):
            return [""] * len(sizes)
        return [
            row[len(row) - size :].decode("utf-8", "surrogatepass") if size else ""
            for row, size in zip(self._rows, sizes, strict=True)
        ]

    def threads(self) -> NDArray[np.int32]:
        """Return a number for each thread in which several of the rows stand, -1 for what stands alone."""
        threads = self.head["thread"]
        _, number, count = np.unique(threads, return_inverse=True, return_counts=True)
        return np.where((count[number] > 1) & (threads != 0), number, -1).astype(np.int32)

    def distances(self, generation: int, vector: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """Return the distance of each whose vector is of the model, nan for the others."""
        distance = np.full(len(self._rows), np.nan, np.float32)
        if vector is None or not generation:
            return distance
        same = np.flatnonzero(self.head["generation"] == generation)
        if len(same):
            distance[same] = vectors.distances(list(self._packed(same, len(vector))), vector)
        return distance

    def _packed(self, places: NDArray[np.int64], dimensions: int) -> Iterator[bytes]:
        first, end = _HEAD.size, _HEAD.size + vectors.SCALE + dimensions
        return (self._rows[place][first:end] for place in places)
