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
from mcp_memory.ports import Added, Entry, Generation, Merge
from mcp_memory.stores.sqlite import reading, vectors
from mcp_memory.stores.sqlite.blocks import seal_full
from mcp_memory.stores.sqlite.recording import Recorder
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
"""Handle, entry, numbers of its scope, number of its content."""


def number_of(connection: apsw.Connection, kind: int, name: str | None) -> int:
    """Return the number of a name, given it now if it has none."""
    if name is None:
        return 0
    found = connection.execute(sql("name_number"), (kind, name)).get
    return int(found or connection.execute(sql("add_name"), (kind, name)).get)


def add(recorder: Recorder, entries: Sequence[Entry], duplicates: Literal["keep_first", "keep_both"]) -> list[Added]:
    """Store the entries; answer what became of each."""
    batch = Batch(recorder, duplicates)
    added = [batch.add(entry) for entry in entries]
    batch.flush()
    return added


class Batch:
    """The entries of one ``add``; new ones are gathered and written together."""

    def __init__(self, recorder: Recorder, duplicates: Literal["keep_first", "keep_both"]) -> None:
        self._recorder = recorder
        self._connection = connection = recorder.connection
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
            return Added(_replaced(self._recorder, int(handle), entry), "replaced")
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
            end_superseded(self._recorder, record, self._last)
        return Added(record, "stored")

    def _numbers(self, scope: Scope) -> Numbers:
        numbers = self._scopes.get(scope)
        if numbers is None:
            numbers = self._scopes[scope] = numbers_given(self._connection, scope)
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
        self._recorder.created((handle, numbers) for handle, _, numbers, _ in new)
        for handle, entry, numbers, _ in new:
            self._take_name(handle, entry.record.id, numbers)
        insert(self._connection, new)
        seal_full(self._connection, self._last)

    def _take_name(self, handle: int, memory_id: str, numbers: Numbers) -> None:
        """Take the name from the memory that it found so far, if it was merged away."""
        name = (memory_id, *numbers[:2])
        found = self._connection.execute(sql("alias_handle"), name).get
        if found is not None:
            (there,) = reading.records(self._connection, [int(found)])
            if there is not None:
                self._recorder.changing(int(found), there, there.version, unit=handle, vector=False)
            self._connection.execute(sql("remove_alias"), name)


def insert(connection: apsw.Connection, new: Sequence[_Pending]) -> None:
    """Write memories that are not there, with all that is derived of them."""
    write = connection.executemany
    write(sql("add_memory"), [(handle, *memory_row(e.record, numbers, content)) for handle, e, numbers, content in new])
    stored = _stored(connection, [entry for _, entry, _, _ in new])
    write(sql("add_facets"), [(one[0], *_facets(one[1]), *vector) for one, vector in zip(new, stored, strict=True)])
    write(sql("add_words"), [(handle, entry.terms) for handle, entry, _, _ in new])
    write(sql("add_label"), [row for handle, entry, _, _ in new for row in label_rows(entry.record, handle)])


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


def numbers_given(connection: apsw.Connection, scope: Scope) -> Numbers:
    """Return the numbers of the scope's names, given now to those that have none."""
    names = enumerate((scope.namespace, scope.user_id, scope.session_id))
    first, second, third = (number_of(connection, kind, name) for kind, name in names)
    return first, second, third


def _replaced(recorder: Recorder, handle: int, entry: Entry) -> MemoryRecord:
    (there,) = reading.records(recorder.connection, [handle])
    if there is None:
        raise MemoryNotFound(entry.record.id)
    kept = {name: getattr(there, name) for name in ("created_at", "access_count", "persisted_at")}
    return _put(recorder, handle, with_record(entry, record=entry.record.model_copy(update=kept)), there)


def _put(recorder: Recorder, handle: int, entry: Entry, there: MemoryRecord) -> MemoryRecord:
    """Write the entry over the memory, at its next version."""
    record = entry.record.model_copy(update={"version": recorder.next_version(handle, there.version)})
    vector = entry.vector is not None or record.text != there.text
    recorder.changing(handle, there, record.version, unit=handle, vector=vector)
    overwrite(recorder.connection, handle, with_record(entry, record=record), vector=vector)
    end_superseded(recorder, record, handle)
    return record


