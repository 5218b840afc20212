"""Taking in memories among others, each known by its name alone, as one operation that can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from mcp_memory.domain.operations import Operation
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.replies import Moved
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.archive import Act, Archived, TakenIn, Trace
from mcp_memory.ports.store import Store
from mcp_memory.services.entries import Indexer
from mcp_memory.services.store_pages import AT_ONCE

WhatWasDeleted: TypeAlias = Literal["stays_deleted", "comes_back"]


class ByName:
    """Takes in the memories whose names find nothing here; their history has no place."""

    def __init__(
        self,
        store: Store,
        indexer: Indexer,
        operation: Operation,
        what_was_deleted: WhatWasDeleted,
        *,
        dry_run: bool,
    ) -> None:
        self._store = store
        self._indexer = indexer
        self._operation = operation
        self._what_was_deleted = what_was_deleted
        self._dry_run = dry_run

    async def operations(self, acts: Sequence[Act]) -> Moved:
        """Leave operations behind."""
        return Moved(left=len(acts))

    async def changes(self, traces: Sequence[Trace]) -> Moved:
        """Leave behind what they did."""
        return Moved(left=len(traces))

    async def memories(self, memories: Sequence[Archived]) -> Moved:
        """Take in memories."""
        wanted = await self._wanted(memories)
        taken = len(wanted) if self._dry_run else await self._stored(wanted)
        return Moved(taken=taken, there=len(memories) - taken)

    async def _wanted(self, memories: Sequence[Archived]) -> list[Archived]:
        """Return the memories whose names find nothing here; and never found, if what was deleted is to stay so."""
        found: list[Archived] = []
        for owner in dict.fromkeys(_owner(one.record) for one in memories):
            theirs = {one.record.id: one for one in memories if _owner(one.record) == owner}
            if await self._known(list(theirs), owner):
                found += [one for name, one in theirs.items() if not await self._known([name], owner)]
            else:
                found += theirs.values()
        return found

    async def _known(self, ids: Sequence[str], owner: Scope) -> bool:
        if self._what_was_deleted == "comes_back":
            return any(_owner(record) == owner for _, record in await self._store.named(ids, owner))
        return any(_owner(known.record) == owner for known in await self._store.recorded(ids, owner))

    async def _stored(self, memories: Sequence[Archived]) -> int:
        count = 0
        for start in range(0, len(memories), AT_ONCE):
            part = memories[start : start + AT_ONCE]
            count += sum(await self._store.take_in(await self._entries(part), self._operation))
        return count

    async def _entries(self, memories: Sequence[Archived]) -> list[TakenIn]:
        """Return the entries; vectors that another model made are made anew."""
        present = self._indexer.generation
        lacking = [one.record for one in memories if one.vector is None or one.generation != present]
        made = iter(await self._indexer.entries(lacking))
        return [
            TakenIn(
                next(made)
                if one.vector is None or one.generation != present
                else replace(self._indexer.plain(one.record), vector=one.vector, generation=present),
                one.names,
            )
            for one in memories
        ]


def _owner(record: MemoryRecord) -> Scope:
    return Scope(record.namespace, record.user_id)
