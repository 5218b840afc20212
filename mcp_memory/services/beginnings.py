"""Finding ids by what they begin with, for people who type them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Protocol, TypeAlias

from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.store import Store

LEAST = 8
"""Characters of a beginning at least: what names one record by fewer may soon name several."""
_MEMORIES_AT_ONCE = 1_000
_AT_ONCE = 100


class _Named(Protocol):
    @property
    def id(self) -> str: ...


_Page: TypeAlias = Callable[[int], Awaitable[tuple[Iterable[_Named], int]]]
"""Returns the records from an offset on, and how many there are."""


class Beginnings:
    """Says which ids begin so, each once and sorted: owners may use one id. Too short a beginning finds none."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def memories(self, beginning: str, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> list[str]:
        """Return the ids of memories that begin so."""
        return await _chosen(beginning, self._memories(caller.scope(scope)))

    async def operations(self, beginning: str, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> list[str]:
        """Return the ids of operations that begin so."""
        within = caller.scope(scope)
        listed = _listed(lambda offset: self._store.operations(within, limit=_AT_ONCE, offset=offset))
        return await _chosen(beginning, listed)

    async def jobs(self, beginning: str, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> list[str]:
        """Return the ids of jobs that begin so."""
        within = caller.scope(scope)
        listed = _listed(lambda offset: self._store.jobs(within, limit=_AT_ONCE, offset=offset))
        return await _chosen(beginning, listed)

    async def _memories(self, scope: Scope) -> AsyncIterator[str]:
        after: Handle | None = None
        while page := await self._store.aged(scope, after, _MEMORIES_AT_ONCE):
            for _, one in page:
                yield one.id
            after = page[-1][0]


async def _listed(page: _Page) -> AsyncIterator[str]:
    offset, total = 0, 1
    while offset < total:
        found, total = await page(offset)
        for one in found:
            yield one.id
        offset += _AT_ONCE


async def _chosen(beginning: str, ids: AsyncIterator[str]) -> list[str]:
    return [] if len(beginning) < LEAST else sorted({one async for one in ids if one.startswith(beginning)})