def overwrite(connection: apsw.Connection, handle: int, entry: Entry, *, vector: bool) -> None:
    """Write the entry over the memory; with its vector, or without."""
    record = entry.record
    numbers = numbers_given(connection, record.scope)
    connection.execute(sql("change_memory"), (*memory_row(record, numbers, content_of(record)), handle))
    connection.execute(sql("change_facets"), (*_facets(entry), handle))
    if vector:
        connection.execute(sql("change_vector"), (*_stored(connection, [entry])[0], handle))
    connection.execute(sql("remove_labels"), (handle,))
    connection.executemany(sql("add_label"), label_rows(record, handle))
    _write_words(connection, handle, entry.terms)
    connection.execute(sql("add_change"), (handle,))


def _write_words(connection: apsw.Connection, handle: int, terms: str) -> None:
    connection.execute(sql("remove_words"), (handle,))
    connection.execute(sql("add_words"), (handle, terms))


def end_superseded(recorder: Recorder, record: MemoryRecord, handle: int) -> None:
    """End the memories that the record supersedes, where they had not ended before."""
    connection = recorder.connection
    for old_id in record.supersedes:
        name = (old_id, *numbers_given(connection, record.scope)[:2])
        found = connection.execute(sql("held_handle"), name).get or connection.execute(sql("alias_handle"), name).get
        if found is None or found == handle:
            continue
        old = int(found)
        (there,) = reading.records(connection, [old])
        if there is None or there.ended_by(record.holds_from):
            continue
        version = recorder.next_version(old, there.version)
        recorder.changing(old, there, version, unit=handle, vector=False)
        connection.execute(sql("end_memory"), (microseconds(record.holds_from), version, old))
        connection.execute(sql("add_change"), (old,))


def replace(recorder: Recorder, handle: int, entry: Entry, expected_version: int) -> MemoryRecord:
    """Write the entry over the memory if it is still at the version."""
    connection = recorder.connection
    (there,) = reading.records(connection, [handle])
    if there is None:
        raise MemoryNotFound(entry.record.id)
    if there.version != expected_version:
        raise VersionConflict(f"Memory {entry.record.id}", expected_version, there.version)
    owner = numbers_given(connection, entry.record.scope)[:2]
    if connection.execute(sql("held_handle"), (entry.record.id, *owner)).get not in (None, handle):
        raise IdTaken(entry.record.id)
    return _put(recorder, handle, entry, there)


def merge(recorder: Recorder, merged: Merge) -> MemoryRecord | None:
    """Write the entry over the first source and retire the others into it, if none of them changed."""
    connection = recorder.connection
    read = [(int(source), version) for source, version in (*merged.sources, *merged.unchanged)]
    there = reading.records(connection, [source for source, _ in read])
    for record, (_, version) in zip(there, read, strict=True):
        if record is None or record.version != version:
            return None
    into, *retired = [int(source) for source, _ in merged.sources]
    mine, *others = [record for record in there[: len(merged.sources)] if record is not None]
    for source, record in zip(retired, others, strict=True):
        recorder.changing(source, record, None, unit=into, vector=True)
    stored = _put(recorder, into, merged.entry, mine)
    connection.executemany(sql("move_aliases"), [(into, source) for source in retired])
    connection.executemany(sql("add_alias"), [(into, source) for source in retired])
    delete(connection, retired)
    return stored


def remove(recorder: Recorder, handles: Iterable[int]) -> int:
    """Delete the memories with all that is derived of them, and the names of what was merged into them."""
    asked = list(dict.fromkeys(handles))
    found = zip(asked, reading.records(recorder.connection, asked), strict=True)
    there = [(handle, record) for handle, record in found if record is not None]
    for handle, record in there:
        recorder.changing(handle, record, None, unit=handle, vector=True)
    delete(recorder.connection, [handle for handle, _ in there])
    return len(there)


def delete(connection: apsw.Connection, handles: Sequence[int]) -> None:
    """Delete the rows of memories, what is derived of them, and the names that still lead to them."""
    each = [(handle,) for handle in handles]
    names = ("remove_memory", "remove_facets", "remove_labels", "remove_words", "remove_aliases", "add_change")
    for name in names:
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
