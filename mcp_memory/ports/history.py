"""What was done to memories, and taking it back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from mcp_memory.domain.operations import Change, Kept, Operation
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Entry, Handle, Known


class Touched(NamedTuple):
    """That an operation changed the memory behind a handle; small, since an operation may have changed very many."""

    handle: Handle
    unit: Handle
    """Changes of one unit (all sources of a merge, say) are taken back together, or not at all."""
    number: int
    """With the handle it names the change; what was changed later has a greater one."""
    memory_id: str
    undone: bool
    within: bool
    """The memory was of the namespace and user that were asked about."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What an operation did to the memory behind a handle."""

    handle: Handle
    unit: Handle
    number: int
    change: Change


@dataclass(frozen=True, slots=True)
class Restore:
    """What an undo takes back at once: memories with all that they are connected with by units of the operation."""

    entries: Mapping[tuple[Handle, int], Entry | None]
    """What to store again of each memory, by the numbers of its changes; None where it did not exist before.

    Vectors are those that were stored before; the entry's is taken where there was none.
    """
    beyond: Collection[Handle] = ()
    """Memories that may not be changed. Units with them are kept, and so are units with a change that is not given."""

    @property
    def handles(self) -> list[Handle]:
        """All of the memories."""
        return list(dict.fromkeys([*(handle for handle, _ in self.entries), *self.beyond]))


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did: how many memories are as they were before, and what was left alone."""

    restored: int
    kept: tuple[Kept, ...]


class HistoryStore(Protocol):
    """What was done to memories; the promises of ``MemoryStore`` hold. A scope shows what was done to its memories."""

    async def operations(self, scope: Scope, *, limit: int, offset: int = 0) -> tuple[list[Operation], int]:
        """Return a page of the operations that changed memories of the namespace and user, and how many there are.

        The last comes first. What an operation counts is what it changed within the scope.
        """

    async def operation(self, operation_id: str, scope: Scope) -> Operation | None:
        """Return one operation as it is listed; None if it changed nothing of the namespace and user."""

    async def touched(self, operation_id: str, scope: Scope) -> list[Touched]:
        """Return in order which memories an operation changed, and which of them were of the namespace and user."""

    async def changes(
        self, operation_id: str, scope: Scope, handles: Collection[Handle] | None = None
    ) -> list[Changed]:
        """Return what an operation did to memories of the namespace and user, in order; empty if there is none.

        With ``handles``, only to these.
        """

    async def history(self, memory_id: str, scope: Scope) -> list[Change]:
        """Return in order what was done to the memories of the namespace and user that have, had or took in this id."""

    async def undo(self, operation_id: str, restore: Restore, operation: Operation) -> Undone:
        """Bring memories back to what they were before an operation, in one transaction; that is an operation too.

        Records come back exactly, versions included; the next change of one gets a version that it never had.
        A memory that was changed since, or whose name another one took, is kept as it is with all of its unit; one
        that was taken back before is passed over.

        Args:
            operation_id: what to take back.
            restore: all of it, or a part.
            operation: what the undo is recorded as; it may take back the other parts too.
        """

    async def recorded(self, ids: Sequence[str], scope: Scope) -> list[Known]:
        """Return the memories of the namespace and user that have, had or took in these ids, those that are gone too.

        Of what is gone only that is known which a recorded operation changed.
        """

    async def purge(self, handles: Sequence[Handle]) -> int:
        """Erase the memories, there or gone, and all that was recorded of them; return how many there were.

        What was merged into them is erased with them. What they were merged into loses its history, which may hold
        their text. Nothing of it can be recovered from the store; without handles, nor of what was deleted before.

        Raises:
            StoreBusy: they are erased, and another program that reads the store keeps traces in it; to be called again.
        """

    async def forget_operations(self, before: datetime) -> int:
        """Delete the record of operations from before that moment; return how many there were."""
