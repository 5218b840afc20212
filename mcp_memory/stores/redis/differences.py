"""The commands that turn a memory as it was into what it is, with all that finds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.documents import OPTIONAL, USE, Stored, access, document, is_unused, pairs
from mcp_memory.stores.redis.rows import OWN, Vector, row_of, used, vector_field
from mcp_memory.stores.redis.server import Command

Blobs: TypeAlias = Mapping[Vector, bytes]
"""Vectors as the engine takes them."""


def differences(
    names: keys.Keys, blobs: Blobs, was: Stored | None, now: Stored | None, revision: int
) -> Iterator[Command]:
    """Yield the commands; ``revision`` tells this state of the memory from all others that it had.

    A new memory is written otherwise (see ``making``), but for its use.
    """
    if was is None:
        if now is not None and not is_unused(now.record):
            yield ("HSET", names.access(now.handle), *pairs(access(now.record)))
        return
    if now is None:
        yield ("DEL", names.memory(was.handle))
        yield ("DEL", names.row(was.handle))
        yield ("DEL", names.access(was.handle))
    else:
        yield from _put(names, blobs, was, now, revision)
    yield from _listed(names, was, now)


def _put(names: keys.Keys, blobs: Blobs, was: Stored, now: Stored, revision: int) -> Iterator[Command]:
    written: dict[str, str | bytes | int] = {**document(now), "rev": revision}
    before = document(was)
    stale = [name for name in OPTIONAL if name in before and name not in written]
    if was.vector is not None and (now.vector is None or now.vector.generation != was.vector.generation):
        stale.append(vector_field(was.vector.generation))
    if now.vector is not None and was.vector != now.vector:
        written[vector_field(now.vector.generation)] = blobs[now.vector]
    if stale:
        yield ("HDEL", names.memory(now.handle), *stale)
    yield ("HSET", names.memory(now.handle), *pairs(written))
    yield from _access(names, was, now)


def _access(names: keys.Keys, was: Stored, now: Stored) -> Iterator[Command]:
    before, written = access(was.record), access(now.record)
    stale = [name for name in before if name not in written]
    if stale:
        yield ("HDEL", names.access(now.handle), *stale)
    yield ("KEEP", names.row(now.handle), OWN, row_of(now)[OWN:])
    same = all(written[name] == before[name] for name in USE)
    if not same:
        yield ("SETRANGE", names.row(now.handle), 0, used(now.record.last_accessed))
    # What was accessed meanwhile stays accessed.
    kept = len(USE) if same else 0
    yield ("ACCESS", names.access(now.handle), int(is_unused(now.record)), 2 * kept, *pairs(written))


def _listed(names: keys.Keys, was: Stored, now: Stored | None) -> Iterator[Command]:
    """Yield what keeps the lists of threads and contents."""
    if now is None or was.thread != now.thread:
        if was.thread is not None:
            yield ("LEAVE", names.thread(was.thread), was.handle)
        if now is not None and now.thread is not None:
            yield ("JOIN", names.thread(now.thread), now.handle)
    if now is None or was.content != now.content:
        if was.content is not None:
            yield ("ZREM", names.content(was.content), was.handle)
        if now is not None and now.content is not None:
            yield ("ZADD", names.content(now.content), now.handle, now.handle)
