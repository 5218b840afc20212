"""The store port over one SQLite file: every verb is one transaction in a thread. The SQL is in the modules beside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

import apsw

from mcp_memory.domain.filters import Where
from mcp_memory.domain.forgetting import Aged
from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.operations import Change, Operation
from mcp_memory.domain.records import MemoryRecord, Session
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import Suggestion, SuggestionState
from mcp_memory.domain.tokens import Token
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult
from mcp_memory.errors import StoreUnavailable
from mcp_memory.ports.given import Clock
from mcp_memory.ports.history import Changed, Restore, Touched, Undone
from mcp_memory.ports.jobs import JobRule
from mcp_memory.ports.memories import (
    Added,
    Candidates,
    Entry,
    Handle,
    Holders,
    Known,
    Merge,
    NearPair,
    Probe,
    Seen,
    StoreStats,
)
from mcp_memory.ports.models import Generation
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.ports.views import Group, Partition, Step
from mcp_memory.stores.sqlite import (
    accesses,
    filters,
    forgetting,
    history,
    jobs,
    opening,
    pairs,
    purging,
    reading,
    search,
    sessions,
    suggestions,
    tokens,
    undoing,
    upkeep,
    views,
    writing,
)
from mcp_memory.stores.sqlite.archiving import SqliteArchive
from mcp_memory.stores.sqlite.connection import Settings
from mcp_memory.stores.sqlite.failures import translated
from mcp_memory.stores.sqlite.index import Index
from mcp_memory.stores.sqlite.place import refuse_shared
from mcp_memory.stores.sqlite.pool import Connections
from mcp_memory.stores.sqlite.prepared import Prepared, prepared
from mcp_memory.stores.sqlite.recording import Recorder

T = TypeVar("T")


class SqliteStore(SqliteArchive):
    """Keeps memories, sessions and jobs in one file that many processes may use at once."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        synchronous: Literal["normal", "full"] = "normal",
        allow_shared_folder: bool = False,
        busy_seconds: float = 10.0,
        read_only: bool = False,
    ) -> None:
        self._settings = Settings(path, synchronous, busy_seconds, read_only)
        self._clock = clock
        self._allow_shared_folder = allow_shared_folder
        self._connections: Connections | None = None
        self._index = Index()

    async def open(self) -> None:
        if self._connections is None:
            if not self._allow_shared_folder:
                refuse_shared(self._settings.path)
            self._connections = await opening.opened(self._settings, self._clock)
            self._index = Index()

    async def close(self) -> None:
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.close()

    async def _read(self, act: Callable[[apsw.Connection], T]) -> T:
        return await self._opened().read(act)

    async def _write(self, act: Callable[[apsw.Connection], T]) -> T:
        return await self._opened().write(act)

    def _opened(self) -> Connections:
        if self._connections is None:
            raise StoreUnavailable(f"{self._settings.path} is not open")
        return self._connections

    async def add(
        self,
        entries: Sequence[Entry],
        operation: Operation,
        *,
        duplicates: Literal["keep_first", "keep_both"] = "keep_first",
    ) -> list[Added]:
        return await self._opened().write_prepared(
            lambda: prepared(entries), lambda c, ready: writing.add(Recorder(c, operation), ready, duplicates)
        )

    async def held(self, hashes: Sequence[tuple[Scope, str]], texts: Sequence[tuple[Scope, str]] = ()) -> Holders:
        def act(connection: apsw.Connection) -> Holders:
            same = reading.holders(connection, hashes)
            return Holders(same, [[*held] for held in accesses.returned(connection, texts)])

        return await self._read(act)

    async def named(self, ids: Sequence[str], scope: Scope) -> list[tuple[Handle, MemoryRecord]]:
        return [*await self._read(lambda connection: reading.named(connection, ids, scope))]

    async def records(self, handles: Sequence[Handle]) -> list[MemoryRecord | None]:
        return await self._read(lambda connection: reading.records(connection, _numbers(handles)))

    async def page(self, where: Where, *, limit: int, offset: int = 0) -> list[MemoryRecord]:
        return await self._read(lambda connection: reading.page(connection, where, limit, offset))

    async def count(self, where: Where, terms: Sequence[str] = ()) -> int:
        if filters.is_plain(where):
            return await self._read(lambda connection: search.count(connection, self._index, where, terms))
        return await self._read(lambda connection: reading.count(connection, where, terms))

    async def candidates(self, probe: Probe, where: Where) -> Candidates:
        return await self._read(lambda connection: search.candidates(connection, self._index, probe, where))

    async def replace(
        self, handle: Handle, entry: Entry, operation: Operation, *, expected_version: int
    ) -> MemoryRecord:
        number = int(handle)
        return await self._write(lambda c: writing.replace(Recorder(c, operation), number, entry, expected_version))

    async def remove(self, handles: Sequence[Handle], operation: Operation) -> int:
        return await self._write(lambda c: writing.remove(Recorder(c, operation), _numbers(handles)))

    async def aged(self, scope: Scope, after: Handle | None, limit: int) -> list[tuple[Handle, Aged]]:
        first = 0 if after is None else int(after)
        return [*await self._read(lambda connection: forgetting.aged(connection, scope, first, limit))]

    async def forget(self, seen: Sequence[tuple[Handle, Aged]], operation: Operation) -> list[Handle]:
        numbered = [(int(handle), aged) for handle, aged in seen]
        return [*await self._write(lambda c: forgetting.forget(Recorder(c, operation), numbered))]

    async def touch(self, handles: Sequence[Handle], now: datetime, *, unless_since: datetime) -> None:
        moments = microseconds(now), microseconds(unless_since)
        await self._write(lambda connection: accesses.touch(connection, _numbers(handles), *moments))

    async def duplicates(self, where: Where) -> list[list[Handle]]:
        return [[*group] for group in await self._read(lambda connection: reading.duplicates(connection, where))]

    async def near_pairs(
        self, where: Where, generation: Generation, *, distance: float, most: int, since: datetime | None = None
    ) -> Sequence[NearPair]:
        field = await self._read(lambda connection: pairs.field(connection, self._index, where, generation, since))
        return [] if field is None else await asyncio.to_thread(field.pairs, distance, most)

    async def suggest(self, proposals: Sequence[Proposal]) -> int:
        return await self._write(lambda connection: suggestions.suggest(connection, proposals))

    async def suggestions(
        self, scope: Scope, *, state: SuggestionState, limit: int, offset: int = 0
    ) -> tuple[list[Suggestion], int]:
        return await self._read(lambda connection: suggestions.page(connection, scope, state, limit, offset))

    async def suggestion(self, suggestion_id: str, scope: Scope) -> tuple[Proposal, Suggestion] | None:
        return await self._read(lambda connection: suggestions.find(connection, suggestion_id, scope))

    async def settle(self, suggestion_id: str, state: SuggestionState) -> None:
        await self._write(lambda connection: suggestions.settle(connection, suggestion_id, state))

    async def settled(self, pairs: Sequence[tuple[Seen, Seen]]) -> list[SuggestionState | None]:
        return await self._read(lambda connection: suggestions.settled(connection, pairs))

    async def compared(self, scope: Scope) -> tuple[datetime, float] | None:
        return await self._read(lambda connection: suggestions.compared(connection, scope))

    async def note_compared(self, scope: Scope, moment: datetime, distance: float) -> None:
        await self._write(lambda connection: suggestions.note_compared(connection, scope, moment, distance))

    async def merge(self, merges: Sequence[Merge], operation: Operation) -> list[MemoryRecord | None]:
        def act(connection: apsw.Connection) -> list[MemoryRecord | None]:
            recorder = Recorder(connection, operation)
            return [writing.merge(recorder, merge) for merge in merges]

        return await self._write(act)

    async def operations(self, scope: Scope, *, limit: int, offset: int = 0) -> tuple[list[Operation], int]:
        return await self._read(lambda connection: history.operations(connection, scope, limit, offset))

    async def operation(self, operation_id: str, scope: Scope) -> Operation | None:
        return await self._read(lambda connection: history.operation(connection, operation_id, scope))

    async def touched(self, operation_id: str, scope: Scope) -> list[Touched]:
        return await self._read(lambda connection: history.touched(connection, operation_id, scope))

    async def changes(
        self, operation_id: str, scope: Scope, handles: Collection[Handle] | None = None
    ) -> list[Changed]:
        among = None if handles is None else _numbers([*handles])
        return await self._read(lambda connection: history.changes(connection, operation_id, scope, among))

    async def history(self, memory_id: str, scope: Scope) -> list[Change]:
        return await self._read(lambda connection: history.history(connection, memory_id, scope))

    async def undo(self, operation_id: str, restore: Restore, operation: Operation) -> Undone:
        return await self._write(lambda c: undoing.undo(Recorder(c, operation), operation_id, restore))

    async def recorded(self, ids: Sequence[str], scope: Scope) -> list[Known]:
        return await self._read(lambda connection: history.recorded(connection, ids, scope))

    async def purge(self, handles: Sequence[Handle]) -> int:
        count = await self._write(lambda connection: purging.purge(connection, _numbers(handles)))
        await self._opened().maintain(purging.erase_unused)
        return count

    async def forget_operations(self, before: datetime) -> int:
        return await self._write(lambda connection: undoing.forget(connection, microseconds(before)))

    async def scan(self, after: Handle | None, limit: int) -> list[tuple[Handle, MemoryRecord]]:
        first = 0 if after is None else int(after)
        return [*await self._read(lambda connection: reading.scan(connection, first, limit))]

    async def reindex(self, entries: Sequence[tuple[Handle, Entry]]) -> None:
        def prepare() -> list[tuple[int, Prepared]]:
            ready = prepared([entry for _, entry in entries])
            return [(int(handle), one) for (handle, _), one in zip(entries, ready, strict=True)]

        await self._opened().write_prepared(prepare, writing.reindex)

    async def outdated(
        self, generation: Generation, after: Handle | None, limit: int
    ) -> list[tuple[Handle, MemoryRecord]]:
        first = 0 if after is None else int(after)
        return [*await self._read(lambda connection: reading.outdated(connection, generation, first, limit))]

    async def count_outdated(self, generation: Generation) -> int:
        return await self._read(lambda connection: reading.count_outdated(connection, generation))

    async def namespaces(self, scope: Scope, prefix: str = "") -> list[str]:
        return await self._read(lambda connection: reading.namespaces(connection, scope, prefix))

    async def stats(self, scope: Scope, generation: Generation | None) -> StoreStats:
        now = self._clock()

        def act(connection: apsw.Connection) -> StoreStats:
            _, alive = sessions.page(connection, scope, now, 0, 0)
            return replace(reading.stats(connection, scope, generation), sessions=alive)

        path = self._settings.path
        return replace(await self._read(act), location=str(path), bytes=opening.size(path))

    async def session(self, session_id: str, scope: Scope, now: datetime) -> Session | None:
        found = await self._read(lambda connection: sessions.find(connection, session_id, scope, now))
        return None if found is None else found[1]

    async def put_session(self, session: Session, *, expected_version: int | None, now: datetime) -> Session:
        return await self._write(lambda connection: sessions.put(connection, session, expected_version, now))

    async def remove_session(self, session_id: str, scope: Scope, now: datetime) -> bool:
        return await self._write(lambda connection: sessions.remove(connection, session_id, scope, now))

    async def sessions(self, scope: Scope, now: datetime, *, limit: int, offset: int = 0) -> tuple[list[Session], int]:
        return await self._read(lambda connection: sessions.page(connection, scope, now, limit, offset))

    async def expire_sessions(self, now: datetime) -> int:
        return await self._write(lambda connection: sessions.expire(connection, now))

    async def put_job(self, job: Job) -> Job:
        return await self._write(lambda connection: jobs.put(connection, job))

    async def put_periodic(self, job: Job, period_began: datetime) -> Job | None:
        return await self._write(lambda connection: jobs.put_periodic(connection, job, period_began))

    async def job(self, job_id: str, scope: Scope) -> Job | None:
        return await self._read(lambda connection: jobs.find(connection, job_id, scope))

    async def jobs(
        self, scope: Scope, *, states: Sequence[JobState] = (), limit: int, offset: int = 0
    ) -> tuple[list[Job], int]:
        return await self._read(lambda connection: jobs.page(connection, scope, states, limit, offset))

    async def ready_jobs(self, names: Sequence[str], now: datetime, limit: int) -> list[str]:
        return await self._read(lambda connection: jobs.ready(connection, names, now, limit))

    async def change_job(self, job_id: str, rule: JobRule) -> Job | None:
        return await self._write(lambda connection: jobs.change(connection, job_id, rule))

    async def prune_jobs(self, finished_before: datetime) -> int:
        return await self._write(lambda connection: jobs.prune(connection, finished_before))

    async def put_view(self, view: SummaryView) -> None:
        await self._write(lambda connection: views.put(connection, view))

    async def view(self, view_id: str, scope: Scope) -> SummaryView | None:
        return await self._read(lambda connection: views.find(connection, view_id, scope))

    async def views(self, scope: Scope) -> list[SummaryView]:
        return await self._read(lambda connection: views.every(connection, scope))

    async def remove_view(self, view_id: str, scope: Scope) -> bool:
        return await self._write(lambda connection: views.remove(connection, view_id, scope))

    async def put_partition(self, partition: Partition) -> bool:
        return await self._write(lambda connection: views.put_partition(connection, partition))

    async def partitions(self, view_id: str, group: Mapping[str, str]) -> list[SummaryViewPartitionResult]:
        return await self._read(lambda connection: views.partitions(connection, view_id, group))

    async def partition_states(self, view_id: str) -> dict[str, str]:
        return await self._read(lambda connection: views.states(connection, view_id))

    async def remove_partitions(self, view_id: str, keys: Sequence[str]) -> int:
        return await self._write(lambda connection: views.remove_partitions(connection, view_id, keys))

    async def groups(self, where: Where, fields: Sequence[str]) -> list[Group]:
        return await self._read(lambda connection: views.groups(connection, where, fields))

    async def walk(self, where: Where, after: Step | None, limit: int) -> list[tuple[Handle, MemoryRecord]]:
        step = None if after is None else (after[0], int(after[1]))
        return [*await self._read(lambda connection: views.walk(connection, where, step, limit))]

    async def optimise(self) -> None:
        for _ in range(upkeep.MOST_MERGES):
            if not await self._write(upkeep.merge_step):
                break
        await self._write(upkeep.gather_statistics)
        with translated(self._settings.path):
            await asyncio.to_thread(upkeep.move_log, self._settings)

    async def add_token(self, token: Token) -> bool:
        return await self._write(lambda connection: tokens.add(connection, token))

    async def token(self, lookup: str) -> Token | None:
        return await self._read(lambda connection: tokens.find(connection, lookup))

    async def tokens(self, scope: Scope) -> list[Token]:
        return await self._read(lambda connection: tokens.within(connection, scope))

    async def replace_token(self, token: Token) -> bool:
        return await self._write(lambda connection: tokens.replace(connection, token))

    async def remove_token(self, token_id: str) -> bool:
        return await self._write(lambda connection: tokens.remove(connection, token_id))


def _numbers(handles: Sequence[Handle]) -> list[int]:
    return [int(handle) for handle in handles]
