"""What keeps memories findable when the program changes around them: their vectors, after a change of the model."""

from __future__ import annotations

from mcp_memory.ports.given import Progress
from mcp_memory.ports.memories import Handle, MemoryStore
from mcp_memory.ports.models import Embedder
from mcp_memory.services.entries import CHUNK, Indexer


class Upkeep:
    """Care of what is stored that nobody asks for memory by memory."""

    def __init__(self, store: MemoryStore, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder
        self._indexer = Indexer(embedder)

    async def reembed_due(self) -> bool:
        """Say whether any memory has no vector of the present model; cheap, to be asked at every start."""
        return bool(await self._store.outdated(self._embedder.generation, None, 1))

    async def reembed(self, progress: Progress | None = None) -> int:
        """Make the vectors that are missing or of another model; return how many memories they were made for.

        May be ended at any moment and begun again: what is done is not done twice. Meanwhile words find the others.

        Raises:
            EmbedderUnavailable: no vectors can be made; those that were there before are kept.
        """
        generation = self._embedder.generation
        total = await self._store.count_outdated(generation)
        done = 0
        after: Handle | None = None
        while page := await self._store.outdated(generation, after, CHUNK):
            entries = await self._indexer.embedded([record for _, record in page])
            await self._store.reindex([(handle, entry) for (handle, _), entry in zip(page, entries, strict=True)])
            after = page[-1][0]
            done += len(page)
            if progress is not None:
                await progress(done, max(total, done), "re-embedding")
        return done
