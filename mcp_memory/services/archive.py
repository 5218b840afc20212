"""Moving records: from another program, another store or a file into this one, and out of it.

Nothing is changed where they come from, and nothing that is here already is overwritten.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Literal, TypeAlias

from mcp_memory.domain import windows
from mcp_memory.domain.filters import Where
from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.records import MemoryRecord, Session
from mcp_memory.domain.replies import Imported
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.errors import VersionConflict
from mcp_memory.ports.archive import Archived, Census, Page, Source, TakenIn
from mcp_memory.ports.given import Clock, NewId, Progress
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.store import Store
from mcp_memory.services.entries import Indexer

NAMED = 100
"""Records that could not be read and are named."""
AT_ONCE = 200
"""Memories in one transaction."""
SESSIONS_AT_ONCE = 50

WhatWasDeleted: TypeAlias = Literal["stays_deleted", "comes_back"]


class Archive:
    """Takes records in, and hands them out. What was ended in the middle goes on when it is begun again."""

    def __init__(self, store: Store, indexer: Indexer, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._indexer = indexer
        self._clock = clock
        self._new_id = new_id

    async def take_in(
        self,
        source: Source,
        *,
        dry_run: bool = False,
        what_was_deleted: WhatWasDeleted = "comes_back",
        progress: Progress | None = None,
    ) -> Imported:
        """Take in all that is not here yet, as one operation that can be undone; a dry run only counts it.

        Args:
            source: where the records are.
            dry_run: only say what would be done.
            what_was_deleted: what becomes of memories that were here, and of whose deletion there is a record.
            progress: told how many records were seen.

        Raises:
            StoreError: it, or the source, failed; what was taken in until then stays.
        """
        census = await source.census()
        operation = Operation(id=self._new_id(), kind=OperationKind.IMPORT, at=self._clock())
        run = _Run(census, operation, dry_run, what_was_deleted, _Told(census, progress, "importing"))
        async for page in source.pages():
            await self._take(page, run)
        return run.outcome()

    async def _take(self, page: Page, run: _Run) -> None:
        wanted = await self._wanted(page.memories, run)
        begun = [session for session in page.sessions if await self._is_new(session)]
        stored = len(wanted)
        if not run.dry_run:
            stored = await self._stored(wanted, run.operation)
            begun = [session for session in begun if await self._begun(session)]
        run.memories += stored
        run.sessions += len(begun)
        run.there += len(page.memories) + len(page.sessions) - stored - len(begun)
        run.unreadable += page.unreadable
        await run.told.tell(page.size)

    async def _wanted(self, memories: Sequence[Archived], run: _Run) -> list[Archived]:
        """Return the memories whose names find nothing here; and never found, if what was deleted is to stay so."""
        found: list[Archived] = []
        for owner in dict.fromkeys(_owner(one.record) for one in memories):
            theirs = {one.record.id: one for one in memories if _owner(one.record) == owner}
            if await self._known(list(theirs), owner, run):
                found += [one for name, one in theirs.items() if not await self._known([name], owner, run)]
            else:
                found += theirs.values()
        return found

    async def _known(self, ids: Sequence[str], owner: Scope, run: _Run) -> bool:
        if run.what_was_deleted == "comes_back":
            return any(_owner(record) == owner for _, record in await self._store.named(ids, owner))
        return any(_owner(known.record) == owner for known in await self._store.recorded(ids, owner))

    async def _stored(self, memories: Sequence[Archived], operation: Operation) -> int:
        count = 0
        for start in range(0, len(memories), AT_ONCE):
            part = memories[start : start + AT_ONCE]
            count += sum(await self._store.take_in(await self._entries(part), operation))
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

    async def _is_new(self, session: Session) -> bool:
        there = await self._store.session(session.session_id, session.scope, self._clock())
        return there is None or there.scope != session.scope

    async def _begun(self, session: Session) -> bool:
        tokens = sum(map(windows.message_tokens, session.messages))
        whole = session.model_copy(update={"tokens": tokens})
        try:
            await self._store.put_session(whole, expected_version=0, now=self._clock())
        except VersionConflict:
            # Somebody began it meanwhile; theirs is newer.
            return False
        return True

    async def census(self) -> Census:
        """Return how much there is here; with ``pages`` this is a source for another place."""
        _, sessions = await self._store.sessions(OPEN, self._clock(), limit=0)
        return Census(await self._store.count(Where()), sessions)

    async def pages(self) -> AsyncIterator[Page]:
        """Yield all that is here: memories in the order of storing, then sessions."""
        after: Handle | None = None
        while page := await self._store.archived(after, AT_ONCE):
            yield Page(memories=[one for _, one in page])
            after = page[-1][0]
        offset = 0
        while found := (await self._store.sessions(OPEN, self._clock(), limit=SESSIONS_AT_ONCE, offset=offset))[0]:
            # They are listed without their messages; one may end meanwhile.
            whole = [await self._store.session(one.session_id, one.scope, self._clock()) for one in found]
            yield Page(sessions=[one for one in whole if one is not None])
            offset += len(found)

    async def holds(self, source: Source, progress: Progress | None = None) -> Compared:
        """Compare all records of the source with those here, by hash; more may be here."""
        census = await source.census()
        wanted = await _digests(source, _Told(census, progress, "reading what was copied"))
        held = await _digests(self, _Told(await self.census(), progress, "reading the copy"))
        return Compared(len(wanted), len(wanted - held))


@dataclass(frozen=True, slots=True)
class Compared:
    """How many records of a source were compared, and how many of them are not here just so."""

    records: int
    missing: int


@dataclass(slots=True)
class _Told:
    """How far a reading is."""

    census: Census
    progress: Progress | None
    what: str
    seen: int = 0

    async def tell(self, more: int) -> None:
        """Say how far it is."""
        self.seen += more
        if self.progress is not None:
            total = self.census.memories + self.census.sessions
            await self.progress(self.seen, max(total, self.seen), self.what)


async def _digests(source: Source, told: _Told) -> set[bytes]:
    found: set[bytes] = set()
    async for page in source.pages():
        found.update(_digest(one.record, sorted(map(str, one.names))) for one in page.memories)
        found.update(_digest(session, ()) for session in page.sessions)
        await told.tell(page.size)
    return found


_MOVING: Mapping[type, set[str]] = {
    MemoryRecord: {"last_accessed", "access_count"},
    Session: {"version", "updated_at", "last_accessed", "tokens"},
}
"""What changes by use, or is given anew where a session is put; all else is compared."""


def _digest(record: MemoryRecord | Session, names: Sequence[str]) -> bytes:
    whole = "\x1f".join([record.model_dump_json(exclude=_MOVING[type(record)]), *names])
    return blake2b(whole.encode(), digest_size=12).digest()


def _owner(record: MemoryRecord) -> Scope:
    return Scope(record.namespace, record.user_id)


@dataclass(slots=True)
class _Run:
    """What was taken in so far."""

    census: Census
    operation: Operation
    dry_run: bool
    what_was_deleted: WhatWasDeleted
    told: _Told
    memories: int = 0
    sessions: int = 0
    there: int = 0
    unreadable: list[str] = field(default_factory=list)

    def outcome(self) -> Imported:
        """Return what became of it."""
        return Imported(
            memories=self.memories,
            sessions=self.sessions,
            there=self.there,
            tokens=self.census.tokens,
            unreadable=len(self.unreadable),
            named=self.unreadable[:NAMED],
            operation=self.operation.id if self.memories and not self.dry_run else None,
            dry_run=self.dry_run,
        )
