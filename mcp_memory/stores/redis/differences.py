"""The commands that turn a memory as it was into what it is, with all that finds it."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_memory.domain.filters import TagField
from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.documents import OPTIONAL, USE, Stored, access, document, labels, pairs
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.server import Command

LISTED: tuple[TagField, ...] = (
    "namespace",
    "user_id",
    "session_id",
    "extraction_strategy",
    "source",
    "topics",
    "entities",
)
"""Labels whose values are kept sorted, so that those that begin with something are found."""


def differences(
    names: keys.Keys, generations: Generations, was: Stored | None, now: Stored | None, token: int
) -> Iterator[Command]:
    """Yield the commands; ``token`` tells this state of the memory from all others that it had."""
    if now is None:
        if was is not None:
            yield ("DEL", names.memory(was.handle))
            yield ("DEL", names.access(was.handle))
    else:
        yield from _put(names, generations, was, now, token)
    yield from _listed(names, was, now)
    yield from _counted(names, was, now)
    yield from _used(names, was, now)


def _put(names: keys.Keys, generations: Generations, was: Stored | None, now: Stored, token: int) -> Iterator[Command]:
    written: dict[str, str | bytes | int] = {**document(now), "rev": token}
    stale: list[str] = []
    if was is not None:
        before = document(was)
        stale = [name for name in OPTIONAL if name in before and name not in written]
        if was.vector is not None and (now.vector is None or now.vector.generation != was.vector.generation):
            stale.append(generations.field(was.vector.generation))
    if now.vector is not None and (was is None or was.vector != now.vector):
        written[generations.field(now.vector.generation)] = generations.blob(now.vector)
    if stale:
        yield ("HDEL", names.memory(now.handle), *stale)
    yield ("HSET", names.memory(now.handle), *pairs(written))
    yield from _access(names, was, now)


def _access(names: keys.Keys, was: Stored | None, now: Stored) -> Iterator[Command]:
    written = access(now.record)
    if was is not None:
        before = access(was.record)
        stale = [name for name in before if name not in written]
        if stale:
            yield ("HDEL", names.access(now.handle), *stale)
        if all(written[name] == before[name] for name in USE):
            # What was accessed meanwhile stays accessed.
            written = {name: value for name, value in written.items() if name not in USE}
    yield ("HSET", names.access(now.handle), *pairs(written))


def _listed(names: keys.Keys, was: Stored | None, now: Stored | None) -> Iterator[Command]:
    """Yield what keeps the lists of threads and contents."""
    before, after = _lists(names, was), _lists(names, now)
    for key, handle in before.items() - after.items():
        yield ("ZREM", key, handle)
    for key, handle in after.items() - before.items():
        yield ("ZADD", key, handle, handle)


def _lists(names: keys.Keys, stored: Stored | None) -> dict[str, int]:
    if stored is None:
        return {}
    record, found = stored.record, {}
    thread = keys.thread(record)
    if thread is not None:
        found[names.thread(thread)] = stored.handle
    if record.memory_hash is not None:
        found[names.content(keys.content(record.scope, record.memory_hash))] = stored.handle
    return found


def _counted(names: keys.Keys, was: Stored | None, now: Stored | None) -> Iterator[Command]:
    """Yield what keeps count of the memories of each scope and of their words."""
    if was and now and (was.record.scope, was.length) == (now.record.scope, now.length):
        return
    for stored, sign in ((was, -1), (now, 1)):
        if stored is not None:
            scope = stored.record.scope
            for reach in keys.reaches(scope.namespace, scope.user_id, scope.session_id):
                yield ("HINCRBY", names.counts(reach), "n", sign)
                yield ("HINCRBY", names.counts(reach), "len", sign * stored.length)


def _used(names: keys.Keys, was: Stored | None, now: Stored | None) -> Iterator[Command]:
    """Yield what keeps the values of labels."""
    for name in LISTED:
        before = set() if was is None else set(labels(was.record, name))
        after = set() if now is None else set(labels(now.record, name))
        for value, change in (*((one, -1) for one in before - after), *((one, 1) for one in after - before)):
            yield ("USE", names.uses(name), name, value.encode("utf-8", "surrogatepass"), change)
