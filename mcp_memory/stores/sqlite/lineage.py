"""Operations and what they did, with their numbers, from or to another place. Called within one transaction each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import apsw
import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.archive import NEW, Act, Name, Numbers, Trace
from mcp_memory.ports.models import Generation
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.stores import vectors
from mcp_memory.stores.sqlite import spans, suggestions, writing
from mcp_memory.stores.sqlite.blocks import seal_full
from mcp_memory.stores.sqlite.rows import Row
from mcp_memory.stores.sqlite.search import generation_number
from mcp_memory.stores.sqlite.statements import sql

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTED = ("memories", "operations", "images")
"""The tables of ``Numbers``."""


def numbers(connection: apsw.Connection) -> Numbers:
    """Return the last numbers that were given."""
    return Numbers(*(int(str(number)) for number in connection.execute(sql("numbers")).get))


def reserve(connection: apsw.Connection, wanted: Numbers, seen: Numbers) -> bool:
    """Give nothing new a number up to these, if no others than ``seen`` were given."""
    given = numbers(connection)
    if given != seen:
        return False
    for table, number in zip(_COUNTED, wanted, strict=True):
        connection.execute(sql("begin_numbers"), (table,))
        connection.execute(sql("raise_number"), (number, table))
    if wanted.handle > given.handle:
        # What is moved in is sealed again, which only a block can be that is there.
        seal_full(connection, given.handle + 1, wanted.handle)
    return True


def acts(connection: apsw.Connection, after: int, limit: int) -> list[Act]:
    """Return the operations after a number."""
    return [_act(row) for row in connection.execute(sql("acts"), (after, limit))]


def _act(row: Row) -> Act:
    number, name, kind, at, who, note, undoes = row
    moment = _EPOCH + timedelta(microseconds=int(str(at)))
    fields = {"id": name, "kind": kind, "at": moment, "by": who, "note": note, "undoes": undoes}
    return Act(int(str(number)), Operation.model_validate(fields))


def traces(connection: apsw.Connection, after: int | None, limit: int) -> list[Trace]:
    """Return what was recorded after a number: first what was stored as new, then every image."""
    found: list[Trace] = []
    if after is None or after < 0:
        found = _stored(connection, 0 if after is None else after - NEW, limit)
        after = 0
    rows = connection.execute(sql("traces"), (after, limit - len(found)))
    return found + [_trace(row) for row in rows]


def _stored(connection: apsw.Connection, after: int, limit: int) -> list[Trace]:
    found: list[Trace] = []
    while handles := [int(str(handle)) for (handle,) in connection.execute(sql("handles_recorded"), (after, limit))]:
        after = handles[-1]
        found += _creations(connection, handles)
        if len(found) >= limit:
            break
    return found[:limit]


def _creations(connection: apsw.Connection, handles: Sequence[int]) -> Iterator[Trace]:
    span: spans.Span | None = None
    rows = connection.execute(sql("as_stored"), (apsw.carray(np.array(handles, np.int64)),)).fetchall()
    for handle, memory_id, namespace, user, version in rows:
        number = int(str(handle))
        if span is None or not span.first <= number <= span.last:
            span = spans.span_of(connection, number)
        if span is not None and version is not None:
            name = Name(_text(namespace), _text(user), str(memory_id))
            undone = connection.execute(sql("creation_undone"), (span.operation, number)).get
            yield Trace(NEW + number, span.operation, number, number, name, int(str(version)), _number(undone))


def _trace(row: Row) -> Trace:
    number, operation, handle, unit, memory_id, namespace, user, after, undone, record, names, *vector = row
    generation, stored, model, dimensions, digest = vector
    made, parts = _vector(stored, model, dimensions, digest)
    return Trace(
        number=int(str(number)),
        operation=int(str(operation)),
        handle=int(str(handle)),
        unit=int(str(unit)),
        name=Name(_text(namespace), _text(user), str(memory_id)),
        after=_number(after),
        undone=_number(undone),
        before=None if record is None else MemoryRecord.model_validate_json(str(record)),
        names=tuple(Name(*name) for name in json.loads(str(names))),
        with_vector=generation is not None,
        vector=parts,
        generation=made,
    )


def _vector(*found: object) -> tuple[Generation | None, NDArray[np.float32] | None]:
    stored, model, dimensions, digest = found
    if not isinstance(stored, bytes) or model is None:
        return None, None
    generation = Generation(str(model), int(str(dimensions)), str(digest))
    parts, scales = vectors.unpacked([stored], generation.dimensions)
    whole: NDArray[np.float32] = parts[0].astype(np.float32) * scales[0]
    return generation, whole


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))


def proposals(connection: apsw.Connection, after: int, limit: int) -> list[tuple[int, Proposal]]:
    """Return the suggestions after a number."""
    rows = connection.execute(sql("proposals"), (after, limit))
    return [(int(str(row[0])), suggestions.proposal_of(row[1:])) for row in rows]


def take_in_history(connection: apsw.Connection, given: Sequence[Act], told: Sequence[Trace]) -> int:
    """Record what is not recorded yet; return how much that was."""
    before = connection.total_changes()
    for act in given:
        operation = act.operation
        row = (act.number, operation.id, str(operation.kind), microseconds(operation.at), operation.by, operation.note)
        connection.execute(sql("take_in_operation"), (*row, operation.undoes))
    images = connection.total_changes() - before
    undoing = _undoing(connection, told)
    stored = [one for one in told if one.before is None and one.operation not in undoing]
    among = {one.number for one in stored}
    for one in told:
        if one.number not in among:
            connection.execute(sql("take_in_image"), _image(connection, one))
            images += connection.changes()
    return images + _take_in_creations(connection, stored)


def _undoing(connection: apsw.Connection, told: Sequence[Trace]) -> set[int]:
    """Return those operations of the traces that undid others: what comes again by them is not stored as new."""
    numbers_of = apsw.carray(np.array(sorted({one.operation for one in told}) or [0], np.int64))
    rows = connection.execute(sql("operations_of_kind"), (numbers_of, str(OperationKind.UNDO)))
    return {int(str(number)) for (number,) in rows}


def _take_in_creations(connection: apsw.Connection, stored: Sequence[Trace]) -> int:
    new = [one for one in stored if spans.span_of(connection, one.handle) is None]
    gathered: list[list[int]] = []
    for one in sorted(new, key=lambda one: one.handle):
        whose = [one.operation, *_owner(connection, one.name)]
        if gathered and gathered[-1][1:] == [one.handle - 1, *whose]:
            gathered[-1][1] = one.handle
        else:
            gathered.append([one.handle, one.handle, *whose])
    connection.executemany(sql("add_creation"), gathered)
    return len(new)


def _image(connection: apsw.Connection, one: Trace) -> Row:
    generation: int | None = None
    vector: bytes | None = None
    if one.with_vector:
        generation = 0
        if one.vector is not None and one.generation is not None:
            generation = _generation(connection, one.generation)
            (vector,) = vectors.packed([one.vector])
    names = [(name.id, *_owner(connection, name)) for name in one.names]
    whose = (one.name.id, *_owner(connection, one.name))
    record = None if one.before is None else one.before.model_dump_json()
    aliases = None if record is None else json.dumps(names, ensure_ascii=False)
    head = (one.number, one.operation, one.handle, one.unit, *whose, one.after, one.undone)
    return (*head, generation, vector, aliases, record)


def _generation(connection: apsw.Connection, generation: Generation) -> int:
    named = (generation.model, generation.dimensions, generation.digest)
    known = generation_number(connection, generation)
    return known or int(connection.execute(sql("add_generation"), named).get)


def _owner(connection: apsw.Connection, name: Name) -> tuple[int, int]:
    namespace, user, _ = writing.numbers_given(connection, Scope(name.namespace, name.user_id))
    return namespace, user
