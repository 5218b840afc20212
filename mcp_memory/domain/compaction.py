"""What a compaction did, or would do: steps that people can read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from mcp_memory.domain.identity import content_hash
from mcp_memory.domain.records import MemoryRecord, Record


class StepKind(StrEnum):
    """What becomes of some memories."""

    EXACT = "exact"
    """They say the same to the letter, and become one."""
    MERGE = "merge"
    """They say the same in other words, and become one."""
    SUPERSEDE = "supersede"
    """The last one ends the others."""
    SUGGEST = "suggest"
    """A person should look."""


class Step(Record):
    """One step of a compaction."""

    kind: StepKind
    reason: str
    before: list[MemoryRecord]
    after: MemoryRecord | None = None
    """What takes their place, or holds from now on."""


def union(survivor: MemoryRecord, others: Sequence[MemoryRecord]) -> MemoryRecord:
    """Return the survivor with everything that the others carried besides their text."""
    every = [survivor, *others]
    ends = [record.valid_to for record in every]
    event_date = next((record.event_date for record in every if record.event_date), None)
    return survivor.model_copy(
        update={
            "memory_hash": content_hash(survivor.text, survivor.memory_type, event_date),
            "event_date": event_date,
            "created_at": min(record.created_at for record in every),
            "last_accessed": max(record.last_accessed for record in every),
            "updated_at": max(record.updated_at for record in every),
            "access_count": sum(record.access_count for record in every),
            "topics": _distinct(label for record in every for label in record.topics),
            "entities": _distinct(label for record in every for label in record.entities),
            "supersedes": _distinct(label for record in every for label in record.supersedes),
            "extracted_from": _distinct(s for record in every for s in record.extracted_from or ()) or None,
            "metadata": {key: value for record in reversed(every) for key, value in record.metadata.items()},
            "source": next((record.source for record in every if record.source), None),
            "pinned": any(record.pinned for record in every),
            "valid_from": min((r.valid_from for r in every if r.valid_from), default=None),
            # One that never ended says that the fact still holds.
            "valid_to": None if None in ends else max(end for end in ends if end),
        }
    )


def _distinct(labels: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(labels))
