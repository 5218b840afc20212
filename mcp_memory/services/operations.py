"""What was done to memories, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import combinations
from typing import NamedTuple

from mcp_memory.domain.access import LOCAL, Access, Caller
from mcp_memory.domain.operations import Kept, Operation, OperationKind
from mcp_memory.domain.replies import History, OperationList, OperationReply, UndoReply
from mcp_memory.domain.requests import ListOperations, Undo
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.domain.suggestions import SuggestionKind, SuggestionState
from mcp_memory.errors import CannotUndo, MemoryNotFound, OperationNotFound
from mcp_memory.ports.given import Clock, NewId
from mcp_memory.ports.history import Changed, Undone
from mcp_memory.ports.memories import Entry, Handle, Seen
from mcp_memory.ports.store import Store
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.services.audit import note
from mcp_memory.services.entries import Indexer

NAMED = 5
"""Memories that are named in a refusal."""


class _Before(NamedTuple):
    """A memory as a compaction found it."""

    seen: Seen
    memory_id: str


class _Asked(NamedTuple):
    """What is to be taken back."""

    restore: Mapping[Handle, Entry | None]
    compacted: Sequence[Sequence[_Before]]
    """What was compacted together, if the operation was a compaction."""


class Operations:
    """Every change of memories is one operation, with what each memory was before."""

    def __init__(
        self, store: Store, indexer: Indexer, clock: Clock, new_id: NewId, kept: timedelta | None = None
    ) -> None:
        """Keep the record of operations for ``kept``; None: for ever."""
        self._kept = kept
        self._store = store
        self._indexer = indexer
        self._clock = clock
        self._new_id = new_id

    async def list(self, request: ListOperations, *, caller: Caller = LOCAL) -> OperationList:
        """Return a page of what was done in the scope, last first."""
        scope = caller.scope(request.scope)
        found, total = await self._store.operations(scope, limit=request.limit, offset=request.offset)
        return OperationList(operations=found, total=total)

    async def show(self, operation_id: str, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> OperationReply:
        """Return one operation, with what it did to each memory of the scope.

        Raises:
            OperationNotFound: it changed nothing in this scope.
        """
        within = caller.scope(scope)
        operation = await self._store.operation(operation_id, within)
        changed = await self._changed(operation_id, within)
        if operation is None:
            raise OperationNotFound(operation_id)
        return OperationReply(**dict(operation), changes=[one.change for one in changed])

    async def history(self, memory_id: str, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> History:
        """Return what was done to a memory, in order; of one that is gone too.

        Raises:
            MemoryNotFound: nothing is recorded of such a memory in this scope.
        """
        within = caller.scope(scope)
        changes = await self._store.history(memory_id, within)
        if not changes:
            raise MemoryNotFound(memory_id)
        named = await self._store.named([memory_id], Scope(within.namespace, within.user_id))
        into = dict.fromkeys(record.id for _, record in named if record.id != memory_id)
        return History(memory_id=memory_id, merged_into=list(into), changes=changes)

    async def undo(self, request: Undo, *, caller: Caller = LOCAL) -> UndoReply:
        """Bring memories back to what they were before an operation; that is an operation too, and can be undone.

        Memories that were changed since are left as they are, and named.

        Raises:
            OperationNotFound: it changed nothing in this scope.
            CannotUndo: nothing can be brought back.
            NotAllowed: somebody else did it, and the caller is no admin.
        """
        scope = caller.scope(request.scope)
        asked = self._asked(request, await self._changed(request.operation_id, scope))
        others = await self._is_of_others(request.operation_id, scope, caller)
        operation = Operation(
            id=self._new_id(), kind=OperationKind.UNDO, at=self._clock(), by=caller.name, undoes=request.operation_id
        )
        undone = await self._store.undo(request.operation_id, asked.restore, operation)
        if not undone.restored:
            raise CannotUndo(f"Nothing was undone: {_told(undone.kept)}")
        await self._keep_apart(asked.compacted, undone)
        if others:
            note(caller, f"operation {request.operation_id} of others undone: {operation.id}", scope)
        return UndoReply(
            status=f"ok, {undone.restored} memories are as they were before",
            operation=operation.id,
            restored=undone.restored,
            kept=list(undone.kept),
        )

    async def expire(self) -> int:
        """Delete the record of operations that is older than it is to be kept; return how many there were."""
        return 0 if self._kept is None else await self._store.forget_operations(self._clock() - self._kept)

    async def _is_of_others(self, operation_id: str, scope: Scope, caller: Caller) -> bool:
        """Say whether others did it.

        Raises:
            NotAllowed: they did, and the caller is no admin.
        """
        done = await self._store.operation(operation_id, scope)
        others = done is None or done.by != caller.name
        if others:
            caller.require(Access.ADMIN)
        return others

    def _asked(self, request: Undo, changed: Sequence[Changed]) -> _Asked:
        """Return what is to be taken back, without what else is known of the changes: they may be very many.

        Raises:
            MemoryNotFound: the operation did nothing to a memory that is asked for.
            CannotUndo: all of it was undone already.
        """
        chosen = _chosen(changed, request)
        if all(one.change.undone for one in chosen):
            raise CannotUndo(f"Operation {request.operation_id} was undone already")
        restore: dict[Handle, Entry | None] = {}
        compacted: dict[Handle, dict[Handle, _Before]] = {}
        for one in chosen:
            before = one.change.before
            restore.setdefault(one.handle, None if before is None else self._indexer.plain(before))
            if one.change.kind is OperationKind.COMPACT and before is not None:
                seen = _Before((one.handle, before.version), one.change.memory_id)
                compacted.setdefault(one.unit, {}).setdefault(one.handle, seen)
        return _Asked(restore, [list(unit.values()) for unit in compacted.values()])

    async def _keep_apart(self, compacted: Sequence[Sequence[_Before]], undone: Undone) -> None:
        """Remember of a compaction that what it did is not wanted: the next one would do it again."""
        kept = {one.memory_id for one in undone.kept}
        proposals = []
        for unit in compacted:
            if kept.isdisjoint(one.memory_id for one in unit):
                proposals += [self._dismissed(first.seen, second.seen) for first, second in combinations(unit, 2)]
        await self._store.suggest(proposals)

    def _dismissed(self, one: Seen, other: Seen) -> Proposal:
        return Proposal(
            id=self._new_id(),
            kind=SuggestionKind.MERGE,
            state=SuggestionState.DISMISSED,
            one=one,
            other=other,
            at=self._clock(),
            reason="It was done, and undone.",
        )

    async def _changed(self, operation_id: str, scope: Scope) -> Sequence[Changed]:
        changed = await self._store.changes(operation_id, scope)
        if not changed:
            raise OperationNotFound(operation_id)
        return changed


def _chosen(changed: Sequence[Changed], request: Undo) -> Sequence[Changed]:
    """Return the changes of the memories that were asked for, with those that belong to them."""
    if request.only is None:
        return changed
    named = {one.change.memory_id for one in changed}
    for memory_id in request.only:
        if memory_id not in named:
            raise MemoryNotFound(memory_id)
    units = {one.unit for one in changed if one.change.memory_id in request.only}
    return [one for one in changed if one.unit in units]


def _told(kept: Sequence[Kept]) -> str:
    said = "; ".join(f"{one.memory_id}: {one.reason}" for one in kept[:NAMED])
    return said if len(kept) <= NAMED else f"{said}; and {len(kept) - NAMED} more"
