"""The file as a place to move memories from and to, with all that was done to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from mcp_memory.domain.operations import Operation
from mcp_memory.ports.archive import Act, Archived, Numbers, TakenIn, Trace
from mcp_memory.ports.memories import Handle, Seen
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.stores.sqlite import archive, lineage
from mcp_memory.stores.sqlite.pool import Connections
from mcp_memory.stores.sqlite.prepared import Prepared, prepared
from mcp_memory.stores.sqlite.recording import Recorder


class SqliteArchive(ABC):
    """The port ``ArchiveStore``."""

    @abstractmethod
    def _opened(self) -> Connections:
        """Return the connections of the file that is open."""

    async def archived(self, after: Handle | None, limit: int) -> list[tuple[Handle, Archived]]:
        first = 0 if after is None else int(after)
        return await self._opened().read(lambda connection: archive.archived(connection, first, limit))

    async def take_in(self, memories: Sequence[TakenIn], operation: Operation) -> list[bool]:
        return await self._opened().write_prepared(
            lambda: [*zip(memories, _prepared(memories), strict=True)],
            lambda connection, ready: archive.take_in(Recorder(connection, operation), ready),
        )

    async def numbers(self) -> Numbers:
        return await self._opened().read(lineage.numbers)

    async def reserve(self, numbers: Numbers, *, seen: Numbers) -> bool:
        return await self._opened().write(lambda connection: lineage.reserve(connection, numbers, seen))

    async def acts(self, after: int, limit: int) -> list[Act]:
        return await self._opened().read(lambda connection: lineage.acts(connection, after, limit))

    async def traces(self, after: int | None, limit: int) -> list[Trace]:
        return await self._opened().read(lambda connection: lineage.traces(connection, after, limit))

    async def proposals(self, after: int, limit: int) -> list[tuple[int, Proposal]]:
        return await self._opened().read(lambda connection: lineage.proposals(connection, after, limit))

    async def take_in_history(self, acts: Sequence[Act], traces: Sequence[Trace]) -> int:
        return await self._opened().write(lambda connection: lineage.take_in_history(connection, acts, traces))

    async def move_in(self, memories: Sequence[tuple[int, TakenIn]]) -> list[bool]:
        def prepare() -> list[tuple[int, TakenIn, Prepared]]:
            ready = _prepared([one for _, one in memories])
            return [(handle, one, made) for (handle, one), made in zip(memories, ready, strict=True)]

        return await self._opened().write_prepared(prepare, archive.move_in)

    async def move_out(self, seen: Sequence[Seen]) -> None:
        await self._opened().write(lambda connection: archive.move_out(connection, seen))


def _prepared(memories: Sequence[TakenIn]) -> list[Prepared]:
    return prepared([one.entry for one in memories])
