"""Memories of a dictionary, whole, on their way from or to another place."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_memory.domain.operations import Operation
from mcp_memory.ports.archive import Archived, Name, TakenIn
from mcp_memory.ports.memories import Handle
from mcp_memory.stores.ephemeral.history import EphemeralHistory


class EphemeralArchive(EphemeralHistory):
    """The port ``ArchiveStore``."""

    async def archived(self, after: Handle | None, limit: int) -> list[tuple[Handle, Archived]]:
        first = 0 if after is None else int(after)
        handles = [handle for handle in sorted(self._entries) if handle > first][:limit]
        return [(handle, self._archived(handle)) for handle in handles]

    def _archived(self, handle: int) -> Archived:
        entry = self._entries[handle]
        names = tuple(Name(*name) for name, found in self._aliases.items() if found == handle)
        return Archived(entry.record, names, entry.vector, entry.generation)

    async def take_in(self, memories: Sequence[TakenIn], operation: Operation) -> list[bool]:
        return [self._taken_in(one, operation) for one in memories]

    def _taken_in(self, one: TakenIn, operation: Operation) -> bool:
        record = one.entry.record
        if self._finds(Name(record.namespace, record.user_id, record.id)):
            return False
        self._last += 1
        with self._recorded(operation, self._last, self._last):
            self._store(self._last, one.entry)
            self._aliases.update((name, self._last) for name in one.names if not self._finds(name))
        return True

    def _finds(self, name: Name) -> bool:
        return name in self._named or name in self._aliases
