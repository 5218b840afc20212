"""Accesses: counting them, finding memories by what they said then, and forgetting what nobody uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime

from mcp_memory.domain.filters import Where
from mcp_memory.domain.forgetting import Aged
from mcp_memory.domain.identity import normalised
from mcp_memory.domain.operations import Operation
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Handle, Holders
from mcp_memory.stores.ephemeral.memories import EphemeralMemories


class EphemeralAccesses(EphemeralMemories):
    """The part of the port ``MemoryStore`` that is about the use of memories."""

    def __init__(self) -> None:
        super().__init__()
        self._returned: dict[int, str] = {}

    async def touch(self, handles: Sequence[Handle], now: datetime, *, unless_since: datetime) -> None:
        for handle in {int(handle) for handle in handles} & self._entries.keys():
            entry = self._entries[handle]
            record = entry.record
            if not record.access_count or record.last_accessed < max(unless_since, record.updated_at):
                seen = {"last_accessed": now, "access_count": record.access_count + 1}
                self._entries[handle] = replace(entry, record=record.model_copy(update=seen))
            self._returned[handle] = normalised(record.text)

    async def held(self, hashes: Sequence[tuple[Scope, str]], texts: Sequence[tuple[Scope, str]] = ()) -> Holders:
        same = [self._holder(scope, memory_hash) for scope, memory_hash in hashes]
        return Holders(same, [self._saying(scope, normalised(text)) for scope, text in texts])

    def _saying(self, owner: Scope, text: str) -> list[tuple[Handle, MemoryRecord]]:
        return [
            (handle, entry.record)
            for handle, entry in sorted(self._entries.items(), key=lambda held: held[0])
            if (entry.record.namespace, entry.record.user_id) == (owner.namespace, owner.user_id)
            and self._returned.get(handle) == normalised(entry.record.text) == text
        ]

    async def aged(self, scope: Scope, after: Handle | None, limit: int) -> list[tuple[Handle, Aged]]:
        first = 0 if after is None else int(after)
        held = sorted((handle, entry) for handle, entry in self._matching(Where(scope)) if handle > first)
        return [(handle, _aged(entry.record)) for handle, entry in held[:limit]]

    async def forget(self, seen: Sequence[tuple[Handle, Aged]], operation: Operation) -> list[Handle]:
        there = [(handle, aged, self._entries.get(int(handle))) for handle, aged in seen]
        same = [handle for handle, aged, entry in there if entry is not None and _aged(entry.record) == aged]
        await self.remove(same, operation)
        return same


def _aged(record: MemoryRecord) -> Aged:
    return Aged(**{field.name: getattr(record, field.name) for field in fields(Aged)})
