"""Long-term memory: create, search, get, edit, delete, compact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.filters import Where
from mcp_memory.domain.identity import content_hash
from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.replies import Ack, Compacted, Created, Edited, Found, Recorded, Stats
from mcp_memory.domain.requests import Compact, Create, Edit, NewMemory, Search
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.errors import AmbiguousId, FeatureDisabled, InvalidRequest, MemoryNotFound
from mcp_memory.ports.given import Clock, NewId, Progress
from mcp_memory.ports.memories import Added, Handle
from mcp_memory.ports.models import LLM, Embedder
from mcp_memory.ports.store import Store
from mcp_memory.services.audit import note
from mcp_memory.services.compaction import Compactor
from mcp_memory.services.echoes import Echoes, Handed, texts
from mcp_memory.services.entries import Indexer, told
from mcp_memory.services.judging import Judge
from mcp_memory.services.merged_text import Author
from mcp_memory.services.search import Finder

PAGE = 256
"""Memories that are read at a time, where all are."""
WORDS_ONLY = (
    "Stored, but found by words only, because the embedding model is not available (the log says why). "
    "Run agent-memory reembed when it is."
)


class LongTerm:
    """What is kept for good."""

    def __init__(
        self, store: Store, embedder: Embedder, clock: Clock, new_id: NewId, *, enabled: bool, llm: LLM | None = None
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._clock = clock
        self._new_id = new_id
        self._enabled = enabled
        self._indexer = Indexer(embedder)
        self._finder = Finder(store, embedder, clock)
        self._echoes = Echoes(store, clock)
        judge = Judge(store, self._indexer, Author(llm), clock, new_id)
        self._compactor = Compactor(store, self._indexer, judge, clock)

    async def create(self, request: Create, *, caller: Caller = LOCAL, progress: Progress | None = None) -> Created:
        """Store the memories durably and findably; exact duplicates are answered with what is already there."""
        self._check_enabled()
        now = self._clock()
        records = [self.record(new, caller=caller, now=now) for new in request.memories]
        held = await self._there(records, request) if request.deduplicate else [None] * len(records)
        fresh = [record for record, there in zip(records, held, strict=True) if there is None]
        entries = await self._indexer.entries(fresh, progress)
        operation = self._operation(OperationKind.CREATE, caller)
        added = iter(
            await self._store.add(entries, operation, duplicates="keep_first" if request.deduplicate else "keep_both")
            if entries
            else ()
        )
        outcomes = [("duplicate", there.id) if there else _outcome(next(added)) for there in held]
        kinds = [kind for kind, _ in outcomes]
        return Created(
            status="ok",
            operation=operation.id if set(kinds) - {"duplicate"} else None,
            ids=[memory_id for _, memory_id in outcomes],
            stored=kinds.count("stored"),
            duplicates=kinds.count("duplicate"),
            replaced=kinds.count("replaced"),
            note=WORDS_ONLY if any(entry.vector is None for entry in entries) else None,
        )

    def record(self, new: NewMemory, *, caller: Caller, now: datetime) -> MemoryRecord:
        """Return the record that a memory handed in becomes: with id, moments, scope and content hash."""
        fields = dict(new)
        scope = caller.scope(Scope(new.namespace, new.user_id, new.session_id))
        fields |= {
            "id": new.id or self._new_id(),
            "namespace": scope.namespace,
            "user_id": scope.user_id,
            "session_id": scope.session_id,
            "created_at": new.created_at or now,
            "updated_at": now,
            "last_accessed": new.last_accessed or now,
            "persisted_at": now,
            "memory_hash": content_hash(new.text, new.memory_type, new.event_date),
        }
        return MemoryRecord(**fields)

    async def _there(self, records: Sequence[MemoryRecord], request: Create) -> list[MemoryRecord | None]:
        """Return the memories that need not be stored: they are there already, or are our own answers coming back."""
        handed = [Handed.of(new, record) for new, record in zip(request.memories, records, strict=True)]
        said = texts(handed)
        held = await self._store.held([(record.scope, record.memory_hash or "") for record in records], said)
        known = await self._echoes.known(handed, dict(zip(said, held.texts, strict=True)))
        return [
            # What is handed in under its own id again is an update.
            there if there is not None and there.repeated_by(record) and _adds_nothing(new, record, there) else echoed
            for new, record, there, echoed in zip(request.memories, records, held.contents, known, strict=True)
        ]

    async def search(self, request: Search, *, caller: Caller = LOCAL) -> Found:
        """Find what is known; see ``services.search``."""
        self._check_enabled()
        return await self._finder.find(request, request.where(caller=caller, now=self._clock()))

    async def recent(self, *, limit: int = 20, caller: Caller = LOCAL) -> Found:
        """Return the newest memories that still hold."""
        return await self.search(Search(limit=limit), caller=caller)

    async def get(self, memory_id: str, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> MemoryRecord:
        """Return one memory by its id, or by the id of one that was merged into it.

        Raises:
            MemoryNotFound: there is none in this scope.
            AmbiguousId: several scopes hold this id.
        """
        return (await self._named(memory_id, caller.scope(scope)))[1]

    async def edit(self, request: Edit, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> Edited:
        """Change what is given of one memory; it is found by its new words at once.

        Raises:
            MemoryNotFound, AmbiguousId: as for ``get``.
            VersionConflict: it changed meanwhile, or is not at ``expected_version``.
            NotAllowed: it is to move where the caller cannot reach.
        """
        self._check_enabled()
        caller.check(Scope(request.namespace, request.user_id, request.session_id))
        changes = request.changes
        if not changes:
            raise InvalidRequest("No fields provided for update")
        handle, record = await self._named(request.memory_id, caller.scope(scope))
        changed = record.model_copy(update=changes | {"updated_at": self._clock()})
        if changed.valid_from and changed.valid_to and changed.valid_to < changed.valid_from:
            raise InvalidRequest("valid_to lies before valid_from")
        digest = content_hash(changed.text, changed.memory_type, changed.event_date)
        changed = changed.model_copy(update={"memory_hash": digest})
        if told(changed) == told(record):
            entry = self._indexer.plain(changed)
        else:
            (entry,) = await self._indexer.entries([changed])
        expected = record.version if request.expected_version is None else request.expected_version
        operation = self._operation(OperationKind.EDIT, caller)
        stored = await self._store.replace(handle, entry, operation, expected_version=expected)
        return Edited(**dict(stored), operation=operation.id)

    async def delete(self, memory_ids: Sequence[str], *, scope: Scope = OPEN, caller: Caller = LOCAL) -> Ack:
        """Delete the memories with these ids within the scope; ids that are not there do not count."""
        operation = self._operation(OperationKind.DELETE, caller)
        self._check_enabled()
        found = await self._store.named(memory_ids, caller.scope(scope))
        _refuse_ambiguous(memory_ids, [record for _, record in found])
        count = await self._store.remove([handle for handle, _ in found], operation)
        return Ack(status=f"ok, deleted {count} memories", operation=operation.id if count else None)

    async def recorded(
        self, memory_ids: Sequence[str], *, scope: Scope = OPEN, caller: Caller = LOCAL
    ) -> list[Recorded]:
        """Return what ``purge`` would erase: the memories with these ids, those that were deleted too."""
        self._check_enabled()
        known = await self._store.recorded(memory_ids, caller.scope(scope))
        return [Recorded(**dict(one.record), there=one.there) for one in known]

    async def lacking(self, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> list[MemoryRecord]:
        """Return the memories without an id or a text; no door lets such ones in, but other programs may have."""
        self._check_enabled()
        within = caller.scope(scope)
        found: list[MemoryRecord] = []
        after: Handle | None = None
        while page := await self._store.scan(after, PAGE):
            found += [one for _, one in page if within.covers(one.scope) and not (one.id.strip() and one.text.strip())]
            after = page[-1][0]
        return found

    async def purge(self, memory_ids: Sequence[str], *, scope: Scope = OPEN, caller: Caller = LOCAL) -> Ack:
        """Erase the memories that have or had these ids, and all that was recorded of them; this cannot be undone.

        Without ids, only the traces of what was deleted before are erased.

        Raises:
            AmbiguousId: several owners have or had a memory of this id.
            StoreBusy: they are erased, and another program keeps their traces in the store; to be called again.
        """
        self._check_enabled()
        known = await self._store.recorded(memory_ids, caller.scope(scope))
        owners = {(one.record.namespace, one.record.user_id, one.record.id): one.record for one in known}
        _refuse_ambiguous(memory_ids, list(owners.values()))
        count = await self._store.purge([one.handle for one in known])
        note(caller, f"erased {count} memories for good", caller.scope(scope))
        return Ack(status=f"ok, erased {count} memories")

    async def compact(self, request: Compact, *, caller: Caller = LOCAL, progress: Progress | None = None) -> Compacted:
        """Make memories within the scope that say the same one, and end what holds no longer."""
        self._check_enabled()
        scope = caller.scope(request.scope)
        operation = self._operation(OperationKind.COMPACT, caller)
        outcome = await self._compactor.compact(request, scope, operation, progress)
        remaining = await self._store.count(Where(scope))
        changed = bool(outcome.merged or outcome.superseded) and not request.dry_run
        if changed:
            note(caller, f"compacted, {outcome.retired + outcome.superseded} memories ended: {operation.id}", scope)
        return Compacted(
            status=f"ok, {remaining} memories remaining after compaction",
            operation=operation.id if changed else None,
            merged=outcome.merged,
            retired=outcome.retired,
            superseded=outcome.superseded,
            suggested=outcome.suggested,
            remaining=remaining,
            steps=outcome.steps,
        )

    async def stats(self, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> Stats:
        """Say how much is remembered, and where."""
        generation = self._embedder.generation
        held = await self._store.stats(caller.scope(scope), generation)
        return Stats(
            memories=held.memories,
            sessions=held.sessions,
            by_namespace=held.by_namespace,
            by_type=held.by_type,
            without_vector=held.without_vector,
            location=held.location,
            bytes=held.bytes,
            schema_version=held.schema_version,
            embedding_model=generation.model,
            embedding_dimensions=generation.dimensions,
            as_of=self._clock(),
        )

    async def namespaces(self, prefix: str = "", *, scope: Scope = OPEN, caller: Caller = LOCAL) -> list[str]:
        """Return the first 100 namespaces that begin with the prefix."""
        return await self._store.namespaces(caller.scope(scope), prefix)

    async def rebuild_index(self, *, progress: Progress | None = None) -> int:
        """Derive words, cues and vectors of every memory anew; return how many there were."""
        total = await self._store.count(Where())
        done = 0
        after: Handle | None = None
        while page := await self._store.scan(after, PAGE):
            entries = await self._indexer.entries([record for _, record in page])
            await self._store.reindex([(handle, entry) for (handle, _), entry in zip(page, entries, strict=True)])
            after = page[-1][0]
            done += len(page)
            if progress is not None:
                await progress(done, max(total, done), "rebuilding the index")
        return done

    async def _named(self, memory_id: str, scope: Scope) -> tuple[Handle, MemoryRecord]:
        found = await self._store.named([memory_id], scope)
        if not found:
            raise MemoryNotFound(memory_id)
        if len(found) > 1:
            raise AmbiguousId(f"Memory {memory_id}")
        return found[0]

    def _operation(self, kind: OperationKind, caller: Caller) -> Operation:
        return Operation(id=self._new_id(), kind=kind, at=self._clock(), by=caller.name)

    def _check_enabled(self) -> None:
        if not self._enabled:
            raise FeatureDisabled("Long-term memory is disabled; set LONG_TERM_MEMORY=true to use it")


def _outcome(added: Added) -> tuple[str, str]:
    return added.outcome, added.record.id


def _adds_nothing(new: NewMemory, record: MemoryRecord, there: MemoryRecord) -> bool:
    """Say whether the memory that is there already carries all that the client gave."""
    if new.id is None:
        return True
    return new.id != there.id or all(getattr(record, name) == getattr(there, name) for name in new.model_fields_set)


def _refuse_ambiguous(asked: Sequence[str], found: Sequence[MemoryRecord]) -> None:
    """Refuse to delete by an id that names memories of several scopes: the caller means one of them."""
    ids = [record.id for record in found]
    for memory_id in asked:
        if ids.count(memory_id) > 1:
            raise AmbiguousId(f"Memory {memory_id}")
