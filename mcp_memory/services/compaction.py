"""Making exact duplicates one memory, so that nothing they carried is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from mcp_memory.domain.filters import Where
from mcp_memory.domain.operations import Operation
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.ports import Clock, Handle, MemoryStore, Merge, Progress
from mcp_memory.services.entries import Indexer

Held = tuple[Handle, MemoryRecord]


class Compactor:
    """Merges memories that say the same to the letter within one scope."""

    def __init__(self, store: MemoryStore, indexer: Indexer, clock: Clock) -> None:
        self._store = store
        self._indexer = indexer
        self._clock = clock

    async def compact(self, where: Where, operation: Operation, progress: Progress | None = None) -> int:
        """Merge every group of exact duplicates in one pass; return how many memories were retired."""
        groups = await self._store.duplicates(where)
        retired = 0
        for done, group in enumerate(groups, start=1):
            retired += await self._merged(group, operation)
            if progress is not None:
                await progress(done, len(groups), "compacting")
        return retired

    async def _merged(self, group: Sequence[Held], operation: Operation) -> int:
        """Merge what may be retired into the survivor; a group that changed meanwhile waits for the next run."""
        pinned = [held for held in group if held[1].pinned]
        survivor = pinned[0] if pinned else group[0]
        others = [held for held in group if held is not survivor and not held[1].pinned]
        if not others:
            return 0
        record = union(survivor[1], [held[1] for held in others], self._clock())
        sources = tuple((handle, source.version) for handle, source in (survivor, *others))
        (merged,) = await self._store.merge([Merge(self._indexer.plain(record), sources)], operation)
        return len(others) if merged is not None else 0


def union(survivor: MemoryRecord, others: Sequence[MemoryRecord], now: datetime) -> MemoryRecord:
    """Return the survivor with everything that the others carried besides their text."""
    every = [survivor, *others]
    ends = [record.valid_to for record in every]
    return survivor.model_copy(
        update={
            "created_at": min(record.created_at for record in every),
            "last_accessed": max(record.last_accessed for record in every),
            "updated_at": now,
            "access_count": sum(record.access_count for record in every),
            "topics": _distinct(label for record in every for label in record.topics),
            "entities": _distinct(label for record in every for label in record.entities),
            "supersedes": _distinct(label for record in every for label in record.supersedes),
            "extracted_from": _distinct(s for record in every for s in record.extracted_from or ()) or None,
            "metadata": {key: value for record in reversed(every) for key, value in record.metadata.items()},
            "source": next((record.source for record in every if record.source), None),
            "valid_from": min((r.valid_from for r in every if r.valid_from), default=None),
            # One that never ended says that the fact still holds.
            "valid_to": None if None in ends else max(end for end in ends if end),
        }
    )


def _distinct(labels: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(labels))
