"""Summary views, each under its id with its summaries beside it, and the groups of memories that they sum up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from mcp_memory.domain.filters import TagField, Where
from mcp_memory.domain.moments import microseconds
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult, group_key, group_of, group_scope
from mcp_memory.ports.views import Group, Partition
from mcp_memory.stores.redis import keys, queries, reading
from mcp_memory.stores.redis.committing import NUMBER, Check, commit
from mcp_memory.stores.redis.documents import TAGS
from mcp_memory.stores.redis.queries import Query
from mcp_memory.stores.redis.reading import Held
from mcp_memory.stores.redis.server import Command, Server, Word

_HOUR = 3_600_000_000
_WIDER = 16
"""How far back a walk looks at first, in microseconds, and how many times as far where there was too little."""
_LONGEST = 1 << 61


async def put(server: Server, view: SummaryView) -> None:
    """Store a new view."""
    commands: list[Command] = [("SET", server.keys.view(view.id), view.model_dump_json())]
    commands += [("ZADD", server.keys.views(reach), NUMBER, view.id) for reach in _reaches(view)]
    await commit(server, [], commands)


def _reaches(view: SummaryView) -> Sequence[str]:
    return keys.reaches(view.scope.namespace, view.scope.user_id, view.scope.session_id)


async def find(server: Server, view_id: str, scope: Scope) -> SummaryView | None:
    """Return the view of this id within the scope."""
    held = await server.call("GET", server.keys.view(view_id))
    there = None if held is None else SummaryView.model_validate_json(held)
    return there if there is not None and scope.covers(there.scope) else None


async def every(server: Server, scope: Scope) -> list[SummaryView]:
    """Return the views within the scope, newest first."""
    reach = keys.reach(scope.namespace, scope.user_id, scope.session_id)
    ids = await server.call("ZRANGE", server.keys.views(reach), 0, -1, "REV")
    found = await server.many([("GET", server.keys.view(one.decode())) for one in ids])
    return [SummaryView.model_validate_json(held) for held in found if held is not None]


async def remove(server: Server, view_id: str, scope: Scope) -> bool:
    """Delete the view and its summaries."""
    key = server.keys.view(view_id)
    held = await server.call("GET", key)
    view = None if held is None else SummaryView.model_validate_json(held)
    if view is None or not scope.covers(view.scope):
        return False
    commands: list[Command] = [("DEL", key), ("DEL", server.keys.summaries(view_id))]
    commands += [("ZREM", server.keys.views(reach), view_id) for reach in _reaches(view)]
    await commit(server, [Check(key, "", held)], commands)
    return True


async def put_partition(server: Server, partition: Partition) -> bool:
    """Keep a summary if its view is there."""
    result = partition.result
    key = server.keys.view(result.view_id)
    held = await server.call("GET", key)
    if held is None:
        return False
    written = json.dumps([partition.state, result.model_dump(mode="json")], ensure_ascii=False)
    kept = ("HSET", server.keys.summaries(result.view_id), group_key(result.group), written)
    await commit(server, [Check(key, "", held)], [kept])
    return True


async def _kept(server: Server, view_id: str) -> dict[str, Partition]:
    """Return the summaries of a view by the key of their group, in the order of these."""
    found: dict[bytes, bytes] = await server.call("HGETALL", server.keys.summaries(view_id))
    read = {key.decode("utf-8", "surrogatepass"): json.loads(written) for key, written in found.items()}
    return {
        key: Partition(SummaryViewPartitionResult.model_validate(result), state)
        for key, (state, result) in sorted(read.items())
    }


async def partitions(server: Server, view_id: str, group: Mapping[str, str]) -> list[SummaryViewPartitionResult]:
    """Return the summaries of the groups that have these values."""
    results = [kept.result for kept in (await _kept(server, view_id)).values()]
    return [result for result in results if group.items() <= result.group.items()]


async def states(server: Server, view_id: str) -> dict[str, str]:
    """Return the state of each group when it was summed up."""
    return {key: kept.state for key, kept in (await _kept(server, view_id)).items()}


async def remove_partitions(server: Server, view_id: str, groups: Sequence[str]) -> int:
    """Delete the summaries of these groups."""
    key = server.keys.summaries(view_id)
    held = await server.call("HMGET", key, *(group.encode("utf-8", "surrogatepass") for group in groups))
    checks = [Check(key, group, one) for group, one in zip(groups, held, strict=True) if one is not None]
    if checks:
        await commit(server, checks, [("HDEL", key, *(check.field for check in checks))])
    return len(checks)


async def forgotten(server: Server, owners: Sequence[Scope]) -> list[Command]:
    """Return the commands that delete the summaries that may tell of memories of these owners."""
    commands: list[Command] = []
    for view in await every(server, Scope()) if owners else ():
        for key, kept in (await _kept(server, view.id)).items():
            wholes = [replace(one, session_id=None) for one in (view.scope, group_scope(kept.result.group))]
            if any(all(whole.covers(owner) for whole in wholes) for owner in owners):
                commands.append(("HDEL", server.keys.summaries(view.id), key.encode("utf-8", "surrogatepass")))
    return commands


class _Counted(NamedTuple):
    first: int
    size: int
    state: str


async def groups(server: Server, where: Where, fields: Sequence[TagField]) -> list[Group]:
    """Return the groups of the matching memories by these fields."""
    query = await queries.condition(server, where)
    if query.nothing:
        return []
    counted = await _counted(server, query, [TAGS[field] for field in fields])
    found = []
    for group, record in zip(counted, await reading.records(server, [one.first for one in counted]), strict=True):
        values = None if record is None else group_of(record, fields)
        if values is not None:
            found.append(Group(values, group.size, group.state))
    return found


async def _counted(server: Server, query: Query, tags: Sequence[str]) -> list[_Counted]:
    """Return the first memory of each group, how many there are, and what changes with any of them."""
    if query.keys is not None:
        return await _counted_among(server, query, tags)
    steps: tuple[Word, ...] = ("GROUPBY", len(tags), *(f"@{tag}" for tag in tags), "REDUCE", "COUNT", 0, "AS", "n")
    steps += ("REDUCE", "MIN", 1, "@h", "AS", "first", "REDUCE", "SUM", 1, "@rev", "AS", "revs")
    steps += ("REDUCE", "MAX", 1, "@rev", "AS", "rev")
    rows = await server.gather("memories", query.text, *steps)
    return [_group(*(int(row[name]) for name in (b"first", b"n", b"revs", b"rev"))) for row in rows if int(row[b"n"])]


def _group(first: int, count: int, revs: int, rev: int) -> _Counted:
    # Every transaction that wrote one of them has a number of its own.
    return _Counted(first, count, f"{count}.{revs}.{rev}")


async def _counted_among(server: Server, query: Query, tags: Sequence[str]) -> list[_Counted]:
    words = ("RETURN", len(tags) + 2, *tags, "h", "rev", "LIMIT", 0, queries.MOST_ROWS, *query.among)
    found: dict[tuple[bytes | None, ...], list[tuple[int, int]]] = {}
    for hit in (await server.find("memories", query.text, *words)).rows:
        values = tuple(hit.fields.get(tag.encode()) for tag in tags)
        found.setdefault(values, []).append((int(hit.fields[b"h"]), int(hit.fields[b"rev"])))
    return [
        _group(min(group)[0], len(group), sum(rev for _, rev in group), max(rev for _, rev in group))
        for group in found.values()
    ]


async def walk(server: Server, where: Where, after: tuple[datetime, int] | None, limit: int) -> list[Held]:
    """Return the next matching memories after a step, newest first.

    It looks back no further than it must, so that walking over all takes no longer for each step.
    """
    query = await queries.condition(server, where)
    if query.nothing or not limit:
        return []
    if query.keys is not None:
        return await _walk_among(server, query, after, limit)
    reach = _HOUR
    newest = await _newest(server, query) if after is None else microseconds(after[0])
    while newest is not None:
        earliest = newest - reach if reach < _LONGEST else None
        span = _span(earliest, newest, None if after is None else after[1])
        order = ("SORTBY", 4, "@created", "DESC", "@h", "DESC", "MAX", limit, "LIMIT", 0, limit)
        rows = await server.gather("memories", query.besides(span), *order)
        if len(rows) == limit or earliest is None:
            return await reading.held(server, [int(row[b"h"]) for row in rows])
        reach *= _WIDER
    return []


async def _newest(server: Server, query: Query) -> int | None:
    order = ("SORTBY", 2, "@created", "DESC", "MAX", 1, "LIMIT", 0, 1)
    rows = await server.gather("memories", query.text, *order)
    return int(rows[0][b"created"]) if rows else None


def _span(earliest: int | None, newest: int, handle: int | None) -> str:
    """Return the condition that a memory comes after a step, and not long after."""
    first = "-inf" if earliest is None else earliest
    if handle is None:
        return f"@created:[{first} {newest}]"
    same = f"(@created:[{newest} {newest}] @h:[-inf ({handle}])"
    return f"(@created:[{first} ({newest}]|{same})"


async def _walk_among(
    server: Server, query: Query, after: tuple[datetime, int] | None, limit: int
) -> list[tuple[int | str, MemoryRecord]]:
    words = ("RETURN", 2, "created", "h", "LIMIT", 0, queries.MOST_ROWS, *query.among)
    found = await server.find("memories", query.text, *words)
    steps = sorted(((int(row.fields[b"created"]), int(row.fields[b"h"])) for row in found.rows), reverse=True)
    left = steps if after is None else [step for step in steps if step < (microseconds(after[0]), after[1])]
    return await reading.held(server, [handle for _, handle in left[:limit]])
