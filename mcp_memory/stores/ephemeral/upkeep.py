"""Care of all memories: walking over them, deriving anew what finds them, counting them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from mcp_memory.domain.english import stem
from mcp_memory.domain.filters import Where
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Entry, Handle, StoreStats
from mcp_memory.ports.models import Generation
from mcp_memory.stores.ephemeral.memories import EphemeralMemories


class EphemeralUpkeep(EphemeralMemories):
    """The rest of the port ``MemoryStore``."""

    async def scan(self, after: Handle | None, limit: int) -> list[tuple[Handle, MemoryRecord]]:
        first = 0 if after is None else int(after)
        handles = [handle for handle in sorted(self._entries) if handle > first][:limit]
        return [(handle, self._entries[handle].record) for handle in handles]

    async def reindex(self, entries: Sequence[tuple[Handle, Entry]]) -> None:
        for handle, entry in entries:
            there = self._entries.get(int(handle))
            if there is not None and there.record.version == entry.record.version:
                self._entries[int(handle)] = replace(entry, record=there.record)
                self._stems[int(handle)] = Counter(map(stem, entry.terms.split()))

    async def outdated(
        self, generation: Generation, after: Handle | None, limit: int
    ) -> list[tuple[Handle, MemoryRecord]]:
        first = 0 if after is None else int(after)
        found = sorted(handle for handle in self._outdated(generation) if handle > first)[:limit]
        return [(handle, self._entries[handle].record) for handle in found]

    async def count_outdated(self, generation: Generation) -> int:
        return len(self._outdated(generation))

    def _outdated(self, generation: Generation | None) -> list[int]:
        return [handle for handle, entry in self._entries.items() if _without_vector(entry, generation)]

    async def stats(self, scope: Scope, generation: Generation | None) -> StoreStats:
        entries = [entry for _, entry in self._matching(Where(scope))]
        return StoreStats(
            memories=len(entries),
            sessions=0,
            by_namespace=dict(Counter(entry.record.namespace or "" for entry in entries)),
            by_type=dict(Counter(str(entry.record.memory_type) for entry in entries)),
            without_vector=sum(_without_vector(entry, generation) for entry in entries),
            location="ephemeral://",
            bytes=0,
            schema_version=0,
        )


def _without_vector(entry: Entry, generation: Generation | None) -> bool:
    """Say whether the memory has no vector of the generation; of any, where none is given."""
    return entry.vector is None or generation not in {None, entry.generation}
