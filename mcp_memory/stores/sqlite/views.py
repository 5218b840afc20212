"""Summary views in the file, and the groups that they sum up. Every function is called within one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import apsw

from mcp_memory.domain.filters import Where
from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult, group_key
from mcp_memory.ports.views import Group, Partition
from mcp_memory.stores.sqlite import filters
from mcp_memory.stores.sqlite.filters import Condition
from mcp_memory.stores.sqlite.reading import Held
from mcp_memory.stores.sqlite.rows import Row, handle_and_record
from mcp_memory.stores.sqlite.statements import sql

_PATHS = {name: f"$.{name}" for name in ("user_id", "namespace", "session_id", "memory_type")}
"""Where the values of a group stand in its key."""


def put(connection: apsw.Connection, view: SummaryView) -> None:
    """Store a new view."""
    scope = view.scope
    row = (view.id, scope.namespace, scope.user_id, scope.session_id, view.model_dump_json())
    connection.execute(sql("add_view"), row)


def find(connection: apsw.Connection, view_id: str, scope: Scope) -> SummaryView | None:
    """Return the view of this id within the scope."""
    within = _within(scope)
    found = connection.execute(sql("view", within.text), (view_id, *within.values)).get
    return None if found is None else SummaryView.model_validate_json(str(found))


def every(connection: apsw.Connection, scope: Scope) -> list[SummaryView]:
    """Return the views within the scope, newest first."""
    within = _within(scope)
    rows = connection.execute(sql("views", within.text), within.values)
    return [SummaryView.model_validate_json(str(document)) for (document,) in rows]


def remove(connection: apsw.Connection, view_id: str, scope: Scope) -> bool:
    """Delete the view and its summaries."""
    within = _within(scope)
    number = connection.execute(sql("view_number", within.text), (view_id, *within.values)).get
    if number is None:
        return False
    connection.execute(sql("remove_summaries"), (number,))
    connection.execute(sql("remove_view"), (number,))
    return True


def put_partition(connection: apsw.Connection, partition: Partition) -> bool:
    """Keep a summary if its view is there."""
    result = partition.result
    row = (group_key(result.group), partition.state, result.model_dump_json(), result.view_id)
    connection.execute(sql("put_summary"), row)
    return connection.changes() > 0


def partitions(connection: apsw.Connection, view_id: str, group: Mapping[str, str]) -> list[SummaryViewPartitionResult]:
    """Return the summaries of the groups that have these values."""
    having = Condition()
    for field, value in group.items():
        having.require(sql("summary_has"), [_PATHS[field], value])
    rows = connection.execute(sql("summaries", having.text), (view_id, *having.values))
    return [SummaryViewPartitionResult.model_validate_json(str(document)) for (document,) in rows]


def states(connection: apsw.Connection, view_id: str) -> dict[str, str]:
    """Return the state of each group when it was summed up."""
    return {str(key): str(state) for key, state in connection.execute(sql("summary_states"), (view_id,))}


def remove_partitions(connection: apsw.Connection, view_id: str, keys: Sequence[str]) -> int:
    """Delete the summaries of these groups."""
    before = connection.total_changes()
    connection.executemany(sql("remove_summary"), [(view_id, key) for key in keys])
    return connection.total_changes() - before


def groups(connection: apsw.Connection, where: Where, fields: Sequence[str]) -> list[Group]:
    """Return the groups of the matching memories by these fields."""
    condition = filters.whole(connection, where)
    if condition is None:
        return []
    columns = [_column(field) for field in fields]
    for field, column in zip(fields, columns, strict=True):
        if field in filters.KINDS:
            condition.require(f"{column} <> 0")
    values = [_value(field) for field in fields]
    statement = sql("groups", condition.text)
    statement = statement.replace("{values}", ", ".join(values) or "NULL")
    statement = statement.replace("{columns}", ", ".join(columns) or "NULL")
    return [_group(fields, row) for row in connection.execute(statement, condition.values)]


def _column(field: str) -> str:
    return filters.COLUMNS[filters.KINDS[field]] if field in filters.KINDS else "m.memory_type"


def _value(field: str) -> str:
    column = _column(field)
    return sql("name_of").replace("{column}", column) if field in filters.KINDS else column


def _group(fields: Sequence[str], row: Row) -> Group:
    counted = [int(str(value)) for value in row[-4:]]
    return Group(dict(zip(fields, map(str, row), strict=False)), counted[0], ".".join(map(str, counted)))


def walk(connection: apsw.Connection, where: Where, after: tuple[datetime, int] | None, limit: int) -> list[Held]:
    """Return the next matching memories after a step, newest first."""
    condition = filters.whole(connection, where)
    if condition is None:
        return []
    if after is not None:
        condition.require(sql("further_back"), [microseconds(after[0]), after[1]])
    statement = sql("records", condition.text) + "\n" + sql("newest_first")
    return list(map(handle_and_record, connection.execute(statement, (*condition.values, limit, 0))))


def _within(scope: Scope) -> Condition:
    found = Condition()
    for column, name in zip(filters.OWN, (scope.namespace, scope.user_id, scope.session_id), strict=True):
        if name is not None:
            found.require(f"{column} = ?", [name])
    return found
