"""Working memory in the file. Every function is called within one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import apsw

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.records import Session
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import VersionConflict
from mcp_memory.stores.sqlite import filters
from mcp_memory.stores.sqlite.rows import Numbers, session_of, session_texts
from mcp_memory.stores.sqlite.statements import sql
from mcp_memory.stores.sqlite.writing import numbers_given


def _exactly(connection: apsw.Connection, session_id: str, scope: Scope) -> Numbers | None:
    """Return the numbers of a session's name, None where it was never given one."""
    return filters.numbers_of(connection, replace(scope, session_id=session_id))


def find(connection: apsw.Connection, session_id: str, scope: Scope, now: datetime) -> tuple[Numbers, Session] | None:
    """Return the session with exactly this namespace and user; else the only one of this id within the scope."""
    numbers = _exactly(connection, session_id, scope)
    if numbers is None:
        return None
    condition = filters.within(numbers, filters.OWN)
    statement = sql("sessions_whole", condition.text)
    rows = connection.execute(statement, (microseconds(now), *condition.values)).fetchall()
    exact = [row for row in rows if row[:3] == numbers]
    found = exact or rows
    if len(found) != 1:
        return None
    namespace, user, number, document, messages = found[0]
    return (int(str(namespace)), int(str(user)), int(str(number))), session_of(document, messages)


def put(connection: apsw.Connection, session: Session, expected_version: int | None, now: datetime) -> Session:
    """Store the session whole, if it is still at the version."""
    expire(connection, now)
    namespace, user, number = numbers_given(connection, session.scope)
    last, alive = connection.execute(sql("session_version"), (namespace, user, number)).get or (0, 0)
    found = int(str(last)) if alive else 0
    if expected_version not in {None, found}:
        raise VersionConflict(f"Session {session.session_id}", expected_version or 0, found)
    # Versions go on where a session was deleted or expired, so that an old one never fits a new session.
    stored = session.model_copy(update={"version": int(str(last)) + 1, "updated_at": now})
    ends = None if session.ttl_seconds is None else microseconds(now + timedelta(seconds=session.ttl_seconds))
    row = (namespace, user, number, stored.version, microseconds(now), ends, *session_texts(stored))
    connection.execute(sql("put_session"), row)
    return stored


def expire(connection: apsw.Connection, now: datetime) -> int:
    """Remove the sessions past their TTL; return how many there were."""
    connection.execute(sql("end_expired"), (microseconds(now),))
    return connection.changes()


def remove(connection: apsw.Connection, session_id: str, scope: Scope, now: datetime) -> bool:
    """Delete the session that ``find`` returns."""
    found = find(connection, session_id, scope, now)
    if found is not None:
        connection.execute(sql("end_session"), found[0])
    return found is not None


def page(
    connection: apsw.Connection, scope: Scope, now: datetime, limit: int, offset: int
) -> tuple[list[Session], int]:
    """Return a page of sessions without their messages, last updated first, and how many there are."""
    numbers = filters.numbers_of(connection, scope)
    if numbers is None:
        return [], 0
    condition = filters.within(numbers, filters.OWN)
    values = (microseconds(now), *condition.values)
    total = int(connection.execute(sql("count_sessions", condition.text), values).get)
    rows = connection.execute(sql("page_of_sessions", condition.text), (*values, limit, offset))
    return [session_of(document, None) for (document,) in rows], total
