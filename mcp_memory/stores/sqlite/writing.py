"""Writes: what becomes of entries in one transaction. Every function is called within one."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace as with_record
from typing import Literal, NamedTuple, TypeAlias

import apsw

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import IdTaken, MemoryNotFound, VersionConflict
from mcp_memory.ports.memories import Added, Entry, Merge
from mcp_memory.ports.models import Generation
from mcp_memory.stores.sqlite import filters, reading, words
from mcp_memory.stores.sqlite.blocks import seal_full
from mcp_memory.stores.sqlite.prepared import Names, Prepared, prepared
from mcp_memory.stores.sqlite.recording import Recorder
from mcp_memory.stores.sqlite.rows import Numbers
from mcp_memory.stores.sqlite.search import generation_number
from mcp_memory.stores.sqlite.statements import sql

_Name = tuple[str, int, int]
"""Id, namespace and user: what names one memory."""


class New(NamedTuple):
    """An entry that is to be stored, with its name and the numbers of its scope."""

    ready: Prepared
    name: _Name
    numbers: Numbers


Duplicates: TypeAlias = Literal["keep_first", "keep_both", "as_they_are"]
"""What becomes of what is there already; of what is taken in as it is, not even what it supersedes is touched."""


def add(recorder: Recorder, entries: Sequence[Prepared], duplicates: Duplicates) -> list[Added]:
    """Store the entries; answer what became of each."""
    batch = Batch(recorder, duplicates)
    added = [batch.add(new) for new in batch.read(entries)]
    batch.flush()
    return added


class Batch:
    """The entries of one ``add``; new ones are gathered and written together."""

    def __init__(self, recorder: Recorder, duplicates: Duplicates) -> None:
        self._recorder = recorder
        self._connection = connection = recorder.connection
        self._keep_first = duplicates == "keep_first"
        self._ends = duplicates != "as_they_are"
        self._last = int(connection.execute(sql("last_handle")).get or 0)
        self._scopes: dict[Names, Numbers] = {}
        self._held: dict[_Name, int] = {}
        self._aliases: dict[_Name, int] = {}
        self._contents: dict[int, MemoryRecord | None] = {}
        self._new: list[tuple[int, New]] = []

    def read(self, entries: Sequence[Prepared]) -> list[New]:
        """Look up, a scope at a time, which names and contents are in the file; later it is not asked one by one."""
        read: list[New] = []
        among: dict[Numbers, list[New]] = {}
        for ready in entries:
            numbers = self._scopes.get(ready.names)
            if numbers is None:
                numbers = self._scopes[ready.names] = numbers_given(self._connection, Scope(*ready.names))
            new = New(ready, (ready.entry.record.id, *numbers[:2]), numbers)
            read.append(new)
            among.setdefault(numbers, []).append(new)
        for numbers, some in among.items():
            self._look_up(numbers, some)
        return read

    def _look_up(self, numbers: Numbers, some: Sequence[New]) -> None:
        # A text of such an array ends at a NUL, bytes do not.
        ids = apsw.carray(tuple([new.name[0].encode() for new in some]))
        contents = array("q", [new.ready.content for new in some if new.ready.content is not None])
        bound = (ids, *numbers, apsw.carray(contents) if contents and self._keep_first else None)
        for kind, found, handle in self._connection.execute(sql("held"), bound):
            if kind == "content":
                self._contents[int(str(found))] = None
            else:
                names = self._held if kind == "name" else self._aliases
                names[(str(found), *numbers[:2])] = int(str(handle))

    def add(self, new: New) -> Added:
        """Decide what becomes of the entry, and remember it."""
        record, content = new.ready.entry.record, new.ready.content
        handle = self._held.get(new.name)
        if handle is not None:
            self.flush()
            if content is not None:
                self._contents[content] = None
            return Added(_replaced(self._recorder, handle, new.ready.entry), "replaced")
        there = self._holder(content, record) if self._keep_first and content in self._contents else None
        if there is not None and there.repeated_by(record):
            return Added(there, "duplicate")
        self._last += 1
        self._held[new.name] = self._last
        if content is not None:
            self._contents[content] = record
        self._new.append((self._last, new))
        if record.supersedes and self._ends:
            self.flush()
            end_superseded(self._recorder, record, self._last)
        return Added(record, "stored")

    def _holder(self, content: int | None, record: MemoryRecord) -> MemoryRecord | None:
        """Return the memory of the content: one of this call, or what the file holds in truth."""
        known = None if content is None else self._contents[content]
        return known or reading.holders(self._connection, [(record.scope, record.memory_hash or "")])[0]

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


def numbered(entry: Entry, numbers: Numbers) -> New:
    """Return one entry ready to be written."""
    (ready,) = prepared([entry])
    return New(ready, (entry.record.id, *numbers[:2]), numbers)


def insert(connection: apsw.Connection, gathered: Sequence[tuple[int, New]]) -> None:
    """Write memories that are not there, with all that is derived of them."""
    write = connection.executemany
    generations = _Generations(connection)
    write(sql("add_memory"), [(handle, *new.numbers, *new.ready.memory) for handle, new in gathered])
    facets = [(handle, *new.ready.facets, *generations.vector(new.ready)) for handle, new in gathered]
    write(sql("add_facets"), facets)
    words.add(connection, [(handle, new.ready.entry.terms) for handle, new in gathered])
    if labels := [(*label, handle) for handle, new in gathered for label in new.ready.labels]:
        write(sql("add_label"), labels)


class _Generations:
    """The numbers of generations, asked for where one follows another."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._last: tuple[Generation, int] | None = None

    def vector(self, ready: Prepared) -> tuple[int, bytes | None]:
        """Return the generation's number and the vector of the entry, as ``facets`` keeps them."""
        generation = ready.entry.generation
        if ready.vector is None or generation is None:
            return 0, None
        # Mostly they share one, the object itself: to hash or compare it for each takes longer than to ask.
        if self._last is None or (self._last[0] is not generation and self._last[0] != generation):
            self._last = generation, self._given(generation)
        return self._last[1], ready.vector

    def _given(self, generation: Generation) -> int:
        named = (generation.model, generation.dimensions, generation.digest)
        known = generation_number(self._connection, generation)
        return known or int(self._connection.execute(sql("add_generation"), named).get)


