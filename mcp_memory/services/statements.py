"""What is compared of memories, read once as long as their neighbours are gone through."""

from __future__ import annotations

from collections import OrderedDict

from mcp_memory.domain.duplicates import Statement
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.ports.memories import Seen

REMEMBERED = 1_250_000
"""Characters of the texts of which it is remembered what is compared of them; that takes up about a hundredfold."""


class Statements:
    """The statements of one compaction, of its last memories: neighbours are met again soon."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._read: OrderedDict[Seen, Statement] = OrderedDict()
        self._characters = 0

    def of(self, seen: Seen, record: MemoryRecord) -> Statement:
        """Return what is compared of a memory at a version."""
        read = self._read.get(seen)
        if read is not None:
            self._read.move_to_end(seen)
            return read
        read = self._read[seen] = Statement.of(record)
        self._characters += len(record.text)
        while self._characters > self._most:
            _, oldest = self._read.popitem(last=False)
            self._characters -= len(oldest.reading.text)
        return read
