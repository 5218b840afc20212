"""The commands that turn a memory as it was into what it is, with all that finds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.documents import OPTIONAL, USE, Stored, access, document, pairs
from mcp_memory.stores.redis.rows import OWN, Vector, row_of, used, vector_field
from mcp_memory.stores.redis.server import Command

Blobs: TypeAlias = Mapping[Vector, bytes]
"""Vectors as the engine takes them."""


def differences(
    names: keys.Keys, blobs: Blobs, was: Stored | None, now: Stored | None, revision: int
) -> Iterator[Command]:
    """Yield the commands; ``revision`` tells this state of the memory from all others that it had."""
    if now is None:
        if was is not None:
            yield ("DEL", names.memory(was.handle))
            yield ("DEL", names.row(was.handle))
            yield ("DEL", names.access(was.handle))
    else:
        yield from _put(names, blobs, was, now, revision)
    yield from _listed(names, was, now)


def _put(names: keys.Keys, blobs: Blobs, was: Stored | None, now: Stored, revision: int) -> Iterator[Command]:
    written: dict[str, str | bytes | int] = {**document(now), "rev": revision}
    stale: list[str] = []
    if was is not None:
        before = document(was)
        stale = [name for name in OPTIONAL if name in before and name not in written]
        if was.vector is not None and (now.vector is None or now.vector.generation != was.vector.generation):
            stale.append(vector_field(was.vector.generation))
    if now.vector is not None and (was is None or was.vector != now.vector):
        written[vector_field(now.vector.generation)] = blobs[now.vector]
    if stale:
        yield ("HDEL", names.memory(now.handle), *stale)
    yield ("HSET", names.memory(now.handle), *pairs(written))
    yield from _access(names, was, now)


def _access(names: keys.Keys, was: Stored | None, now: Stored) -> Iterator[Command]:
    written, row = access(now.record), row_of(now)
    if was is None:
        yield ("NEW", names.row(now.handle), row)
    else:
        before = access(was.record)
        stale = [name for name in before if name not in written]
        if stale:
            yield ("HDEL", names.access(now.handle), *stale)
        yield ("KEEP", names.row(now.handle), OWN, row[OWN:])
        if all(written[name] == before[name] for name in USE):
            # What was accessed meanwhile stays accessed.
            written = {name: value for name, value in written.items() if name not in USE}
        else:
            yield ("SETRANGE", names.row(now.handle), 0, used(now.record.last_accessed))
    yield ("HSET", names.access(now.handle), *pairs(written))


def _listed(names: keys.Keys, was: Stored | None, now: Stored | None) -> Iterator[Command]:
    """Yield what keeps the lists of threads and contents."""
    before, after = _thread(was), _thread(now)
    if before != after:
        if was is not None and before is not None:
            yield ("LEAVE", names.thread(before), was.handle)
        if now is not None and after is not None:
            yield ("JOIN", names.thread(after), now.handle)
    content, new_content = _content(was), _content(now)
    if content != new_content:
        if was is not None and content is not None:
            yield ("ZREM", names.content(content), was.handle)
        if now is not None and new_content is not None:
            yield ("ZADD", names.content(new_content), now.handle, now.handle)


def _thread(stored: Stored | None) -> str | None:
    return None if stored is None else keys.thread(stored.record)


def _content(stored: Stored | None) -> str | None:
    digest = None if stored is None else stored.record.memory_hash
    return None if stored is None or digest is None else keys.content(stored.record.scope, digest)