def numbers_given(connection: apsw.Connection, scope: Scope) -> Numbers:
    """Return the numbers of the scope's names, given now to those that have none."""
    names = (scope.namespace, scope.user_id, scope.session_id)
    known = filters.known_numbers(connection, scope)
    first, second, third = (
        int(connection.execute(sql("add_name"), (kind, name)).get) if number is None else number
        for kind, (name, number) in enumerate(zip(names, known, strict=True))
    )
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

_INDEXED = ("id", "namespace", "user_id", "session_id", "memory_hash", "created_at", "event_date")
"""What the indexes of ``memories`` are made of."""


def overwrite(connection: apsw.Connection, handle: int, entry: Entry, there: MemoryRecord, *, vector: bool) -> None:
    """Write the entry over the memory; with its vector, or without."""
    record = entry.record
    new = numbered(entry, numbers_given(connection, record.scope))
    # SQLite writes the entries of an index anew wherever a column of it is named, even with the same value.
    in_place = all(getattr(record, name) == getattr(there, name) for name in _INDEXED)
    statement = "change_memory_in_place" if in_place else "change_memory"
    connection.execute(sql(statement), (*new.numbers, *new.ready.memory, handle))
    connection.execute(sql("change_facets"), (*new.ready.facets, handle))
    if vector:
        connection.execute(sql("change_vector"), (*_Generations(connection).vector(new.ready), handle))
    if any(getattr(record, name) != getattr(there, name) for name in _LOOKED_UP):
        connection.execute(sql("remove_labels"), (handle,))
        connection.executemany(sql("add_label"), [(*label, handle) for label in new.ready.labels])
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


def reindex(connection: apsw.Connection, entries: Sequence[tuple[int, Prepared]]) -> None:
    """Write words, cues and vectors anew of the memories that are still at the entry's version."""
    generations = _Generations(connection)
    for handle, ready in entries:
        there = connection.execute(sql("version"), (handle,)).get
        if there is None or there[0] != ready.entry.record.version:
            continue
        _, _, *cues = ready.facets
        words.change(connection, handle, ready.entry.terms)
        connection.execute(sql("change_cues"), (*cues, handle))
        connection.execute(sql("change_vector"), (*generations.vector(ready), handle))
        connection.execute(sql("add_change"), (handle,))
