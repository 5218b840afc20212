"""What the tests of undoing share: short ways to take operations back, and to look at what is there."""

from __future__ import annotations

from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.history import Undone
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.store import Store
from tests.contracts.entries import (
    EVERYWHERE,
    by_handle,
    candidates,
    operation,
    restoring,
    vector,
)

OPEN = Scope()


async def everything(store: Store) -> list[tuple[Handle, MemoryRecord]]:
    """Return all memories as they are."""
    return await store.scan(None, 99)


async def distances(store: Store) -> dict[Handle, float]:
    """Return how near vectors find them."""
    found = await candidates(store, vector(1, 2), nearest=99)
    return {handle: round(float(value), 5) for handle, value in by_handle(found, "distance").items()}


async def words(store: Store, *terms: str) -> int:
    """Return how many hold one of the words."""
    return await store.count(EVERYWHERE, terms)


async def undo(store: Store, done: Operation, scope: Scope = OPEN, **fields: str) -> Undone:
    """Take all of an operation back that the scope shows."""
    undoing = operation(OperationKind.UNDO, undoes=done.id, **fields)
    return await store.undo(done.id, await restoring(store, done, scope), undoing)
