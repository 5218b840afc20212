"""Operations: acts that changed memories, and what each of them changed, so that it can be looked at and taken back."""

from __future__ import annotations

from enum import StrEnum

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
    note: str | None = None
    """What was asked, for people to read."""
    undoes: str | None = None
    """The operation that this one took back."""
    undone_by: str | None = None
    """The last operation that took some of this one back."""
    created: int = 0
    changed: int = 0
    removed: int = 0


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


class Kept(Record):
    """A change that was not taken back, and why."""

    memory_id: str
    reason: str
