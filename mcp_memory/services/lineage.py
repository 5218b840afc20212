"""Taking over history: operations, what they did, and the memories under the numbers by which these name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import replace

from mcp_memory.domain.replies import Moved
from mcp_memory.errors import StoreBusy
from mcp_memory.ports.archive import Act, Archived, Numbers, Page, TakenIn, Trace
from mcp_memory.ports.store import Store
from mcp_memory.services.comparing import digests
from mcp_memory.services.entries import Indexer
from mcp_memory.services.fitting import Fit
from mcp_memory.services.store_pages import AT_ONCE, history

WRITTEN_MEANWHILE = "something else was stored while the history was to be taken over: run it again"


class Lineage:
    """Takes over what comes with numbers up to the last ones that the source had given at the beginning."""

    def __init__(self, store: Store, indexer: Indexer, last: Numbers, fit: Fit, *, dry_run: bool) -> None:
        self._store = store
        self._indexer = indexer
        self._last = last
        self._fit = fit
        self._operations: set[int] = set()
        self._held: set[bytes] | None = set() if dry_run else None

    async def begin(self) -> None:
        """Make room for what is to come; a dry run only looks at what is here.

        Raises:
            StoreBusy: something was stored here since it was seen that the history fits.
        """
        if self._held is None:
            if not await self._store.reserve(self._last, seen=self._fit.numbers):
                raise StoreBusy(WRITTEN_MEANWHILE)
            for start in range(0, len(self._fit.outdated), AT_ONCE):
                await self._store.move_out(self._fit.outdated[start : start + AT_ONCE])
        elif self._fit.numbers != Numbers():
            self._held |= {one async for page in history(self._store) for one in digests(page)}

    async def operations(self, acts: Sequence[Act]) -> Moved:
        """Record operations."""
        known = [act for act in acts if act.number <= self._last.operation]
        self._operations.update(act.number for act in known)
        return _moved(await self._recorded(Page(operations=known)), known, acts)

    async def changes(self, traces: Sequence[Trace]) -> Moved:
        """Record what operations did."""
        known = [one for one in traces if self._knows(one)]
        return _moved(await self._recorded(Page(changes=known)), known, traces)

    def _knows(self, one: Trace) -> bool:
        last = self._last
        return one.number <= last.trace and one.handle <= last.handle and one.operation in self._operations

    async def _recorded(self, page: Page) -> int:
        """Record what is not recorded yet; return how much that is."""
        if self._held is None:
            return await self._store.take_in_history(page.operations, await self._with_vectors(page.changes))
        return sum(digest not in self._held for digest in digests(page))

    async def _with_vectors(self, traces: Sequence[Trace]) -> list[Trace]:
        """Return the traces with vectors made anew where they are to have some and bring none."""
        lacking = [one.before for one in traces if one.with_vector and one.vector is None and one.before is not None]
        made = iter(await self._indexer.entries(lacking))
        found = []
        for one in traces:
            if one.with_vector and one.vector is None and one.before is not None:
                entry = next(made)
                found.append(replace(one, vector=entry.vector, generation=entry.generation))
            else:
                found.append(one)
        return found

    async def memories(self, memories: Sequence[Archived]) -> Moved:
        """Store memories under their numbers, with the vectors that they bring."""
        numbered = {one.handle: one for one in memories if one.handle is not None and one.handle <= self._last.handle}
        if self._held is None:
            taken = sum(await self._store.move_in(await self._entries(numbered)))
        else:
            there = zip(numbered, await self._store.records(list(numbered)), strict=True)
            outdated = {handle for handle, _ in self._fit.outdated}
            taken = sum(record is None or handle in outdated for handle, record in there)
        return _moved(taken, numbered, memories)

    async def _entries(self, numbered: Mapping[int, Archived]) -> list[tuple[int, TakenIn]]:
        made = iter(await self._indexer.entries([one.record for one in numbered.values() if one.vector is None]))
        found = []
        for handle, one in numbered.items():
            entry = next(made) if one.vector is None else self._indexer.plain(one.record)
            if one.vector is not None:
                entry = replace(entry, vector=one.vector, generation=one.generation)
            found.append((handle, TakenIn(entry, one.names)))
        return found


def _moved(taken: int, known: Sized, given: Sized) -> Moved:
    """Return what became of records; what the source did not know when its numbers were read is left for later."""
    return Moved(taken=taken, there=len(known) - taken, left=len(given) - len(known))
