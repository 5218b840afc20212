"""What operations did to memories, read back. Every function is called within one transaction."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import apsw
import numpy as np

from mcp_memory.domain.operations import Change, Operation, OperationKind
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.history import Changed, Touched
from mcp_memory.ports.memories import Known
from mcp_memory.stores.chronology import Moment, in_time
from mcp_memory.stores.sqlite import filters, reading, spans
from mcp_memory.stores.sqlite.filters import Condition
from mcp_memory.stores.sqlite.rows import Row
from mcp_memory.stores.sqlite.statements import sql

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_HANDLE = 2**63 - 1
"""Greater than every handle."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one operation did to one memory: a row of ``images``, or a memory that it stored as new."""

    number: int
    """In the order of time; 0 for a memory that was stored as new, which comes before all else."""
    handle: int
    unit: int
    memory_id: str
    namespace: str | None
    user_id: str | None
    after: int | None
    undone: int | None
    generation: int | None
    vector: bytes | None
    aliases: tuple[tuple[str, int, int], ...]
    before: MemoryRecord | None
    operation: Operation
    operation_number: int


def operations(connection: apsw.Connection, scope: Scope, limit: int, offset: int) -> tuple[list[Operation], int]:
    """Return a page of the operations that changed something within the owner's reach, last first, and their number."""
    within = _owned(connection, scope)
    if within is None:
        return [], 0
    touches = sql("operation_touches", within.text)
    listed = sql("operations", within.text).replace("{touches}", touches)
    rows = connection.execute(listed, (*within.values * 8, limit, offset))
    total = connection.execute(sql("count_operations").replace("{touches}", touches), within.values * 3).get
    return [_operation(row) for row in rows], int(total)


def operation(connection: apsw.Connection, operation_id: str, scope: Scope) -> Operation | None:
    """Return the operation as it is listed; None if it changed nothing within the owner's reach."""
    within = _owned(connection, scope)
    if within is None:
        return None
    touches = f"{sql('operation_is')} {sql('operation_touches', within.text)}"
    statement = sql("operations", within.text).replace("{touches}", touches)
    row = connection.execute(statement, (*within.values * 5, operation_id, *within.values * 3, 1, 0)).fetchone()
    return None if row is None else _operation(row)


def _operation(row: Row) -> Operation:
    name, kind, at, by, note, undoes, undone_by, created, changed, removed = row
    return Operation.model_validate(
        {
            "id": name,
            "kind": kind,
            "at": _moment(at),
            "by": by,
            "note": note,
            "undoes": undoes,
            "undone_by": undone_by,
            "created": created,
            "changed": changed,
            "removed": removed,
        }
    )


def _owned(connection: apsw.Connection, scope: Scope) -> Condition | None:
    """Return the condition of the owner alone, on a table ``m``; None where nothing can be theirs."""
    numbers = filters.numbers_of(connection, Scope(scope.namespace, scope.user_id))
    return None if numbers is None else filters.within(numbers)


def touched(connection: apsw.Connection, operation_id: str, scope: Scope) -> list[Touched]:
    """Return which memories the operation changed, in order."""
    number = connection.execute(sql("operation_number"), (operation_id,)).get
    if number is None:
        return []
    owned = _owned(connection, scope)
    text, values = ("FALSE", []) if owned is None else (f"({owned.text})", owned.values)
    stored: list[Touched] = []
    undone = {int(str(handle)) for (handle,) in connection.execute(sql("creations_undone"), (number,))}
    spans_of = sql("spans_of_operation", text)
    for first, last, within in connection.execute(spans_of, (*values, number, *values, number)).fetchall():
        among = (apsw.carray(np.arange(int(str(first)), int(str(last)) + 1, dtype=np.int64)),)
        stored += [
            Touched(handle, handle, 0, memory_id, handle in undone, bool(within))
            for handle, memory_id, _, _, version in connection.execute(sql("as_stored"), among)
            if version is not None
        ]
    rows = connection.execute(sql("touched", text), (*values, number))
    changed = [
        Touched(handle, unit, place, memory_id, bool(back), bool(within))
        for place, handle, unit, memory_id, back, within in rows
    ]
    return stored + changed


