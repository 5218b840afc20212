"""A store in this process's memory: for throw-away servers and for tests. What it holds ends with the process."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.filters import Where
from mcp_memory.domain.records import MemoryRecord, Session
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import MemoryNotFound, VersionConflict
from mcp_memory.ports import Added, Candidates, Clock, Entry, Generation, Handle, Probe, StoreStats
from mcp_memory.retrieval.words import stem

Owner = tuple[str | None, str | None]
_BM25_K1, _BM25_B = 1.2, 0.75


@dataclass(frozen=True, slots=True)
class _Row:
    entry: Entry
    stems: Counter[str]

    @property
    def record(self) -> MemoryRecord:
        return self.entry.record


class EphemeralStore:
    """Keeps every promise of the port for as long as the process lives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[int, _Row] = {}
        self._aliases: dict[tuple[Owner, str], int] = {}
        self._sessions: dict[tuple[Owner, str], Session] = {}
        self._versions: dict[tuple[Owner, str], int] = {}
        self._last = 0

    async def open(self) -> None:
        """Be ready, as it always is."""

    async def close(self) -> None:
        """Let everything go."""
        self._rows.clear()
        self._sessions.clear()

    async def add(
        self, entries: Sequence[Entry], *, duplicates: Literal["keep_first", "keep_both"] = "keep_first"
    ) -> list[Added]:
        return [self._added(entry, duplicates) for entry in entries]

    def _added(self, entry: Entry, duplicates: Literal["keep_first", "keep_both"]) -> Added:
        record = entry.record
        there = self._with_id(_owner(record.scope), record.id)
        if there is not None:
            old = self._rows[there].record
            kept = {"created_at": old.created_at, "access_count": old.access_count, "persisted_at": old.persisted_at}
            stored = self._put(there, replace(entry, record=record.model_copy(update=kept)), old.version + 1)
            self._end_superseded(stored)
            return Added(stored, "replaced")
        if duplicates == "keep_first" and (held := self._holding(record.scope, record.memory_hash)) is not None:
            return Added(held, "duplicate")
        self._last += 1
        stored = self._put(self._last, entry, record.version)
        self._end_superseded(stored)
        return Added(stored, "stored")

    def _put(self, handle: int, entry: Entry, version: int) -> MemoryRecord:
        record = entry.record.model_copy(update={"version": version})
        old = self._rows.get(handle)
        if entry.vector is None and old is not None and old.record.text == record.text:
            entry = replace(entry, vector=old.entry.vector, generation=old.entry.generation)
        self._rows[handle] = _Row(replace(entry, record=record), Counter(map(stem, entry.terms.split())))
        return record

    def _end_superseded(self, record: MemoryRecord) -> None:
        for memory_id in record.supersedes:
            handle = self._find(_owner(record.scope), memory_id)
            if handle is None or self._rows[handle].record.id == record.id:
                continue
            row = self._rows[handle]
            if row.record.valid_to is None or row.record.valid_to > record.holds_from:
                ended = row.record.model_copy(update={"valid_to": record.holds_from})
                self._put(handle, replace(row.entry, record=ended), row.record.version + 1)

    def _with_id(self, owner: Owner, memory_id: str) -> int | None:
        found = (h for h, row in self._rows.items() if row.record.id == memory_id and _owner(row.record.scope) == owner)
        return next(found, None)

    def _find(self, owner: Owner, memory_id: str) -> int | None:
        handle = self._with_id(owner, memory_id)
        return self._aliases.get((owner, memory_id)) if handle is None else handle

    def _holding(self, scope: Scope, digest: str | None) -> MemoryRecord | None:
        rows = (row.record for row in self._rows.values())
        return next((record for record in rows if record.scope == scope and record.memory_hash == digest), None)

    async def held(self, hashes: Sequence[tuple[Scope, str]]) -> list[MemoryRecord | None]:
        return [self._holding(scope, digest) for scope, digest in hashes]

    async def named(self, ids: Sequence[str], scope: Scope) -> list[tuple[Handle, MemoryRecord]]:
        where = Where(scope=scope)
        wanted = set(ids)
        handles = {handle: None for handle, row in self._rows.items() if row.record.id in wanted}
        handles |= {handle: None for (_, alias), handle in self._aliases.items() if alias in wanted}
        rows = ((handle, self._rows[handle].record) for handle in handles if handle in self._rows)
        return [(handle, record) for handle, record in rows if where.matches(record)]

    async def records(self, handles: Sequence[Handle]) -> list[MemoryRecord | None]:
        rows = (self._rows.get(int(handle)) for handle in handles)
        return [None if row is None else row.record for row in rows]

    def _matching(self, where: Where) -> list[int]:
        return [handle for handle, row in self._rows.items() if where.matches(row.record)]

    async def page(self, where: Where, *, limit: int, offset: int = 0) -> list[MemoryRecord]:
        handles = sorted(self._matching(where), key=lambda h: (self._rows[h].record.created_at, h), reverse=True)
        return [self._rows[handle].record for handle in handles[offset : offset + limit]]

    async def count(self, where: Where, terms: Sequence[str] = ()) -> int:
        stems = set(map(stem, terms))
        found = self._matching(where)
        return len(found) if not terms else sum(not stems.isdisjoint(self._rows[handle].stems) for handle in found)

    async def candidates(self, probe: Probe, where: Where) -> Candidates:
        within = self._matching(where)
        distance = self._distances(probe, within)
        lexical = self._bm25(probe.terms, within)
        near = [h for h in sorted(within, key=lambda h: (distance[h], h)) if not math.isnan(distance[h])]
        worded = sorted((h for h in within if lexical[h] > 0), key=lambda h: (-lexical[h], h))[: probe.lexical]
        chosen = dict.fromkeys(near[: probe.nearest] + worded)
        threads = self._threads(within)
        for handle in list(chosen):
            thread = threads[self._thread(handle)]
            at = thread.index(handle)
            chosen |= dict.fromkeys(thread[max(0, at - probe.neighbours) : at + probe.neighbours + 1])
        # A row that did not come by its words has no score by words: it is nobody's candidate for them.
        by_words = {handle: lexical[handle] for handle in worded}
        return self._columns(list(chosen), distance, by_words, threads)

    def _distances(self, probe: Probe, within: Sequence[int]) -> dict[int, float]:
        distance = dict.fromkeys(within, math.nan)
        if probe.vector is None:
            return distance
        entries = {handle: self._rows[handle].entry for handle in within}
        known = [h for h, e in entries.items() if e.vector is not None and e.generation == probe.generation]
        if known:
            vectors = np.stack(
                [entry.vector for entry in map(entries.get, known) if entry and entry.vector is not None]
            )
            distance |= dict(zip(known, (1.0 - vectors @ probe.vector).tolist(), strict=True))
        return distance

    def _bm25(self, terms: Sequence[str], within: Sequence[int]) -> dict[int, float]:
        stems = set(map(stem, terms))
        lengths = [row.stems.total() for row in self._rows.values()]
        mean = sum(lengths) / max(1, len(lengths)) or 1.0
        held = Counter(word for row in self._rows.values() for word in stems & row.stems.keys())
        idf = {word: math.log(1 + (len(lengths) - n + 0.5) / (n + 0.5)) for word, n in held.items()}

        def score(row: _Row) -> float:
            norm = _BM25_K1 * (1 - _BM25_B + _BM25_B * row.stems.total() / mean)
            counts = ((word, row.stems[word]) for word in stems & row.stems.keys())
            return sum(idf[word] * n * (_BM25_K1 + 1) / (n + norm) for word, n in counts)

        return {handle: score(self._rows[handle]) for handle in within}

    def _thread(self, handle: int) -> tuple[object, ...]:
        """Return what names the thread of talk that a memory stands in: its session, else its moment."""
        record = self._rows[handle].record
        where = (record.namespace, record.user_id)
        return (*where, record.session_id) if record.session_id is not None else (*where, None, record.about)

    def _threads(self, within: Iterable[int]) -> dict[tuple[object, ...], list[int]]:
        threads: dict[tuple[object, ...], list[int]] = {}
        for handle in sorted(within):
            threads.setdefault(self._thread(handle), []).append(handle)
        return threads

    def _columns(
        self,
        chosen: list[int],
        distance: dict[int, float],
        lexical: dict[int, float],
        threads: dict[tuple[object, ...], list[int]],
    ) -> Candidates:
        place = {handle: row for row, handle in enumerate(chosen)}
        before = np.full(len(chosen), -1, np.int32)
        after = np.full(len(chosen), -1, np.int32)
        for thread in threads.values():
            for one, next_one in pairwise(thread):
                if one in place and next_one in place:
                    after[place[one]], before[place[next_one]] = place[next_one], place[one]
        numbers: dict[tuple[object, ...], int] = {}
        talk = [self._thread(handle) for handle in chosen]
        rows = [self._rows[handle] for handle in chosen]
        cues = [row.entry.cues for row in rows]
        return Candidates(
            handles=list(chosen),
            distance=np.array([distance[handle] for handle in chosen], np.float32),
            lexical=np.array([lexical.get(handle, 0.0) for handle in chosen], np.float32),
            before=before,
            after=after,
            session=np.array(
                [numbers.setdefault(t, len(numbers)) if len(threads[t]) > 1 else -1 for t in talk], np.int32
            ),
            words=_ints(cue.words for cue in cues),
            flags=_ints(cue.flags for cue in cues),
            day=_ints(cue.day for cue in cues),
            speaker=[cue.speaker for cue in cues],
            created=np.array([row.record.created_at.timestamp() for row in rows], np.float64),
            accessed=np.array([row.record.last_accessed.timestamp() for row in rows], np.float64),
        )

    async def replace(self, handle: Handle, entry: Entry, *, expected_version: int) -> MemoryRecord:
        row = self._rows.get(int(handle))
        if row is None:
            raise MemoryNotFound(entry.record.id)
        if row.record.version != expected_version:
            raise VersionConflict(f"Memory {row.record.id}", expected_version, row.record.version)
        return self._put(int(handle), entry, expected_version + 1)

    async def remove(self, handles: Sequence[Handle]) -> int:
        removed = sum(self._rows.pop(int(handle), None) is not None for handle in handles)
        self._aliases = {key: handle for key, handle in self._aliases.items() if handle in self._rows}
        return removed

    async def touch(self, handles: Sequence[Handle], now: datetime, *, unless_since: datetime) -> None:
        for handle in map(int, handles):
            row = self._rows.get(handle)
            if row is not None and row.record.last_accessed < unless_since:
                seen = {"last_accessed": now, "access_count": row.record.access_count + 1}
                self._rows[handle] = replace(row, entry=replace(row.entry, record=row.record.model_copy(update=seen)))

    async def duplicates(self, where: Where) -> list[list[tuple[Handle, MemoryRecord]]]:
        groups: dict[tuple[Scope, str | None], list[tuple[Handle, MemoryRecord]]] = {}
        for handle in self._matching(where):
            record = self._rows[handle].record
            groups.setdefault((record.scope, record.memory_hash), []).append((handle, record))
        return [sorted(group, key=lambda held: held[1].created_at) for group in groups.values() if len(group) > 1]

    async def merge(self, handle: Handle, entry: Entry, sources: Sequence[tuple[Handle, int]]) -> MemoryRecord | None:
        rows = [(int(source), self._rows.get(int(source)), version) for source, version in sources]
        if any(row is None or row.record.version != version for _, row, version in rows):
            return None
        for source, row, _ in rows:
            if row is not None and source != handle:
                self._aliases = {key: int(handle) if to == source else to for key, to in self._aliases.items()}
                self._aliases[_owner(row.record.scope), row.record.id] = int(handle)
                del self._rows[source]
        return self._put(int(handle), entry, self._rows[int(handle)].record.version + 1)

    async def scan(self, after: Handle | None, limit: int) -> list[tuple[Handle, MemoryRecord]]:
        handles = sorted(handle for handle in self._rows if after is None or handle > int(after))[:limit]
        return [(handle, self._rows[handle].record) for handle in handles]

    async def reindex(self, entries: Sequence[tuple[Handle, Entry]]) -> None:
        for handle, entry in entries:
            row = self._rows.get(int(handle))
            if row is not None and row.record.version == entry.record.version:
                self._put(int(handle), replace(entry, record=row.record), row.record.version)

    async def namespaces(self, scope: Scope, prefix: str = "") -> list[str]:
        held = {self._rows[handle].record.namespace for handle in self._matching(Where(scope=scope))}
        return sorted(name for name in held if name is not None and name.startswith(prefix))[:100]

    async def stats(self, scope: Scope, generation: Generation | None) -> StoreStats:
        rows = [self._rows[handle] for handle in self._matching(Where(scope=scope))]
        _, sessions = await self.sessions(scope, self._clock(), limit=1)
        return StoreStats(
            memories=len(rows),
            sessions=sessions,
            by_namespace=dict(Counter(row.record.namespace or "" for row in rows)),
            by_type=dict(Counter(str(row.record.memory_type) for row in rows)),
            without_vector=sum(row.entry.vector is None or row.entry.generation != generation for row in rows),
            location="ephemeral://",
            bytes=0,
            schema_version=0,
        )

    async def session(self, session_id: str, scope: Scope, now: datetime) -> Session | None:
        self._expire(now)
        exact = self._sessions.get((_owner(scope), session_id))
        if exact is not None:
            return exact
        found = [session for session in self._within(scope) if session.session_id == session_id]
        return found[0] if len(found) == 1 else None

    async def put_session(self, session: Session, *, expected_version: int | None, now: datetime) -> Session:
        self._expire(now)
        key = (_owner(session.scope), session.session_id)
        there = self._sessions.get(key)
        found = there.version if there else 0
        if expected_version is not None and expected_version != found:
            raise VersionConflict(f"Session {session.session_id}", expected_version, found)
        # Versions go on where a session was deleted or expired, so that an old one never fits a new session.
        version = self._versions[key] = self._versions.get(key, 0) + 1
        stored = self._sessions[key] = session.model_copy(update={"version": version, "updated_at": now})
        return stored

    async def remove_session(self, session_id: str, scope: Scope, now: datetime) -> bool:
        session = await self.session(session_id, scope, now)
        return session is not None and self._sessions.pop((_owner(session.scope), session_id), None) is not None

    async def sessions(self, scope: Scope, now: datetime, *, limit: int, offset: int = 0) -> tuple[list[Session], int]:
        self._expire(now)
        found = sorted(self._within(scope), key=lambda session: (session.updated_at, session.version), reverse=True)
        page = [session.model_copy(update={"messages": []}) for session in found[offset : offset + limit]]
        return page, len(found)

    def _within(self, scope: Scope) -> list[Session]:
        return [
            session
            for session in self._sessions.values()
            if scope.namespace in (None, session.namespace)
            and scope.user_id in (None, session.user_id)
            and scope.session_id in (None, session.session_id)
        ]

    def _expire(self, now: datetime) -> None:
        self._sessions = {key: session for key, session in self._sessions.items() if not _expired(session, now)}


def _expired(session: Session, now: datetime) -> bool:
    ttl = session.ttl_seconds
    return ttl is not None and session.updated_at + timedelta(seconds=ttl) <= now


def _owner(scope: Scope) -> Owner:
    return scope.namespace, scope.user_id


def _ints(values: Iterable[int]) -> NDArray[np.int32]:
    return np.fromiter(values, np.int32)
