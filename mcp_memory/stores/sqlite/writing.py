"""Writes: what becomes of entries in one transaction. Every function is called within one."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace as with_record
from typing import Literal, NamedTuple

import apsw

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import IdTaken, MemoryNotFound, VersionConflict
from mcp_memory.ports.memories import Added, Entry, Merge
from mcp_memory.ports.models import Generation
from mcp_memory.stores.sqlite import filters, reading, vectors, words
from mcp_memory.stores.sqlite.blocks import seal_full
from mcp_memory.stores.sqlite.recording import Recorder
from mcp_memory.stores.sqlite.rows import (
    Numbers,
    Place,
    Row,
    cues_blob,
    label_rows,
    memory_row,
)
from mcp_memory.stores.sqlite.search import generation_number
from mcp_memory.stores.sqlite.statements import sql

_Name = tuple[str, int, int]
"""Id, namespace and user: what names one memory."""


class New(NamedTuple):
    """An entry that is to be stored, with its name, the numbers of its scope, and those that are reckoned from it."""

    entry: Entry
    name: _Name
    numbers: Numbers
    thread: int
    content: int | None


def number_of(connection: apsw.Connection, kind: int, name: str | None) -> int:
    """Return the number of a name, given it now if it has none."""
    if name is None:
        return 0
    found = connection.execute(sql("name_number"), (kind, name)).get
    return int(found or connection.execute(sql("add_name"), (kind, name)).get)


def add(recorder: Recorder, entries: Sequence[Entry], duplicates: Literal["keep_first", "keep_both"]) -> list[Added]:
    """Store the entries; answer what became of each."""
    batch = Batch(recorder, duplicates)
    added = [batch.add(new) for new in batch.read(entries)]
    batch.flush()
    return added


class Batch:
    """The entries of one ``add``; new ones are gathered and written together."""

    def __init__(self, recorder: Recorder, duplicates: Literal["keep_first", "keep_both"]) -> None:
        self._recorder = recorder
        self._connection = connection = recorder.connection
        self._keep_first = duplicates == "keep_first"
        self._last = int(connection.execute(sql("last_handle")).get or 0)
        self._scopes: dict[tuple[str | None, ...], tuple[Numbers, Place]] = {}
        self._held: dict[_Name, int] = {}
        self._aliases: dict[_Name, int] = {}
        self._contents: dict[int, MemoryRecord | None] = {}
        self._new: list[tuple[int, New]] = []

    def read(self, entries: Sequence[Entry]) -> list[New]:
        """Look up, a scope at a time, which names and contents are in the file; later it is not asked one by one."""
        read: list[New] = []
        among: dict[Numbers, list[New]] = {}
        for entry in entries:
            new = placed(entry, *self._scope(entry.record))
            read.append(new)
            among.setdefault(new.numbers, []).append(new)
        for numbers, some in among.items():
            self._look_up(numbers, some)
        return read

    def _scope(self, record: MemoryRecord) -> tuple[Numbers, Place]:
        names = record.namespace, record.user_id, record.session_id
        known = self._scopes.get(names)
        if known is None:
            scope = record.scope
            known = self._scopes[names] = numbers_given(self._connection, scope), Place(scope)
        return known

    def _look_up(self, numbers: Numbers, some: Sequence[New]) -> None:
        # A text of such an array ends at a NUL, bytes do not.
        ids = apsw.carray(tuple([new.name[0].encode() for new in some]))
        contents = array("q", [new.content for new in some if new.content is not None])
        bound = (ids, *numbers, apsw.carray(contents) if contents and self._keep_first else None)
        for kind, found, handle in self._connection.execute(sql("held"), bound):
            if kind == "content":
                self._contents[int(str(found))] = None
            else:
                names = self._held if kind == "name" else self._aliases
                names[(str(found), *numbers[:2])] = int(str(handle))

    def add(self, new: New) -> Added:
        """Decide what becomes of the entry, and remember it."""
        record, content = new.entry.record, new.content
        handle = self._held.get(new.name)
        if handle is not None:
            self.flush()
            if content is not None:
                self._contents[content] = None
            return Added(_replaced(self._recorder, handle, new.entry), "replaced")
        there = self._holder(content, record) if self._keep_first and content in self._contents else None
        if there is not None and there.repeated_by(record):
            return Added(there, "duplicate")
        self._last += 1
        self._held[new.name] = self._last
        if content is not None:
            self._contents[content] = record
        self._new.append((self._last, new))
        if record.supersedes:
            self.flush()
            end_superseded(self._recorder, record, self._last)
        return Added(record, "stored")

    def _holder(self, content: int | None, record: MemoryRecord) -> MemoryRecord | None:
        """Return the memory of the content: one of this call, or what the file holds in truth."""
        known = None if content is None else self._contents[content]
        return known or reading.holder(self._connection, record.scope, record.memory_hash or "")

    def flush(self) -> None:
        """Write what was gathered."""
        gathered, self._new = self._new, []
        # From here on the file knows better what became of them.
        self._contents = dict.fromkeys(self._contents)
        if not gathered:
            return
        self._recorder.created((handle, new.numbers) for handle, new in gathered)
        if self._aliases:
            for handle, new in gathered:
                self._take_name(handle, new.name)
        insert(self._connection, gathered)
        seal_full(self._connection, gathered[0][0], self._last)

    def _take_name(self, handle: int, name: _Name) -> None:
        """Take the name from the memory that it found so far, if it was merged away."""
        found = self._aliases.get(name)
        if found is not None:
            (there,) = reading.records(self._connection, [found])
            if there is not None:
                self._recorder.changing(found, there, there.version, unit=handle, vector=False)
            self._connection.execute(sql("remove_alias"), name)


def placed(entry: Entry, numbers: Numbers, place: Place) -> New:
    """Return the entry with what is reckoned from it."""
    record = entry.record
    content = None if record.memory_hash is None else place.content(record.memory_hash)
    return New(entry, (record.id, *numbers[:2]), numbers, place.thread(record), content)


def insert(connection: apsw.Connection, gathered: Sequence[tuple[int, New]]) -> None:
    """Write memories that are not there, with all that is derived of them."""
    write = connection.executemany
    write(sql("add_memory"), [(handle, *_memory(new)) for handle, new in gathered])
    stored = _stored(connection, [new.entry for _, new in gathered])
    facets = zip(gathered, stored, strict=True)
    write(sql("add_facets"), [(handle, *_facets(new.entry), *vector) for (handle, new), vector in facets])
    words.add(connection, [(handle, new.entry.terms) for handle, new in gathered])
    if labels := [row for handle, new in gathered for row in label_rows(new.entry.record, handle)]:
        write(sql("add_label"), labels)


def _memory(new: New) -> Row:
    return memory_row(new.entry.record, new.numbers, new.thread, new.content)


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
    known = filters.numbers_of(connection, scope)
    if known is not None:
        return known
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
    overwrite(recorder.connection, handle, with_record(entry, record=record), there, vector=vector)
    end_superseded(recorder, record, handle)
    return record


_LOOKED_UP = ("text", "source", "topics", "entities", "created_at", "event_date", "persisted_at")
"""What words and labels are made of."""


def overwrite(connection: apsw.Connection, handle: int, entry: Entry, there: MemoryRecord, *, vector: bool) -> None:
    """Write the entry over the memory; with its vector, or without."""
    record = entry.record
    new = placed(entry, numbers_given(connection, record.scope), Place(record.scope))
    connection.execute(sql("change_memory"), (*_memory(new), handle))
    connection.execute(sql("change_facets"), (*_facets(entry), handle))
    if vector:
        connection.execute(sql("change_vector"), (*_stored(connection, [entry])[0], handle))
    if any(getattr(record, name) != getattr(there, name) for name in _LOOKED_UP):
        connection.execute(sql("remove_labels"), (handle,))
        connection.executemany(sql("add_label"), label_rows(record, handle))
        words.change(connection, handle, entry.terms)
    connection.execute(sql("add_change"), (handle,))


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
    words.remove(connection, handles)
    each = [(handle,) for handle in handles]
    names = ("remove_memory", "remove_facets", "remove_labels", "remove_aliases", "add_change")
    for name in names:
        connection.executemany(sql(name), each)


def reindex(connection: apsw.Connection, entries: Sequence[tuple[int, Entry]]) -> None:
    """Write words, cues and vectors anew of the memories that are still at the entry's version."""
    stored = _stored(connection, [entry for _, entry in entries])
    for (handle, entry), vector in zip(entries, stored, strict=True):
        there = connection.execute(sql("version"), (handle,)).get
        if there is None or there[0] != entry.record.version:
            continue
        words.change(connection, handle, entry.terms)
        connection.execute(sql("change_cues"), (*_cues(entry), handle))
        connection.execute(sql("change_vector"), (*vector, handle))
        connection.execute(sql("add_change"), (handle,))