def changes(
    connection: apsw.Connection, operation_id: str, scope: Scope, handles: Sequence[int] | None = None
) -> list[Changed]:
    """Return what the operation did to memories of the owner, or to some of them, in order."""
    within = _owned(connection, scope)
    if within is None:
        return []
    steps = steps_of(connection, operation_id, within, handles)
    told = zip(steps, _told(connection, steps), strict=True)
    return [Changed(step.handle, step.unit, step.number, change) for step, change in told]


def history(connection: apsw.Connection, memory_id: str, scope: Scope) -> list[Change]:
    """Return what was done to the memories that have, had or took in this id, in order."""
    within = _owned(connection, scope)
    if within is None:
        return []
    steps = _steps_of_handles(connection, _ever_named(connection, memory_id, scope, within), within)
    stored, changed = ([step for step in steps if (step.number == 0) is first] for first in (True, False))
    return _told(connection, in_time(stored, changed, lambda step: Moment(step.operation_number, step.handle)))


def _ever_named(connection: apsw.Connection, memory_id: str, scope: Scope, within: Condition) -> list[int]:
    """Return the memories of the owner that have, had or took in this id."""
    there = [handle for handle, _ in reading.named(connection, [memory_id], Scope(scope.namespace, scope.user_id))]
    once = connection.execute(sql("handles_once_named", within.text), (memory_id, *within.values))
    return sorted({*there, *(int(str(handle)) for (handle,) in once)})


def recorded(connection: apsw.Connection, ids: Sequence[str], scope: Scope) -> list[Known]:
    """Return the memories of the owner that have, had or took in these ids, those that are gone as they last were."""
    within = _owned(connection, scope)
    if within is None:
        return []
    named = (_ever_named(connection, memory_id, scope, within) for memory_id in ids)
    handles = list(dict.fromkeys(handle for among in named for handle in among))
    last = {step.handle: step.before for step in _every(connection, handles) if step.before is not None}
    found = []
    for handle, now in zip(handles, reading.records(connection, handles), strict=True):
        record = now or last.get(handle)
        if record is not None and Scope(scope.namespace, scope.user_id).covers(record.scope):
            found.append(Known(handle, record, now is not None))
    return found


def steps_of(
    connection: apsw.Connection,
    operation_id: str,
    within: Condition | None = None,
    handles: Sequence[int] | None = None,
) -> list[Step]:
    """Return the steps of an operation, or those of some memories, in order."""
    row = connection.execute(sql("operation_head", sql("operation_of_id")), (operation_id,)).fetchone()
    if row is None or handles == []:
        return []
    within = within or Condition()
    number = int(str(row[0]))
    name = "steps_of_operation" if handles is None else "steps_of_operation_among"
    among = [] if handles is None else [apsw.carray(np.array(handles, np.int64))]
    rows = connection.execute(sql("steps", f"{sql(name)} AND {within.text}"), (number, *among, *within.values))
    changed = [_step(row) for row in rows]
    return [*_creations(connection, _stored_by(connection, number, within, handles), row), *changed]


def _stored_by(connection: apsw.Connection, number: int, within: Condition, handles: Sequence[int] | None) -> list[int]:
    """Return which memories an operation stored as new, in order."""
    among = None if handles is None else sorted(handles)
    bound = (number, *((0, _NO_HANDLE) if among is None else (among[0], among[-1])), *within.values)
    found: list[int] = []
    for first, last in connection.execute(sql("creations_of_operation", within.text), (*bound, *bound)).fetchall():
        if among is None:
            found += [int(str(one)) for (one,) in connection.execute(sql("handles_between"), (first, last))]
        else:
            found += among[bisect_left(among, int(str(first))) : bisect_right(among, int(str(last)))]
    return found


