"""The store port over one Redis: every write is one transaction. What is sent is in the modules beside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, repeat
from typing import Literal, TypeVar

from mcp_memory.domain.filters import Where
from mcp_memory.domain.forgetting import Aged
from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.operations import Change, Operation
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.archive import Act, Archived, Numbers, TakenIn, Trace
from mcp_memory.ports.given import Clock
from mcp_memory.ports.history import Changed, Restore, Touched, Undone
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
from mcp_memory.stores.redis import (
    archive,
    forgetting,
    history,
    lineage,
    pairs,
    purging,
    queries,
    reading,
    search,
    sessions,
    undoing,
    writing,
)
from mcp_memory.stores.redis.besides import RedisBesides
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.indexes import SCHEMA_VERSION
from mcp_memory.stores.redis.preparing import prepared
from mcp_memory.stores.redis.rows import used
from mcp_memory.stores.redis.transaction import Attempt, Transaction
from mcp_memory.stores.redis.words import Words

T = TypeVar("T")


class RedisStore(RedisBesides):
    """Keeps memories, sessions and jobs in a Redis that many machines may use at once."""

    def __init__(self, place: Place, *, clock: Clock) -> None:
        super().__init__(place)
        self._clock = clock
        self._words = Words()

    async def _write(self, operation: Operation | None, act: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do the act in a transaction of its own, again and again until nobody gets in between."""
        server, generations = self._opened(), self._models()
        attempts = chain([Attempt.FIRST], repeat(Attempt.LATER))
        return await server.transact(
            lambda: act(Transaction(server, generations, operation, attempt=next(attempts))),
        )

    async def add(
        self,
        entries: Sequence[Entry],
        operation: Operation,
        *,
        duplicates: Literal["keep_first", "keep_both"] = "keep_first",
    ) -> list[Added]:
        ready = await prepared(entries, self._words, self._models())
        if not ready:
            return []
        return await self._write(operation, lambda transaction: writing.add(transaction, ready, duplicates))

    async def held(self, hashes: Sequence[tuple[Scope, str]], texts: Sequence[tuple[Scope, str]] = ()) -> Holders:
        return await reading.holders(self._opened(), hashes, texts)

    async def named(self, ids: Sequence[str], scope: Scope) -> list[tuple[Handle, MemoryRecord]]:
        return await reading.named(self._opened(), ids, scope)

    async def records(self, handles: Sequence[Handle]) -> list[MemoryRecord | None]:
        return await reading.records(self._opened(), _numbers(handles))

    async def page(self, where: Where, *, limit: int, offset: int = 0) -> list[MemoryRecord]:
        return await reading.page(self._opened(), where, limit, offset)

    async def count(self, where: Where, terms: Sequence[str] = ()) -> int:
        if not terms and where == Where(where.scope):
            return (await reading.total(self._opened(), where.scope))[0]
        query = await queries.condition(self._opened(), where)
        if not terms:
            return await queries.count(self._opened(), query)
        words = self._words.of_terms(terms)
        return await queries.count(self._opened(), query, queries.holding(words)) if words else 0

    async def candidates(self, probe: Probe, where: Where) -> Candidates:
        return await search.candidates(self._opened(), self._models(), self._words, probe, where)

    async def replace(
        self, handle: Handle, entry: Entry, operation: Operation, *, expected_version: int
    ) -> MemoryRecord:
        (ready,) = await prepared([entry], self._words, self._models())
        number = int(handle)
        return await self._write(operation, lambda t: writing.replace(t, number, ready, expected_version))

    async def remove(self, handles: Sequence[Handle], operation: Operation) -> int:
        return await self._write(operation, lambda transaction: writing.remove(transaction, handles))

    async def aged(self, scope: Scope, after: Handle | None, limit: int) -> list[tuple[Handle, Aged]]:
        return await reading.aged(self._opened(), scope, _after(after), limit)

    async def forget(self, seen: Sequence[tuple[Handle, Aged]], operation: Operation) -> list[Handle]:
        return await self._write(operation, lambda transaction: forgetting.forget(transaction, seen))

    async def touch(self, handles: Sequence[Handle], now: datetime, *, unless_since: datetime) -> None:
        numbers, keys = list(dict.fromkeys(_numbers(handles))), self._opened().keys
        names = [*map(keys.access, numbers), *map(keys.row, numbers), *map(keys.memory, numbers)]
        if names:
            await self._opened().run("touch", names, [microseconds(now), microseconds(unless_since), used(now)])

    async def duplicates(self, where: Where) -> list[list[Handle]]:
        return await reading.duplicates(self._opened(), where)

    async def near_pairs(
        self, where: Where, generation: Generation, *, distance: float, most: int, since: datetime | None = None
    ) -> Sequence[NearPair]:
        return await pairs.near(self._opened(), self._models(), pairs.Wish(where, generation, distance, most, since))

    async def merge(self, merges: Sequence[Merge], operation: Operation) -> list[MemoryRecord | None]:
        ready = await prepared([merge.entry for merge in merges], self._words, self._models())
        return await self._write(operation, lambda transaction: writing.merge(transaction, merges, ready))

    async def operations(self, scope: Scope, *, limit: int, offset: int = 0) -> tuple[list[Operation], int]:
        return await history.operations(self._opened(), scope, limit, offset)

    async def operation(self, operation_id: str, scope: Scope) -> Operation | None:
        return await history.operation(self._opened(), operation_id, scope)

    async def touched(self, operation_id: str, scope: Scope) -> list[Touched]:
        return await history.touched(self._opened(), operation_id, scope)

    async def changes(
        self, operation_id: str, scope: Scope, handles: Collection[Handle] | None = None
    ) -> list[Changed]:
        among = None if handles is None else _numbers([*handles])
        return await history.changes(self._opened(), operation_id, scope, among)

    async def history(self, memory_id: str, scope: Scope) -> list[Change]:
        return await history.history(self._opened(), memory_id, scope)

    async def undo(self, operation_id: str, restore: Restore, operation: Operation) -> Undone:
        given = {change: entry for change, entry in restore.entries.items() if entry is not None}
        ready = await prepared([*given.values()], self._words, self._models())
        entries = dict.fromkeys(restore.entries) | dict(zip(given, ready, strict=True))
        handles = _numbers(restore.handles)
        return await self._write(operation, lambda t: undoing.Undoing(t, entries).undo(operation_id, handles))

    async def recorded(self, ids: Sequence[str], scope: Scope) -> list[Known]:
        return await history.recorded(self._opened(), ids, scope)

    async def purge(self, handles: Sequence[Handle]) -> int:
        count = await self._write(None, lambda transaction: purging.purge(transaction, _numbers(handles)))
        await purging.rewrite_log(self._opened())
        return count

    async def forget_operations(self, before: datetime) -> int:
        return await undoing.forget(self._opened(), microseconds(before))

    async def scan(self, after: Handle | None, limit: int) -> list[tuple[Handle, MemoryRecord]]:
        return await reading.scan(self._opened(), _after(after), limit)

    async def reindex(self, entries: Sequence[tuple[Handle, Entry]]) -> None:
        ready = await prepared([entry for _, entry in entries], self._words, self._models())
        numbered = [(int(handle), one) for (handle, _), one in zip(entries, ready, strict=True)]
        await self._write(None, lambda transaction: writing.reindex(transaction, numbered))

    async def outdated(
        self, generation: Generation, after: Handle | None, limit: int
    ) -> list[tuple[Handle, MemoryRecord]]:
        return await reading.outdated(self._opened(), self._models(), generation, _after(after), limit)

    async def count_outdated(self, generation: Generation) -> int:
        return await reading.count_outdated(self._opened(), self._models(), generation)

    async def namespaces(self, scope: Scope, prefix: str = "") -> list[str]:
        return await reading.namespaces(self._opened(), scope, prefix)

    async def stats(self, scope: Scope, generation: Generation | None) -> StoreStats:
        found = await reading.stats(self._opened(), self._models(), scope, generation)
        _, alive = await sessions.page(self._opened(), scope, self._clock(), 0, 0)
        return replace(found, sessions=alive, schema_version=SCHEMA_VERSION)

    async def archived(self, after: Handle | None, limit: int) -> list[tuple[Handle, Archived]]:
        return await archive.archived(self._opened(), self._models(), _after(after), limit)

    async def take_in(self, memories: Sequence[TakenIn], operation: Operation) -> list[bool]:
        ready = await prepared([one.entry for one in memories], self._words, self._models())
        whole = list(zip(memories, ready, strict=True))
        return await self._write(operation, lambda transaction: archive.take_in(transaction, whole))

    async def numbers(self) -> Numbers:
        return await lineage.numbers(self._opened())

    async def reserve(self, numbers: Numbers, *, seen: Numbers) -> bool:
        server = self._opened()
        return await server.transact(lambda: lineage.reserve(server, numbers, seen))

    async def acts(self, after: int, limit: int) -> list[Act]:
        return await lineage.acts(self._opened(), after, limit)

    async def traces(self, after: int | None, limit: int) -> list[Trace]:
        return await lineage.traces(self._opened(), self._models(), after, limit)

    async def proposals(self, after: int, limit: int) -> list[tuple[int, Proposal]]:
        return await lineage.proposals(self._opened(), after, limit)

    async def take_in_history(self, acts: Sequence[Act], traces: Sequence[Trace]) -> int:
        server, models = self._opened(), self._models()
        return await server.transact(lambda: lineage.take_in_history(server, models, acts, traces))

    async def move_in(self, memories: Sequence[tuple[int, TakenIn]]) -> list[bool]:
        ready = await prepared([one.entry for _, one in memories], self._words, self._models())
        whole = [(handle, one, made) for (handle, one), made in zip(memories, ready, strict=True)]
        return await self._write(None, lambda transaction: archive.move_in(transaction, whole))

    async def move_out(self, seen: Sequence[Seen]) -> None:
        await self._write(None, lambda transaction: archive.move_out(transaction, seen))

    async def optimise(self) -> None:
        # Redis keeps itself in good order.
        self._opened()


def _numbers(handles: Sequence[Handle]) -> list[int]:
    return [int(handle) for handle in handles]


def _after(handle: Handle | None) -> int:
    return 0 if handle is None else int(handle)
