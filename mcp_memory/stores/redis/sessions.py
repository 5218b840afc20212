"""Working memory: a hash for each session, which Redis itself removes after its TTL."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import ConfigDict, TypeAdapter

from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.records import Message, Session
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import VersionConflict
from mcp_memory.stores.redis import queries
from mcp_memory.stores.redis.committing import Check, commit
from mcp_memory.stores.redis.documents import label_digest, pairs
from mcp_memory.stores.redis.server import Command, Server

_GRACE = 60_000
"""Milliseconds that Redis waits longer: the clocks of servers differ, and what has ended is not shown anyway."""
_MESSAGES: TypeAdapter[list[Message]] = TypeAdapter(list[Message], config=ConfigDict(defer_build=True))
_OPTIONAL = ("ns", "us", "ends")


async def find(server: Server, session_id: str, scope: Scope, now: datetime) -> Session | None:
    """Return the session with exactly this namespace and user; else the only one of this id within the scope."""
    exact = Scope(scope.namespace, scope.user_id, session_id)
    found = await _read(server, server.keys.session(exact), now)
    if found is not None:
        return found
    answer = await server.find("sessions", _alive(exact, now), "NOCONTENT", "LIMIT", 0, 2)
    return await _read(server, answer.rows[0].key.decode(), now) if answer.total == 1 and answer.rows else None


async def _read(server: Server, key: str, now: datetime) -> Session | None:
    doc, messages, ends = await server.call("HMGET", key, "doc", "messages", "ends")
    if doc is None or (ends is not None and int(ends) <= microseconds(now)):
        return None
    session = Session.model_validate_json(doc)
    return session.model_copy(update={"messages": _MESSAGES.validate_json(messages)})


def _alive(scope: Scope, now: datetime) -> str:
    query = queries.within(scope)
    query.unwanted.append(queries.until("ends", microseconds(now)))
    return query.text


async def put(server: Server, session: Session, expected_version: int | None, now: datetime) -> Session:
    """Store the session whole, if it is still at the version."""
    key, versions = server.keys.session(session.scope), server.keys.session_version(session.scope)
    (held, ends), last = await server.many([("HMGET", key, "v", "ends"), ("GET", versions)])
    alive = held is not None and (ends is None or int(ends) > microseconds(now))
    found = int(last or 0) if alive else 0
    if expected_version not in {None, found}:
        raise VersionConflict(f"Session {session.session_id}", expected_version or 0, found)
    # Versions go on where a session was deleted or expired, so that an old one never fits a new session.
    stored = session.model_copy(update={"version": int(last or 0) + 1, "updated_at": now})
    commands: list[Command] = [
        ("HDEL", key, *_OPTIONAL),
        ("HSET", key, *pairs(_document(stored, now))),
        ("SET", versions, stored.version),
        ("PERSIST", key) if session.ttl_seconds is None else ("PEXPIRE", key, session.ttl_seconds * 1_000 + _GRACE),
    ]
    await commit(server, [Check(versions, "", last), Check(key, "v", held)], commands)
    return stored


def _document(session: Session, now: datetime) -> dict[str, str | bytes | int]:
    parts = (("ns", session.namespace), ("us", session.user_id), ("se", session.session_id))
    found: dict[str, str | bytes | int] = {
        "doc": session.model_dump_json(exclude={"messages"}),
        "messages": _MESSAGES.dump_json(session.messages),
        "v": session.version,
        "updated": microseconds(now),
        **{name: label_digest(value) for name, value in parts if value is not None},
    }
    if session.ttl_seconds is not None:
        found["ends"] = microseconds(now + timedelta(seconds=session.ttl_seconds))
    return found


async def remove(server: Server, session_id: str, scope: Scope, now: datetime) -> bool:
    """Delete the session that ``find`` returns."""
    found = await find(server, session_id, scope, now)
    if found is None:
        return False
    key = server.keys.session(found.scope)
    await commit(server, [Check(key, "v", str(found.version).encode())], [("DEL", key)])
    return True


async def page(server: Server, scope: Scope, now: datetime, limit: int, offset: int) -> tuple[list[Session], int]:
    """Return a page of sessions without their messages, last updated first, and how many there are."""
    words = ("RETURN", 1, "doc", "SORTBY", "updated", "DESC", "LIMIT", offset, limit)
    answer = await server.find("sessions", _alive(scope, now), *words)
    return [Session.model_validate_json(row.fields[b"doc"]) for row in answer.rows if row.fields], answer.total


async def expire(server: Server, now: datetime) -> int:
    """Remove the sessions past their TTL; return how many there were."""
    ended = queries.until("ends", microseconds(now))
    answer = await server.find("sessions", ended, "RETURN", 1, "ends", "LIMIT", 0, queries.MOST_ROWS)
    removed = 0
    for row in answer.rows:
        removed += await _expired(server, row.key.decode(), row.fields.get(b"ends"))
    return removed


async def _expired(server: Server, key: str, ends: bytes | None) -> int:
    """Delete the session if nobody put it anew meanwhile."""
    if ends is None:
        return 0
    return int(await server.run("expire", [key], [ends]))
