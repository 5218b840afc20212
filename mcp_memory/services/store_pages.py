"""All that a store holds for people, page by page, as it moves to another place. Jobs are not among it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from mcp_memory.domain.filters import Where
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import OPEN
from mcp_memory.domain.views import SummaryView, group_key, where_of
from mcp_memory.ports.archive import Census, Name, Page, Suggested, Summed
from mcp_memory.ports.given import Clock
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.store import Store

AT_ONCE = 200
"""Records of a page."""
SESSIONS_AT_ONCE = 50


class StorePages:
    """The port ``Source`` over a store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def census(self) -> Census:
        _, sessions = await self._store.sessions(OPEN, self._clock(), limit=0)
        memories = await self._store.count(Where())
        numbers = await self._store.numbers()
        return Census(memories, sessions, others=numbers.operation + numbers.trace, numbers=numbers)

    async def pages(self) -> AsyncGenerator[Page, None]:
        parts = (history(self._store), self._memories(), self._suggestions(), self._sessions(), self._views())
        for part in (*parts, self._tokens()):
            async for page in part:
                yield page

    async def _memories(self) -> AsyncIterator[Page]:
        after: Handle | None = None
        while page := await self._store.archived(after, AT_ONCE):
            yield Page(memories=[one for _, one in page])
            after = page[-1][0]

    async def _suggestions(self) -> AsyncIterator[Page]:
        after = 0
        while page := await self._store.proposals(after, AT_ONCE):
            handles = [handle for _, one in page for handle in (one.one[0], one.other[0])]
            names = list(map(_name, await self._store.records(handles)))
            pairs = zip((one for _, one in page), names[::2], names[1::2], strict=True)
            yield Page(suggestions=[Suggested(*pair) for pair in pairs])
            after = page[-1][0]

    async def _sessions(self) -> AsyncIterator[Page]:
        offset = 0
        while found := (await self._store.sessions(OPEN, self._clock(), limit=SESSIONS_AT_ONCE, offset=offset))[0]:
            # They are listed without their messages; one may end meanwhile.
            whole = [await self._store.session(one.session_id, one.scope, self._clock()) for one in found]
            yield Page(sessions=[one for one in whole if one is not None])
            offset += len(found)

    async def _views(self) -> AsyncIterator[Page]:
        for view in reversed(await self._store.views(OPEN)):
            yield Page(views=[view])
            summaries = await self._summaries(view)
            for start in range(0, len(summaries), AT_ONCE):
                yield Page(summaries=summaries[start : start + AT_ONCE])

    async def _summaries(self, view: SummaryView) -> list[Summed]:
        results = await self._store.partitions(view.id, {})
        if not results:
            return []
        kept = await self._store.partition_states(view.id)
        now = await group_states(self._store, view, self._clock)
        return [
            Summed(one, _author(kept.get(key, ""), now.get(key))) for one in results for key in [group_key(one.group)]
        ]

    async def _tokens(self) -> AsyncIterator[Page]:
        tokens = await self._store.tokens(OPEN)
        for start in range(0, len(tokens), AT_ONCE):
            yield Page(tokens=tokens[start : start + AT_ONCE])


async def history(store: Store) -> AsyncIterator[Page]:
    """Yield all operations, then all that they did."""
    last = 0
    while acts := await store.acts(last, AT_ONCE):
        yield Page(operations=acts)
        last = acts[-1].number
    after: int | None = None
    while traces := await store.traces(after, AT_ONCE):
        yield Page(changes=traces)
        after = traces[-1].number


def _name(record: MemoryRecord | None) -> Name | None:
    return None if record is None else Name(record.namespace, record.user_id, record.id)


async def group_states(store: Store, view: SummaryView, clock: Clock) -> dict[str, str]:
    """Return what each group of a view is like, by its ``domain.views.group_key``."""
    groups = await store.groups(where_of(view, clock()), view.group_by)
    return {group_key(group.values): group.state for group in groups}


def _author(kept: str, now: str | None) -> str | None:
    """Return who wrote a summary, if its group is as it was then."""
    author, _, state = kept.rpartition(":")
    return author if author and state == now else None
