"""``Where`` as SQL: every value is bound, every name is from a table below; nothing that a client wrote becomes SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from sys import maxunicode

import apsw

from mcp_memory.domain.filters import DateField, Dates, TagField, Tags, Where
from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.scope import Scope
from mcp_memory.stores.sqlite.rows import LABELS, Numbers, Value
from mcp_memory.stores.sqlite.statements import sql

KINDS = {"namespace": 0, "user_id": 1, "session_id": 2}
"""The fields whose values are kept as numbers, with their kinds in the table ``names``."""
COLUMNS = ("m.namespace", "m.user", "m.session")
"""Their columns in ``memories m``, in the order of their kinds."""
OWN = ("namespace", "user", "session")
"""The same columns in ``sessions``."""
_TEXTS: dict[TagField, str] = {"memory_type": "m.memory_type", "extraction_strategy": "m.strategy"}
_MOMENTS: dict[DateField, str] = {
    "created_at": "m.created_at",
    "event_date": "m.event_date",
    "last_accessed": "(SELECT last_accessed FROM facets WHERE facets.handle = m.handle)",
}
_FOUND_FROM = "coalesce(m.valid_from, min(m.created_at, coalesce(m.event_date, m.created_at))) <= ?"
"""``MemoryRecord.found_from``, and what it is compared with."""
_FIRST_SURROGATE, _LAST_SURROGATE = 0xD800, 0xDFFF


@dataclass(slots=True)
class Condition:
    """A condition on ``memories m`` and the values bound in it, in their order."""

    parts: list[str] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    def require(self, part: str, values: Iterable[Value] = ()) -> None:
        """Add a condition that must hold as well."""
        self.parts.append(part)
        self.values.extend(values)

    @property
    def text(self) -> str:
        """The condition as SQL."""
        return " AND ".join(self.parts) or "TRUE"


def numbers_of(connection: apsw.Connection, scope: Scope) -> Numbers | None:
    """Return the numbers of the scope's parts, 0 for an open one; None where nothing can be in this scope."""
    namespace, user, session = known_numbers(connection, scope)
    return None if namespace is None or user is None or session is None else (namespace, user, session)


def known_numbers(connection: apsw.Connection, scope: Scope) -> tuple[int | None, int | None, int | None]:
    """Return the number of each part of the scope, 0 for an open one and None for a name that has none."""
    names = (scope.namespace, scope.user_id, scope.session_id)
    if names == (None, None, None):
        return 0, 0, 0
    numbers = connection.execute(sql("scope_numbers"), names).get
    first, second, third = (0 if name is None else number for name, number in zip(names, numbers, strict=True))
    return first, second, third


def condition(where: Where, numbers: Numbers) -> Condition:
    """Return the whole condition; the numbers are those of the scope."""
    found = within(numbers)
    for tags in where.tags:
        _tags(found, tags)
    for dates in where.dates:
        _dates(found, dates)
    if where.current_at is not None:
        found.require("(m.valid_to IS NULL OR m.valid_to > ?)", [microseconds(where.current_at)])
    if where.as_of is not None:
        at = microseconds(where.as_of)
        found.require(_FOUND_FROM, [at])
        found.require("(m.valid_to IS NULL OR m.valid_to > ?)", [at])
    return found


def whole(connection: apsw.Connection, where: Where) -> Condition | None:
    """Return the whole condition; None where nothing can meet it."""
    numbers = numbers_of(connection, where.scope)
    return None if numbers is None else condition(where, numbers)


def within(numbers: Numbers, columns: Sequence[str] = COLUMNS) -> Condition:
    """Return the condition of a scope alone."""
    found = Condition()
    for column, number in zip(columns, numbers, strict=True):
        if number:
            # The second half lets SQLite use the index, which leaves out what has no name.
            found.require(f"{column} = ? AND {column} <> 0", [number])
    return found


def is_plain(where: Where) -> bool:
    """Say whether the scope and the end of memories are all that is asked: both are known without SQL."""
    return not where.tags and not where.dates and where.as_of is None


def _tags(found: Condition, tags: Tags) -> None:
    """Require each part of the condition on a label."""
    if tags.any is not None:
        _one_of(found, tags.field, sorted(tags.any))
    for value in sorted(tags.all or ()):
        _one_of(found, tags.field, [value])
    if tags.none is not None:
        _one_of(found, tags.field, sorted(tags.none), negated="NOT ")
    if tags.startswith is not None:
        _begins(found, tags.field, tags.startswith)


def begins(column: str, prefix: str) -> tuple[str, list[Value]]:
    """Return the test whether a column begins with the prefix, and its values."""
    end = after_prefix(prefix)
    if end is None:
        return f"{column} >= ?", [prefix]
    return f"({column} >= ? AND {column} < ?)", [prefix, end]


def _one_of(found: Condition, name: TagField, values: Sequence[str], negated: str = "") -> None:
    column, around, first = _place(name)
    test = f"{column} IN ({', '.join('?' * len(values))})"
    found.require(around.format(negated=negated, test=test), [*first, *values])


def _begins(found: Condition, name: TagField, prefix: str) -> None:
    column, around, first = _place(name)
    test, values = begins(column, prefix)
    found.require(around.format(negated="", test=test), [*first, *values])


def _place(name: TagField) -> tuple[str, str, list[Value]]:
    """Return the column to compare, what stands around the test, and the values before those of the test."""
    if name in _TEXTS:
        return _TEXTS[name], "{negated}({test})", []
    if name in KINDS:
        return "name", f"{COLUMNS[KINDS[name]]} {{negated}}IN ({sql('numbers_of_names')})", [KINDS[name]]
    return "label", f"m.handle {{negated}}IN ({sql('handles_of_labels')})", [LABELS.index(name)]


def after_prefix(prefix: str) -> str | None:
    """Return the first text that sorts after all that begin with the prefix; None if there is none."""
    for length in range(len(prefix), 0, -1):
        last = ord(prefix[length - 1])
        if last < maxunicode:
            following = _LAST_SURROGATE + 1 if last + 1 == _FIRST_SURROGATE else last + 1
            return prefix[: length - 1] + chr(following)
    return None


def _dates(found: Condition, dates: Dates) -> None:
    """Require each part of the condition on a moment."""
    column = _MOMENTS[dates.field]
    if dates.start is not None:
        found.require(f"{column} >= ?", [microseconds(dates.start)])
    if dates.end is not None:
        found.require(f"{column} < ?", [microseconds(dates.end)])
    for first, last in dates.outside:
        _outside(found, column, first, last)


def _outside(found: Condition, column: str, first: datetime, last: datetime) -> None:
    values = [microseconds(first), microseconds(last)]
    found.require(f"({column} IS NULL OR NOT ({column} >= ? AND {column} < ?))", values)
