"""Memories in dictionaries; every search looks at all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from mcp_memory.domain.english import stem
from mcp_memory.domain.filters import Where
from mcp_memory.domain.operations import Operation
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import IdTaken, MemoryNotFound, VersionConflict
from mcp_memory.ports.memories import Added, Candidates, Entry, Handle, Merge, NearPair, Probe
from mcp_memory.ports.models import Generation
from mcp_memory.retrieval.pairing import Limits, paired
from mcp_memory.retrieval.shared_words import RARE

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMESPACES = 100
"""How many namespaces are listed at most."""
_SATURATION, _LENGTH = 1.2, 0.75
"""The customary k1 and b of BM25."""

Name: TypeAlias = tuple[str | None, str | None, str]
_Thread: TypeAlias = tuple[str | None, str | None, tuple[str, str] | int]


@dataclass(slots=True)
class Image:
    """What one memory was before an operation changed it."""

    number: int
    operation: str
    handle: int
    unit: int
    name: Name
    before: Entry | None
    aliases: frozenset[Name]
    after: int | None = None
    """Its version then; None: it was gone."""
    undone: str | None = None
    """The operation that took it back."""
    with_vector: bool = True
    """Say what vector it had before; otherwise that stayed."""


class EphemeralMemories:
    """The port ``MemoryStore``, but for the use of memories, their upkeep, and what it counts of others."""

    def __init__(self) -> None:
        self._last = 0
        self._entries: dict[int, Entry] = {}
        self._stems: dict[int, Counter[str]] = {}
        self._named: dict[Name, int] = {}
        self._aliases: dict[Name, int] = {}
        self._operations: dict[str, Operation] = {}
        self._operation_numbers: dict[str, int] = {}
        self._last_operation = 0
        self._images: list[Image] = []
        self._last_image = 0

    @contextmanager
    def _recorded(self, operation: Operation, unit: int, *handles: int) -> Iterator[None]:
        """Record what the memories are before and after what is done within."""
        if operation.id not in self._operations:
            self._last_operation += 1
            self._operations[operation.id] = operation
            self._operation_numbers[operation.id] = self._last_operation
        images = [
            Image(0, operation.id, handle, unit, ("", "", ""), self._entries.get(handle), self._aliases_of(handle))
            for handle in handles
        ]
        yield
        for image in images:
            now = self._entries.get(image.handle)
            there = image.before or now
            if there is not None:
                image.name = name_of(there.record)
                image.after = None if now is None else now.record.version
                self._last_image += 1
                image.number = self._last_image
                self._images.append(image)

    def _aliases_of(self, handle: int) -> frozenset[Name]:
        return frozenset(name for name, held in self._aliases.items() if held == handle)

    def _next_version(self, handle: int) -> int:
        """Return a version that the memory never had; undoing brings old ones back."""
        had = [image.after for image in self._images if image.handle == handle and image.after is not None]
        return max([self._entries[handle].record.version, *had]) + 1

    async def add(
        self,
        entries: Sequence[Entry],
        operation: Operation,
        *,
        duplicates: Literal["keep_first", "keep_both"] = "keep_first",
    ) -> list[Added]:
        return [self._added(entry, operation, keep_first=duplicates == "keep_first") for entry in entries]

    def _added(self, entry: Entry, operation: Operation, *, keep_first: bool) -> Added:
        record = entry.record
        handle = self._named.get(name_of(record))
        if handle is not None:
            there = self._entries[handle].record
            kept = {name: getattr(there, name) for name in ("created_at", "access_count", "persisted_at")}
            return Added(self._put(handle, entry, record.model_copy(update=kept), operation), "replaced")
        same = self._holder(record.scope, record.memory_hash) if keep_first else None
        if same is not None and same.repeated_by(record):
            return Added(same, "duplicate")
        self._last += 1
        handle, namesake = self._last, self._aliases.get(name_of(record), 0)
        with self._recorded(operation, handle, handle, *([namesake] if namesake else [])):
            self._aliases.pop(name_of(record), None)
            self._store(handle, entry)
        self._end_superseded(handle, record, operation)
        return Added(record, "stored")

    def _put(self, handle: int, entry: Entry, record: MemoryRecord, operation: Operation) -> MemoryRecord:
        """Store the entry with the record over the memory, at the next version."""
        with self._recorded(operation, handle, handle):
            stored = self._overwrite(handle, entry, record)
        self._end_superseded(handle, stored, operation)
        return stored

    def _overwrite(self, handle: int, entry: Entry, record: MemoryRecord) -> MemoryRecord:
        record = record.model_copy(update={"version": self._next_version(handle)})
        there = self._entries[handle]
        if entry.vector is None and there.record.text == record.text:
            entry = replace(entry, vector=there.vector, generation=there.generation)
        del self._named[name_of(there.record)]
        self._store(handle, replace(entry, record=record))
        return record

    def _store(self, handle: int, entry: Entry) -> None:
        self._entries[handle] = entry
        self._stems[handle] = Counter(map(stem, entry.terms.split()))
        self._named[name_of(entry.record)] = handle

    def _end_superseded(self, handle: int, record: MemoryRecord, operation: Operation) -> None:
        for old_id in record.supersedes:
            name = (record.namespace, record.user_id, old_id)
            old = self._named.get(name, self._aliases.get(name))
            if old is None or old == handle or self._entries[old].record.ended_by(record.holds_from):
                continue
            there = self._entries[old]
            ended = {"valid_to": record.holds_from, "version": self._next_version(old)}
            with self._recorded(operation, handle, old):
                self._entries[old] = replace(there, record=there.record.model_copy(update=ended))

    def _holder(self, scope: Scope, digest: str | None) -> MemoryRecord | None:
        if digest is None:
            return None
        records = (entry.record for entry in self._entries.values())
        same = (record for record in records if record.memory_hash == digest and record.scope == scope)
        return min(same, key=lambda record: record.valid_to is not None, default=None)

    async def named(self, ids: Sequence[str], scope: Scope) -> list[tuple[Handle, MemoryRecord]]:
        holders: dict[str, list[int]] = {memory_id: [] for memory_id in ids}
        for (_, _, held), handle in (*self._named.items(), *self._aliases.items()):
            if held in holders:
                holders[held].append(handle)
        handles = dict.fromkeys(handle for those in holders.values() for handle in those)
        where = Where(scope)
        found = [(handle, self._entries[handle].record) for handle in handles]
        return [(handle, record) for handle, record in found if where.matches(record)]

    async def records(self, handles: Sequence[Handle]) -> list[MemoryRecord | None]:
        return [self._entries[handle].record if handle in self._entries else None for handle in map(_number, handles)]

    async def page(self, where: Where, *, limit: int, offset: int = 0) -> list[MemoryRecord]:
        found = sorted(self._matching(where), key=lambda held: (held[1].record.created_at, held[0]), reverse=True)
        return [entry.record for _, entry in found[offset : offset + limit]]

    async def count(self, where: Where, terms: Sequence[str] = ()) -> int:
        wanted = frozenset(map(stem, terms))
        return sum(not terms or not wanted.isdisjoint(self._stems[handle]) for handle, _ in self._matching(where))

    def _matching(self, where: Where) -> Iterator[tuple[int, Entry]]:
        return ((handle, entry) for handle, entry in self._entries.items() if where.matches(entry.record))

    async def candidates(self, probe: Probe, where: Where) -> Candidates:
        matching = dict(self._matching(where))
        distance = self._distances(probe, matching)
        words = self._scores(probe, matching)
        near = sorted(distance, key=lambda handle: (distance[handle], handle))[: probe.nearest]
        lexical = dict(sorted(words.items(), key=lambda held: (-held[1], held[0]))[: probe.lexical])
        found = {*near, *lexical}
        threads = _threads(matching)
        chosen = set(found)
        for thread in threads:
            for place, handle in enumerate(thread):
                if handle in found:
                    chosen.update(thread[max(0, place - probe.neighbours) : place + probe.neighbours + 1])
        missing = 0 if probe.vector is None else len(matching) - len(distance)
        return replace(self._columns(sorted(chosen), distance, lexical, threads), without_vector=missing)

    def _distances(self, probe: Probe, matching: dict[int, Entry]) -> dict[int, float]:
        if probe.vector is None:
            return {}
        vectors = {
            handle: entry.vector
            for handle, entry in matching.items()
            if entry.vector is not None and entry.generation == probe.generation
        }
        if not vectors:
            return {}
        distance = 1.0 - np.stack(list(vectors.values())) @ probe.vector
        return dict(zip(vectors, distance.tolist(), strict=True))

    def _scores(self, probe: Probe, matching: dict[int, Entry]) -> dict[int, float]:
        """Return the BM25 of the matching memories that hold a word of the probe."""
        wanted = frozenset(map(stem, probe.terms))
        lengths = {handle: self._stems[handle].total() for handle in matching}
        usual = max(1.0, sum(lengths.values()) / max(1, len(lengths)))
        holders = {word: sum(word in self._stems[handle] for handle in matching) for word in wanted}
        scores: dict[int, float] = {}
        for handle in matching:
            stems = self._stems[handle]
            for word in wanted & stems.keys():
                rarity = log(1 + (len(lengths) - holders[word] + 0.5) / (holders[word] + 0.5))
                spread = _SATURATION * (1 - _LENGTH + _LENGTH * lengths[handle] / usual)
                gain = rarity * stems[word] * (_SATURATION + 1) / (stems[word] + spread)
                scores[handle] = scores.get(handle, 0.0) + gain
        return scores

    def _columns(
        self, handles: list[int], distance: dict[int, float], lexical: dict[int, float], threads: list[list[int]]
    ) -> Candidates:
        row = {handle: number for number, handle in enumerate(handles)}
        before: NDArray[np.int32] = np.full(len(handles), -1, np.int32)
        after, session = before.copy(), before.copy()
        for number, thread in enumerate(thread for thread in threads if len(thread) > 1):
            session[[row[handle] for handle in thread if handle in row]] = number
            for first, second in pairwise(thread):
                if first in row and second in row:
                    after[row[first]], before[row[second]] = row[second], row[first]
        entries = [self._entries[handle] for handle in handles]
        return Candidates(
            handles=list(handles),
            distance=np.array([distance.get(handle, np.nan) for handle in handles], np.float32),
            lexical=np.array([lexical.get(handle, 0.0) for handle in handles], np.float32),
            before=before,
            after=after,
            session=session,
            words=np.array([entry.cues.words for entry in entries], np.int32),
            flags=np.array([entry.cues.flags for entry in entries], np.int32),
            day=np.array([entry.cues.day for entry in entries], np.int32),
            speaker=[entry.cues.speaker for entry in entries],
            created=np.array([entry.record.created_at.timestamp() for entry in entries], np.float64),
            accessed=np.array([entry.record.last_accessed.timestamp() for entry in entries], np.float64),
        )

    async def replace(
        self, handle: Handle, entry: Entry, operation: Operation, *, expected_version: int
    ) -> MemoryRecord:
        number = _number(handle)
        if number not in self._entries:
            raise MemoryNotFound(entry.record.id)
        version = self._entries[number].record.version
        if version != expected_version:
            raise VersionConflict(f"Memory {entry.record.id}", expected_version, version)
        if self._named.get(name_of(entry.record), number) != number:
            raise IdTaken(entry.record.id)
        return self._put(number, entry, entry.record, operation)

    async def remove(self, handles: Sequence[Handle], operation: Operation) -> int:
        there = sorted({_number(handle) for handle in handles} & self._entries.keys())
        for handle in there:
            with self._recorded(operation, handle, handle):
                self._forget({handle})
        return len(there)

    def _forget(self, handles: set[int]) -> None:
        for handle in handles:
            del self._named[name_of(self._entries.pop(handle).record)]
            del self._stems[handle]
        self._aliases = {name: handle for name, handle in self._aliases.items() if handle not in handles}

    async def duplicates(self, where: Where) -> list[list[Handle]]:
        groups: dict[tuple[Scope, str], list[Handle]] = {}
        for handle, entry in sorted(self._matching(where), key=lambda held: (held[1].record.created_at, held[0])):
            if entry.record.memory_hash is not None:
                groups.setdefault((entry.record.scope, entry.record.memory_hash), []).append(handle)
        return [group for group in groups.values() if len(group) > 1]

    async def near_pairs(
        self, where: Where, generation: Generation, *, distance: float, most: int, since: datetime | None = None
    ) -> Sequence[NearPair]:
        found = {
            handle: (entry.record, entry.vector)
            for handle, entry in sorted(self._matching(where))
            if entry.vector is not None and entry.generation == generation
        }
        if not found:
            return []
        handles = list(found)
        vectors = np.stack([vector for _, vector in found.values()])
        records = [record for record, _ in found.values()]
        owners = {scope: number for number, scope in enumerate(dict.fromkeys(record.scope for record in records))}
        fresh = [since is None or max(r.updated_at, r.persisted_at or r.updated_at) >= since for r in records]
        groups = np.array([owners[record.scope] for record in records], np.int64)
        words: dict[str, list[int]] = {}
        for row, handle in enumerate(handles):
            for word in self._stems[handle]:
                words.setdefault(word, []).append(row)
        rare = [np.array(rows, np.int64) for rows in words.values() if 1 < len(rows) <= RARE]
        pairs = paired(lambda rows: vectors[rows], groups, np.array(fresh), rare, Limits(distance, most))
        columns = (pairs.one.tolist(), pairs.other.tolist(), pairs.closeness.tolist())
        return [NearPair(handles[one], handles[other], close) for one, other, close in zip(*columns, strict=True)]

    async def merge(self, merges: Sequence[Merge], operation: Operation) -> list[MemoryRecord | None]:
        return [self._merged(merge, operation) for merge in merges]

    def _merged(self, merge: Merge, operation: Operation) -> MemoryRecord | None:
        for handle, version in (*merge.sources, *merge.unchanged):
            there = self._entries.get(_number(handle))
            if there is None or there.record.version != version:
                return None
        into, *retired = [_number(handle) for handle, _ in merge.sources]
        names = {name_of(self._entries[source].record) for source in retired}
        names = names.union(*map(self._aliases_of, retired))
        with self._recorded(operation, into, into, *retired):
            self._forget(set(retired))
            record = self._overwrite(into, merge.entry, merge.entry.record)
            self._aliases |= dict.fromkeys(names, into)
        self._end_superseded(into, record, operation)
        return record

    async def namespaces(self, scope: Scope, prefix: str = "") -> list[str]:
        held = {entry.record.namespace for _, entry in self._matching(Where(scope))}
        return sorted(name for name in held if name is not None and name.startswith(prefix))[:NAMESPACES]


def _threads(entries: dict[int, Entry]) -> list[list[int]]:
    """Return the handles in order of storing, parted by thread; what stands in none is alone."""
    threads: dict[_Thread, list[int]] = {}
    for handle in sorted(entries):
        record = entries[handle].record
        threads.setdefault((record.namespace, record.user_id, record.thread or handle), []).append(handle)
    return list(threads.values())


def name_of(record: MemoryRecord) -> Name:
    """Return the name under which the memory is known in its scope."""
    return record.namespace, record.user_id, record.id


def _number(handle: Handle) -> int:
    return int(handle)
