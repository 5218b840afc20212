"""Entries made ready to be stored: their words, their vectors in small, the numbers of their models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.ports.memories import Cues, Entry
from mcp_memory.ports.models import Generation
from mcp_memory.stores import vectors
from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.documents import Stored
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.rows import Vector
from mcp_memory.stores.redis.words import Words


class Prepared(NamedTuple):
    """An entry with what is derived of it."""

    record: MemoryRecord
    words: str
    length: int
    cues: Cues
    vector: Vector | None

    @property
    def content(self) -> str | None:
        """What stands for the content in its scope."""
        return keys.content_of(self.record)

    def stored(self, handle: int) -> Stored:
        """Return the memory that the entry makes under a handle."""
        return Stored(handle, self.record, self.words, self.length, self.cues, self.vector, top=self.record.version)


async def prepared(entries: Sequence[Entry], words: Words, generations: Generations) -> list[Prepared]:
    """Return the entries with what is derived of them; their vectors may be written from then on."""
    return [
        Prepared(entry.record, words.of_text(entry.terms), len(entry.terms.split()), entry.cues, vector)
        for entry, vector in zip(entries, await _vectors(entries, generations), strict=True)
    ]


async def _vectors(entries: Sequence[Entry], generations: Generations) -> list[Vector | None]:
    found: list[Vector | None] = [None] * len(entries)
    places: dict[Generation, list[int]] = {}
    for place, entry in enumerate(entries):
        if entry.vector is not None and entry.generation is not None:
            places.setdefault(entry.generation, []).append(place)
    for generation, among in places.items():
        number = await generations.ready(generation)
        packed = vectors.packed([vector for place in among if (vector := entries[place].vector) is not None])
        for place, blob in zip(among, packed, strict=True):
            found[place] = Vector(number, blob)
    return found
