"""What was done to memories, and taking it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import combinations
from typing import NamedTuple

from mcp_memory.domain.access import LOCAL, Access, Caller
from mcp_memory.domain.operations import Kept, Operation, OperationKind
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.replies import History, OperationList, OperationReply, UndoReply
from mcp_memory.domain.requests import ListOperations, ShowOperation, Undo
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.domain.suggestions import SuggestionKind, SuggestionState
from mcp_memory.errors import CannotUndo, MemoryNotFound, OperationNotFound
from mcp_memory.ports.given import Clock, NewId, Progress
from mcp_memory.ports.history import Changed, Restore, Undone
from mcp_memory.ports.memories import Entry, Handle, Seen
from mcp_memory.ports.store import Store
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.services.audit import note
from mcp_memory.services.entries import Indexer
from mcp_memory.services.taking_back import asked_for, pieces
from mcp_memory.services.turns import in_turn

NAMED = 5
"""Memories that are named in a refusal."""


_SUGGESTED_AT_ONCE = 32
"""Suggestions kept in one transaction: whoever writes meanwhile waits for no more."""
_SHARE = 0.5
"""How long others have the store after each piece, as a share of its time: somebody waits for the undo."""
_ALL_PAIRS = 32
"""Memories of a merge of which every two are kept apart; of more, each from the one that took them in."""


class _Work(NamedTuple):
    """An undo on its way."""

    operation_id: str
    scope: Scope
    pieces: Sequence[Sequence[Handle]]
    operation: Operation
    """What it is recorded as."""
    caller: Caller
    others: bool
    """It takes back what others did."""


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

    async def show(self, request: ShowOperation, *, caller: Caller = LOCAL) -> OperationReply:
        """Return one operation, with a page of what it did to the memories of the scope.

        Raises:
            OperationNotFound: it changed nothing in this scope.
        """
        scope = caller.scope(request.scope)
        operation = await self._store.operation(request.operation_id, scope)
        within = [one for one in await self._store.touched(request.operation_id, scope) if one.within]
        if operation is None or not within:
            raise OperationNotFound(request.operation_id)
        page = {(one.handle, one.number) for one in within[request.offset : request.offset + request.limit]}
        found = await self._store.changes(request.operation_id, scope, {handle for handle, _ in page})
        changes = [one.change for one in found if (one.handle, one.number) in page]
        return OperationReply(**dict(operation), changes=changes, total=len(within))

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

    async def undo(self, request: Undo, *, caller: Caller = LOCAL, progress: Progress | None = None) -> UndoReply:
        """Bring memories back to what they were before an operation; that is an operation too, and can be undone.

        Memories that were changed since are left as they are, and named. It is done in pieces; what was ended in the
        middle is finished by undoing the same operation again.

        Raises:
            OperationNotFound: it changed nothing in this scope.
            CannotUndo: nothing can be brought back.
            NotAllowed: somebody else did it, and the caller is no admin.
        """
        scope = caller.scope(request.scope)
        touched = await self._store.touched(request.operation_id, scope)
        if not any(one.within for one in touched):
            raise OperationNotFound(request.operation_id)
        together = asked_for(request, touched)
        others = await self._is_of_others(request.operation_id, scope, caller)
        operation = Operation(
            id=self._new_id(), kind=OperationKind.UNDO, at=self._clock(), by=caller.name, undoes=request.operation_id
        )
        work = _Work(request.operation_id, scope, list(pieces(together)), operation, caller, others)
        undone = await self._in_pieces(work, progress)
        if not undone.restored:
            raise _nothing_undone(request.operation_id, undone.kept)
        return UndoReply(
            status=f"ok, {undone.restored} memories are as they were before",
            operation=operation.id,
            restored=undone.restored,
            kept=list(undone.kept),
        )

    async def _in_pieces(self, work: _Work, progress: Progress | None) -> Undone:
        restored, done, total = 0, 0, sum(map(len, work.pieces))
        kept: list[Kept] = []
        for handles in work.pieces:
            undone = await self._taken_back(work, handles)
            if work.others and undone.restored and not restored:
                # Not at the end: it may be ended in the middle.
                done_by_others = f"operation {work.operation_id} of others undone: {work.operation.id}"
                note(work.caller, done_by_others, work.scope)
            restored += undone.restored
            kept += undone.kept
            done += len(handles)
            if progress is not None:
                await progress(done, total, "taking back")
        return Undone(restored, tuple(kept))

    async def _taken_back(self, work: _Work, handles: Sequence[Handle]) -> Undone:
        """Take one piece back, and then leave the store to others, if more of them follow."""
        changed = await self._store.changes(work.operation_id, work.scope, handles)
        entries = {(one.handle, one.number): self._entry(one.change.before) for one in changed}
        # Before it is undone: what was ended between the two would be done again by the next compaction. Of what is not
        # undone it says nothing, since no memory has these versions then.
        await self._keep_apart(changed)
        restore = Restore(entries, set(handles).difference(one.handle for one in changed))
        undo = self._store.undo(work.operation_id, restore, work.operation)
        return await (undo if handles is work.pieces[-1] else in_turn(undo, _SHARE))

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

    def _entry(self, before: MemoryRecord | None) -> Entry | None:
        return None if before is None else self._indexer.plain(before)

    async def _keep_apart(self, changed: Sequence[Changed]) -> None:
        """Remember of a compaction that what it did is not wanted: the next one would do it again."""
        found: dict[Handle, Seen] = {}
        compacted: dict[Handle, dict[Handle, Seen]] = {}
        for one in changed:
            before = one.change.before
            if one.change.kind is OperationKind.COMPACT and before is not None:
                first = found.setdefault(one.handle, (one.handle, before.version))
                compacted.setdefault(one.unit, {})[one.handle] = first
        pairs = [pair for unit, among in compacted.items() for pair in _apart(unit, among)]
        for start in range(0, len(pairs), _SUGGESTED_AT_ONCE):
            part = pairs[start : start + _SUGGESTED_AT_ONCE]
            await in_turn(self._store.suggest([self._dismissed(one, other) for one, other in part]), _SHARE)

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


def _apart(unit: Handle, among: Mapping[Handle, Seen]) -> Iterable[tuple[Seen, Seen]]:
    """Return which memories of a merge the next compaction is to keep apart."""
    if len(among) <= _ALL_PAIRS:
        return combinations(among.values(), 2)
    first = among.get(unit) or next(iter(among.values()))
    return ((first, other) for other in among.values() if other != first)


def _nothing_undone(operation_id: str, kept: Sequence[Kept]) -> CannotUndo:
    if not kept:
        # Somebody else took it back at the same time.
        return CannotUndo(f"Operation {operation_id} was undone already")
    return CannotUndo(f"Nothing was undone: {_told(kept)}")


def _told(kept: Sequence[Kept]) -> str:
    said = "; ".join(f"{one.memory_id}: {one.reason}" for one in kept[:NAMED])
    return said if len(kept) <= NAMED else f"{said}; and {len(kept) - NAMED} more"
