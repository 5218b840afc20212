"""Operations: acts that changed memories, and what each of them changed, so that it can be looked at and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from mcp_memory.domain.moments import Moment
from mcp_memory.domain.records import MemoryRecord, Record


class OperationKind(StrEnum):
    """What was done."""

    CREATE = "create"
    EDIT = "edit"
    DELETE = "delete"
    COMPACT = "compact"
    FORGET = "forget"
    IMPORT = "import"
    UNDO = "undo"


class Operation(Record):
    """One act that changed memories. It may take several transactions; each names it."""

    id: str
    kind: OperationKind
    at: Moment
    by: str | None = None
    """Who did it; None for whoever sat at this machine."""
    note: str | None = None
    """What was asked, for people to read."""
    undoes: str | None = None
    """The operation that this one took back."""
    undone_by: str | None = None
    """The last operation that took some of this one back."""
    created: int = 0
    changed: int = 0
    removed: int = 0


BOOKKEEPING = frozenset(
    {"updated_at", "last_accessed", "persisted_at", "access_count", "memory_hash", "version", "created_at"}
)
"""Fields that change beside what somebody wanted to change."""


class Difference(NamedTuple):
    """One field of a memory, before and after; None where there was no memory or no value."""

    field: str
    before: Any
    after: Any


class Change(Record):
    """What one operation did to one memory."""

    operation: str
    kind: OperationKind
    at: Moment
    memory_id: str
    namespace: str | None = None
    user_id: str | None = None
    before: MemoryRecord | None = None
    """None: it did not exist."""
    after: MemoryRecord | None = None
    """None: it is gone. For the last change of a memory, what it is now."""
    undone: bool = False
    """It was taken back since."""

    def differences(self) -> Iterator[Difference]:
        """Yield what became different; of a memory that came or went its text alone."""
        if self.before is None or self.after is None:
            yield Difference("text", self.before and self.before.text, self.after and self.after.text)
            return
        before, after = self.before.model_dump(mode="json"), self.after.model_dump(mode="json")
        for field, value in after.items():
            if value != before[field] and field not in BOOKKEEPING:
                yield Difference(field, before[field], value)


class Kept(Record):
    """A change that was not taken back, and why."""

    memory_id: str
    reason: str
