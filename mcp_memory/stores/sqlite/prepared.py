"""Entries made ready to be written: all that can be reckoned of them without the file, before it is locked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Entry
from mcp_memory.stores import vectors
from mcp_memory.stores.sqlite.rows import Place, Row, cues_blob, labels_of, memory_columns

Names: TypeAlias = tuple[str | None, str | None, str | None]
"""Namespace, user and session."""


class Prepared(NamedTuple):
    """An entry with the columns that are made of it."""

    entry: Entry
    names: Names
    content: int | None
    memory: Row
    """Of ``memories``, after the numbers of the scope."""
    facets: tuple[int, int, bytes, str, int]
    """Of ``facets``: access and cues."""
    vector: bytes | None
    labels: Sequence[tuple[int, str]]


def prepared(entries: Sequence[Entry]) -> list[Prepared]:
    """Return the entries with their columns."""
    places: dict[Names, tuple[Names, Place]] = {}
    ready = []
    for entry, vector in zip(entries, _packed(entries), strict=True):
        record = entry.record
        names = record.namespace, record.user_id, record.session_id
        known = places.get(names)
        if known is None:
            known = places[names] = names, Place(Scope(*names))
        # One tuple of the same names for all: the fewer objects, the less there is for the garbage collector to do.
        names, place = known
        content = None if record.memory_hash is None else place.content(record.memory_hash)
        columns = memory_columns(record, place.thread(record), content)
        facets = (microseconds(record.last_accessed), record.access_count, *_cues(entry))
        ready.append(Prepared(entry, names, content, columns, facets, vector, labels_of(record)))
    return ready


def _cues(entry: Entry) -> tuple[bytes, str, int]:
    """Return cues, speaker and length of an entry, as ``facets`` keeps them."""
    return cues_blob(entry.record, entry.cues), entry.cues.speaker, len(entry.terms.split())


def _packed(entries: Sequence[Entry]) -> list[bytes | None]:
    """Return the stored form of each entry's vector; None where it has none, or none of a known generation."""
    found: list[bytes | None] = [None] * len(entries)
    by_length: dict[int, list[int]] = {}
    for place, entry in enumerate(entries):
        if entry.vector is not None and entry.generation is not None:
            by_length.setdefault(len(entry.vector), []).append(place)
    for among in by_length.values():
        blobs = vectors.packed([vector for place in among if (vector := entries[place].vector) is not None])
        for place, blob in zip(among, blobs, strict=True):
            found[place] = blob
    return found
