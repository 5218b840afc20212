"""Moving records: from another program, another store or a file into this one, and out of it.

Nothing is changed where they come from, and nothing that is here already is overwritten, but for what came from there
itself and has changed there since.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.replies import HistoryMoved, Imported, Moved
from mcp_memory.ports.archive import HISTORY, KINDS, Census, Page, Source
from mcp_memory.ports.given import Clock, NewId, Progress
from mcp_memory.ports.store import Store
from mcp_memory.services.besides import Besides
from mcp_memory.services.by_name import ByName, WhatWasDeleted
from mcp_memory.services.comparing import ALONE, BY_THEMSELVES, Compared, Told, compare
from mcp_memory.services.entries import Indexer
from mcp_memory.services.fitting import fit_of
from mcp_memory.services.lineage import Lineage
from mcp_memory.services.store_pages import StorePages

NAMED = 100
"""Records that could not be read and are named."""

Taker: TypeAlias = Callable[[Sequence[Any]], Awaitable[Moved]]
"""Takes in records of one kind."""


class Archive:
    """Takes records in, and hands them out. What was ended in the middle goes on when it is begun again."""

    def __init__(self, store: Store, indexer: Indexer, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._indexer = indexer
        self._clock = clock
        self._new_id = new_id
        self._pages = StorePages(store, clock)

    async def take_in(
        self,
        source: Source,
        *,
        dry_run: bool = False,
        what_was_deleted: WhatWasDeleted = "comes_back",
        progress: Progress | None = None,
    ) -> Imported:
        """Take in all that is not here yet; a dry run only counts it.

        Where all that is here came from this source, or nothing is here, memories come with their history. Otherwise
        that is left behind, and the memories are stored by one operation that can be undone.

        Args:
            source: where the records are.
            dry_run: only say what would be done.
            what_was_deleted: what becomes of memories that were here, and of whose deletion there is a record.
            progress: told how many records were seen.

        Raises:
            StoreError: it, or the source, failed; what was taken in until then stays.
        """
        census = await source.census()
        fit = None if census.numbers is None else await fit_of(self._store, source)
        operation = Operation(id=self._new_id(), kind=OperationKind.IMPORT, at=self._clock())
        memories: Lineage | ByName
        if census.numbers is None or fit is None:
            memories = ByName(self._store, self._indexer, operation, what_was_deleted, dry_run=dry_run)
        else:
            memories = Lineage(self._store, self._indexer, census.numbers, fit, dry_run=dry_run)
            await memories.begin()
        besides = Besides(self._store, self._clock, whole=fit is not None, dry_run=dry_run)
        run = _Run({kind: _taker(kind, memories, besides) for kind in KINDS}, Told(census, progress, "importing"))
        async for page in source.pages():
            await run.take(page)
        await run.told.end()
        stored = fit is None and not dry_run and run.moved["memories"].taken
        return Imported(
            kinds={kind: moved for kind, moved in run.moved.items() if moved != Moved()},
            history="none" if census.numbers is None else "left" if fit is None else "whole",
            tokens=census.tokens,
            unreadable=len(run.unreadable),
            named=run.unreadable[:NAMED],
            operation=operation.id if stored else None,
            dry_run=dry_run,
        )

    async def census(self) -> Census:
        """Return how much there is here; with ``pages`` this is a source for another place."""
        return await self._pages.census()

    def pages(self) -> AsyncGenerator[Page, None]:
        """Yield all that is here."""
        return self._pages.pages()

    async def holds(self, source: Source, history: HistoryMoved, progress: Progress | None = None) -> Compared:
        """Compare all records of the source with those here, by hash.

        What names memories by their numbers is compared where these came whole, with their history; nothing more of it
        may be here. Of all else there may.
        """
        compared = await compare(source, self, KINDS if history == "whole" else BY_THEMSELVES, progress)
        alone = ALONE if history == "whole" else ()
        return replace(compared, surplus={kind: compared.surplus[kind] for kind in alone})


def _taker(kind: str, memories: Lineage | ByName, besides: Besides) -> Taker:
    taker: Taker = getattr(memories if kind in {*HISTORY, "memories"} else besides, kind)
    return taker


@dataclass(slots=True)
class _Run:
    """What was taken in so far."""

    takers: Mapping[str, Taker]
    told: Told
    moved: dict[str, Moved] = field(default_factory=lambda: dict.fromkeys(KINDS, Moved()))
    unreadable: list[str] = field(default_factory=list)

    async def take(self, page: Page) -> None:
        """Take a page in."""
        for kind, taker in self.takers.items():
            records = getattr(page, kind)
            if records:
                self.moved[kind] += await taker(records)
        self.unreadable += page.unreadable
        await self.told.tell(page.size)
