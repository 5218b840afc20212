"""Whether the history of another place fits here: nothing may be here but what came from there.

A store that is new fits, and one into which a copy was begun, however the source went on since.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.ports.archive import Archived, Numbers, Source
from mcp_memory.ports.memories import Seen
from mcp_memory.ports.store import Store
from mcp_memory.services.comparing import MOVING, hashed
from mcp_memory.services.store_pages import AT_ONCE


@dataclass(frozen=True, slots=True)
class Fit:
    """What was seen of a store into which the history fits."""

    numbers: Numbers
    """The last numbers that were given in it."""
    outdated: tuple[Seen, ...] = ()
    """Memories that came from the source and have changed or gone there since."""


async def fit_of(store: Store, source: Source) -> Fit | None:
    """Return what is to be known of the store, if the source's history fits into it."""
    numbers = await store.numbers()
    if numbers == Numbers():
        return Fit(numbers)
    theirs = await _acts(source)
    after = 0
    while acts := await store.acts(after, AT_ONCE):
        if any(theirs.get(act.number) != act.operation.id for act in acts):
            return None
        after = acts[-1].number
    otherwise = await _otherwise(store, source)
    known = await _were_so(source, otherwise)
    if otherwise.keys() - known:
        return None
    return Fit(numbers, tuple((handle, record.version) for handle, record in otherwise.items()))


async def _acts(source: Source) -> dict[int, str]:
    """Return the operations of the source by their numbers; they come before all else."""
    found: dict[int, str] = {}
    async with aclosing(source.pages()) as pages:
        async for page in pages:
            if not page.operations:
                break
            found |= {act.number: act.operation.id for act in page.operations}
    return found


async def _otherwise(store: Store, source: Source) -> dict[int, MemoryRecord]:
    """Return the memories here that are not in the source just so, by their numbers."""
    found: dict[int, MemoryRecord] = {}
    after = 0
    async for page in source.pages():
        theirs = {one.handle: hashed("memories", one) for one in page.memories if one.handle is not None}
        if theirs:
            last = max(theirs)
            found |= {
                handle: one.record
                async for handle, one in _held(store, after, last)
                if theirs.get(handle) != hashed("memories", one)
            }
            after = last
    return found | {handle: one.record async for handle, one in _held(store, after, None)}


async def _held(store: Store, after: int, last: int | None) -> AsyncIterator[tuple[int, Archived]]:
    """Yield the memories here, beginning after a number, up to the last one."""
    while page := await store.archived(after, AT_ONCE):
        for handle, one in page:
            after = int(handle)
            if last is not None and after > last:
                return
            yield after, one


async def _were_so(source: Source, memories: dict[int, MemoryRecord]) -> set[int]:
    """Return those of the memories that were just so in the source at some time."""
    if not memories:
        return set()
    wanted = {handle: _told(record) for handle, record in memories.items()}
    changes = [one async for page in source.pages() for one in page.changes if one.handle in wanted]
    return {one.handle for one in changes if one.before is not None and _told(one.before) == wanted[one.handle]}


def _told(record: MemoryRecord) -> str:
    return record.model_dump_json(exclude=MOVING[MemoryRecord])
