"""Writes: what becomes of entries in one transaction. Every function is called within one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace as with_record
from typing import Literal

import apsw
import numpy as np

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import IdTaken, MemoryNotFound, VersionConflict
from mcp_memory.ports import Added, Entry, Generation
from mcp_memory.stores.sqlite import reading, vectors
from mcp_memory.stores.sqlite.blocks import seal_full
from mcp_memory.stores.sqlite.rows import (
    Numbers,
    content_in,
    content_of,
    cues_blob,
    label_rows,
    memory_row,
)
from mcp_memory.stores.sqlite.search import generation_number
from mcp_memory.stores.sqlite.statements import sql

_Pending = tuple[int, Entry, Numbers, int | None]


def number_of(connection: apsw.Connection, kind: int, name: str | None) -> int:
    """Return the number of a name, given it now if it has none."""
    if name is None:
        return 0
    found = connection.execute(sql("name_number"), (kind, name)).get
    return int(found or connection.execute(sql("add_name"), (kind, name)).get)


def add(
    connection: apsw.Connection, entries: Sequence[Entry], duplicates: Literal["keep_first", "keep_both"]
) -> list[Added]:
    """Store the entries; answer what became of each."""
    batch = Batch(connection, duplicates)
    added = [batch.add(entry) for entry in entries]
    batch.flush()
    return added


class Batch:
    """The entries of one ``add``; new ones are gathered and written together."""

    def __init__(self, connection: apsw.Connection, duplicates: Literal["keep_first", "keep_both"]) -> None:
        self._connection = connection
        self._keep_first = duplicates == "keep_first"
        self._last = int(str(connection.execute(sql("last_numbers")).get[0]))
        self._scopes: dict[Scope, Numbers] = {}
        self._ids: set[tuple[str, int, int]] = set()
        self._contents: dict[int, MemoryRecord] = {}
        self._new: list[_Pending] = []

    def add(self, entry: Entry) -> Added:
        """Decide what becomes of the entry, and remember it."""
        record, scope = entry.record, entry.record.scope
        numbers = self._numbers(scope)
        name = (record.id, *numbers[:2])
        if name in self._ids:
            self.flush()
        handle = self._connection.execute(sql("held_handle"), name).get
        if handle is not None:
            self.flush()
            return Added(_replaced(self._connection, int(handle), entry, numbers), "replaced")
        content = None if record.memory_hash is None else content_in(scope, record.memory_hash)
        if self._keep_first and content is not None and (there := self._holder(content, record, scope)) is not None:
            return Added(there, "duplicate")
        self._last += 1
        self._ids.add(name)
        if content is not None:
            self._contents.setdefault(content, record)
        self._new.append((self._last, entry, numbers, content))
        if record.supersedes:
            self.flush()
            end_superseded(self._connection, record, numbers, self._last)
        return Added(record, "stored")

    def _numbers(self, scope: Scope) -> Numbers:
        numbers = self._scopes.get(scope)
        if numbers is None:
            names = enumerate((scope.namespace, scope.user_id, scope.session_id))
            first, second, third = (number_of(self._connection, kind, name) for kind, name in names)
            numbers = self._scopes[scope] = (first, second, third)
        return numbers

    def _holder(self, content: int, record: MemoryRecord, scope: Scope) -> MemoryRecord | None:
        there = self._contents.get(content)
        return there or reading.holder(self._connection, scope, record.memory_hash or "")

    def flush(self) -> None:
        """Write what was gathered."""
        new, self._new = self._new, []
        self._ids.clear()
        self._contents.clear()
        if not new:
            return
        write = self._connection.executemany
        write(
            sql("add_memory"),
            [(handle, *memory_row(e.record, numbers, content)) for handle, e, numbers, content in new],
        )
        stored = _stored(self._connection, [entry for _, entry, _, _ in new])
        write(sql("add_facets"), [(one[0], *_facets(one[1]), *vector) for one, vector in zip(new, stored, strict=True)])
        write(sql("add_words"), [(handle, entry.terms) for handle, entry, _, _ in new])
        write(sql("add_label"), [row for handle, entry, _, _ in new for row in label_rows(entry.record, handle)])
        write(sql("remove_alias"), [(entry.record.id, *numbers[:2]) for _, entry, numbers, _ in new])
        seal_full(self._connection, self._last)


def _facets(entry: Entry) -> tuple[int, int, bytes, str, int]:
    """Return access and cues of an entry, as ``facets`` keeps them."""
    record = entry.record
    return microseconds(record.last_accessed), record.access_count, *_cues(entry)


def _cues(entry: Entry) -> tuple[bytes, str, int]:
    return cues_blob(entry.record, entry.cues), entry.cues.speaker, len(entry.terms.split())


def _stored(connection: apsw.Connection, entries: Sequence[Entry]) -> list[tuple[int, bytes | None]]:
    """Return the generation's number and the stored form of each entry's vector."""
    found: list[tuple[int, bytes | None]] = [(0, None)] * len(entries)
    places: dict[Generation, list[int]] = {}
    for place, entry in enumerate(entries):
        if entry.vector is not None and entry.generation is not None:
            places.setdefault(entry.generation, []).append(place)
    for generation, among in places.items():
        number = generation_number(connection, generation)
        if not number:
            named = (generation.model, generation.dimensions, generation.digest)
            number = int(connection.execute(sql("add_generation"), named).get)
        packed = vectors.packed([vector for place in among if (vector := entries[place].vector) is not None])
        for place, blob in zip(among, packed, strict=True):
            found[place] = (number, blob)
    return found


def _replaced(connection: apsw.Connection, handle: int, entry: Entry, numbers: Numbers) -> MemoryRecord:
    (there,) = reading.records(connection, [handle])
    if there is None:
        raise MemoryNotFound(entry.record.id)
    kept = {name: getattr(there, name) for name in ("created_at", "access_count", "persisted_at")}
    record = entry.record.model_copy(update=kept | {"version": there.version + 1})
    overwrite(connection, handle, with_record(entry, record=record), there)
    end_superseded(connection, record, numbers, handle)
    return record


def overwrite(connection: apsw.Connection, handle: int, entry: Entry, there: MemoryRecord) -> None:
    """Write the entry over the memory."""
    record = entry.record
    names = enumerate((record.namespace, record.user_id, record.session_id))
    first, second, third = (number_of(connection, kind, name) for kind, name in names)
    numbers = (first, second, third)
    connection.execute(sql("change_memory"), (*memory_row(record, numbers, content_of(record)), handle))
    connection.execute(sql("change_facets"), (*_facets(entry), handle))
    if entry.vector is not None or record.text != there.text:
        connection.execute(sql("change_vector"), (*_stored(connection, [entry])[0], handle))
    connection.execute(sql("remove_labels"), (handle,))
    connection.executemany(sql("add_label"), label_rows(record, handle))
    _write_words(connection, handle, entry.terms)
    connection.execute(sql("add_change"), (handle,))


def _write_words(connection: apsw.Connection, handle: int, terms: str) -> None:
    connection.execute(sql("remove_words"), (handle,))
    connection.execute(sql("add_words"), (handle, terms))


def end_superseded(connection: apsw.Connection, record: MemoryRecord, numbers: Numbers, handle: int) -> None:
    """End the memories that the record supersedes, where they had not ended before."""
    for old_id in record.supersedes:
        name = (old_id, *numbers[:2])
        old = connection.execute(sql("held_handle"), name).get or connection.execute(sql("alias_handle"), name).get
        if old is None or old == handle:
            continue
        if connection.execute(sql("end_memory"), (microseconds(record.holds_from), old)).get is not None:
            connection.execute(sql("add_change"), (old,))


def replace(connection: apsw.Connection, handle: int, entry: Entry, expected_version: int) -> MemoryRecord:
    """Write the entry over the memory if it is still at the version."""
    (there,) = reading.records(connection, [handle])
    if there is None:
        raise MemoryNotFound(entry.record.id)
    if there.version != expected_version:
        raise VersionConflict(f"Memory {entry.record.id}", expected_version, there.version)
    owner = enumerate((entry.record.namespace, entry.record.user_id))
    holder = connection.execute(sql("held_handle"), (entry.record.id, *(number_of(connection, *n) for n in owner))).get
    if holder not in (None, handle):
        raise IdTaken(entry.record.id)
    return _put(connection, handle, entry, there)


def _put(connection: apsw.Connection, handle: int, entry: Entry, there: MemoryRecord) -> MemoryRecord:
    record = entry.record.model_copy(update={"version": there.version + 1})
    overwrite(connection, handle, with_record(entry, record=record), there)
    _, first, second, third = connection.execute(sql("version"), (handle,)).get
    end_superseded(connection, record, (int(first), int(second), int(third)), handle)
    return record


def merge(
    connection: apsw.Connection, handle: int, entry: Entry, sources: Sequence[tuple[int, int]]
) -> MemoryRecord | None:
    """Write the entry over the memory and retire the other sources, if none of them changed."""
    there = reading.records(connection, [source for source, _ in sources])
    for record, (_, version) in zip(there, sources, strict=True):
        if record is None or record.version != version:
            return None
    retired = [source for source, _ in sources if source != handle]
    connection.executemany(sql("move_aliases"), [(handle, source) for source in retired])
    connection.executemany(sql("add_alias"), [(handle, source) for source in retired])
    _remove(connection, retired)
    (mine,) = reading.records(connection, [handle])
    return None if mine is None else _put(connection, handle, entry, mine)


def remove(connection: apsw.Connection, handles: Iterable[int]) -> int:
    """Delete the memories with all that is derived of them, and the names of what was merged into them."""
    there = [handle for handle in dict.fromkeys(handles) if connection.execute(sql("version"), (handle,)).get]
    connection.executemany(sql("remove_aliases"), [(handle,) for handle in there])
    _remove(connection, there)
    return len(there)


def _remove(connection: apsw.Connection, handles: Sequence[int]) -> None:
    each = [(handle,) for handle in handles]
    for name in ("remove_memory", "remove_facets", "remove_labels", "remove_words", "add_change"):
        connection.executemany(sql(name), each)


def touch(connection: apsw.Connection, handles: Sequence[int], now: int, unless_since: int) -> None:
    """Count an access of the memories that were not accessed since."""
    if handles:
        connection.execute(sql("touch"), (apsw.carray(np.array(handles, np.int64)), now, unless_since))


def reindex(connection: apsw.Connection, entries: Sequence[tuple[int, Entry]]) -> None:
    """Write words, cues and vectors anew of the memories that are still at the entry's version."""
    stored = _stored(connection, [entry for _, entry in entries])
    for (handle, entry), vector in zip(entries, stored, strict=True):
        there = connection.execute(sql("version"), (handle,)).get
        if there is None or there[0] != entry.record.version:
            continue
        _write_words(connection, handle, entry.terms)
        connection.execute(sql("change_cues"), (*_cues(entry), handle))
        connection.execute(sql("change_vector"), (*vector, handle))
        connection.execute(sql("add_change"), (handle,))