def _steps_of_handles(connection: apsw.Connection, handles: Sequence[int], within: Condition) -> list[Step]:
    changed = _every(connection, handles, within)
    stored = []
    for handle in handles:
        span = spans.span_of(connection, handle)
        if span is not None:
            row = connection.execute(sql("operation_head", sql("operation_of_number")), (span.operation,)).get
            stored += _creations(connection, [handle], row)
    return [*stored, *changed]


def _creations(connection: apsw.Connection, handles: Sequence[int], head: Sequence[object]) -> list[Step]:
    """Return the steps in which an operation stored memories as new."""
    number, operation = int(str(head[0])), _head(head)
    firsts: dict[int, Step] = {}
    undone: dict[int, int] = {}
    for step in _every(connection, handles):
        firsts.setdefault(step.handle, step)
        if step.operation.undoes == operation.id and step.after is None and step.undone is None:
            undone[step.handle] = step.number
    found = []
    for handle, record in zip(handles, reading.records(connection, handles), strict=True):
        first = firsts.get(handle)
        known = first.before if first is not None else record
        if known is not None:
            name = (known.id, known.namespace, known.user_id)
            back = undone.get(handle)
            found.append(Step(0, handle, handle, *name, known.version, back, None, None, (), None, operation, number))
    return found


def _step(row: Row) -> Step:
    number, handle, unit, memory_id, namespace, user, after, undone, generation, vector, aliases, record, *head = row
    return Step(
        number=int(str(number)),
        handle=int(str(handle)),
        unit=int(str(unit)),
        memory_id=str(memory_id),
        namespace=None if namespace is None else str(namespace),
        user_id=None if user is None else str(user),
        after=None if after is None else int(str(after)),
        undone=None if undone is None else int(str(undone)),
        generation=None if generation is None else int(str(generation)),
        vector=vector if isinstance(vector, bytes) else None,
        aliases=tuple((str(name), int(owner), int(whose)) for name, owner, whose in json.loads(str(aliases or "[]"))),
        before=None if record is None else MemoryRecord.model_validate_json(str(record)),
        operation=_head(head),
        operation_number=int(str(head[0])),
    )


def _head(row: Sequence[object]) -> Operation:
    _, name, kind, at, undoes = row
    return Operation(
        id=str(name),
        kind=OperationKind(str(kind)),
        at=_moment(at),
        undoes=None if undoes is None else str(undoes),
    )


def _moment(value: object) -> datetime:
    return _EPOCH + timedelta(microseconds=int(str(value)))


def _told(connection: apsw.Connection, steps: Sequence[Step]) -> list[Change]:
    """Return the steps as changes: what a memory was afterwards is what it was before its next step."""
    handles = list(dict.fromkeys(step.handle for step in steps))
    later: dict[int, list[Step]] = {}
    for following in _every(connection, handles):
        later.setdefault(following.handle, []).append(following)
    now = dict(zip(handles, reading.records(connection, handles), strict=True))
    return [_change(step, later.get(step.handle, ()), now[step.handle]) for step in steps]


def _every(connection: apsw.Connection, handles: Sequence[int], within: Condition | None = None) -> Sequence[Step]:
    """Return what was changed of the memories, in order."""
    if not handles:
        return []
    within = within or Condition()
    condition = f"{sql('steps_of_handles')} AND {within.text}"
    bound = (apsw.carray(np.array(handles, np.int64)), *within.values)
    return [_step(row) for row in connection.execute(sql("steps", condition), bound)]


def _change(step: Step, of_memory: Sequence[Step], now: MemoryRecord | None) -> Change:
    following = next((other for other in of_memory if other.number > step.number), None)
    return Change(
        operation=step.operation.id,
        kind=step.operation.kind,
        at=step.operation.at,
        memory_id=step.memory_id,
        namespace=step.namespace,
        user_id=step.user_id,
        before=step.before,
        after=now if following is None else following.before,
        undone=step.undone is not None,
    )
