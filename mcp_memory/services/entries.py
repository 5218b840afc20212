"""From a record to what the store keeps of it: the record, its words, its cues and its vector."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.errors import EmbedderUnavailable
from mcp_memory.ports.given import Progress
from mcp_memory.ports.memories import Entry
from mcp_memory.ports.models import Embedder, Generation
from mcp_memory.retrieval.cues import cues
from mcp_memory.retrieval.words import index_terms

logger = logging.getLogger(__name__)

CHUNK = 64
"""Texts embedded between two reports of progress."""


def told(record: MemoryRecord) -> str:
    """Return the text as it is looked up: with who said it, where the text does not begin with that."""
    source = record.source
    if source is None or record.text.casefold().startswith(source.casefold()):
        return record.text
    return f"{source}: {record.text}"


def labelled(record: MemoryRecord) -> str:
    """Return the text with the labels that it does not hold itself: they are words to find it by."""
    held = record.text.casefold()
    labels = [label for label in (*record.topics, *record.entities) if label.casefold() not in held]
    return " ".join([told(record), *labels])


class Indexer:
    """Derives everything by which a memory is found again."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def generation(self) -> Generation:
        """What new vectors are made by."""
        return self._embedder.generation

    def plain(self, record: MemoryRecord) -> Entry:
        """Return the entry without a vector."""
        return Entry(record, index_terms(labelled(record), record.dated), cues(record))

    async def entries(self, records: Sequence[MemoryRecord], progress: Progress | None = None) -> list[Entry]:
        """Return the entries with their vectors.

        Without an embedder the memories are kept all the same and found by their words: better than losing them.
        """
        found: list[Entry] = []
        for start in range(0, len(records), CHUNK):
            found += await self._embedded(records[start : start + CHUNK])
            if progress is not None:
                await progress(len(found), len(records), "embedding")
        return found

    async def _embedded(self, records: Sequence[MemoryRecord]) -> list[Entry]:
        try:
            return await self.embedded(records)
        except EmbedderUnavailable as error:
            logger.warning("stored without vectors, run agent-memory reembed later: %s", error)
            return [self.plain(record) for record in records]

    async def embedded(self, records: Sequence[MemoryRecord]) -> list[Entry]:
        """Return the entries with their vectors, made in one call.

        Raises:
            EmbedderUnavailable: no vectors can be made.
        """
        vectors = await self._embedder.embed([told(record) for record in records])
        generation = self._embedder.generation
        return [
            replace(self.plain(record), vector=vector, generation=generation)
            for record, vector in zip(records, vectors, strict=True)
        ]
