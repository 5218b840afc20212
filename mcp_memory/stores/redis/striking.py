"""Striking out what was recorded: images, with all that lists and counts them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.images import Image
from mcp_memory.stores.redis.recording import done
from mcp_memory.stores.redis.server import Command, Server


async def strike(server: Server, images: Sequence[Image], whole: Sequence[int] = ()) -> list[Command]:
    """Return the commands that delete images, and of these operations everything.

    An operation that is left without any image within a scope is no longer listed there.
    """
    names = server.keys
    commands: list[Command] = []
    counts: Counter[tuple[int, str, str]] = Counter()
    for image in images:
        commands += [
            ("DEL", names.image(image.number)),
            ("LREM", names.images_of_operation(image.operation), 1, image.number),
            ("LREM", names.images_of_memory(image.handle), 1, image.number),
        ]
        for reach in keys.reaches(*image.name[:2]):
            counts[image.operation, reach, done(image)] += 1
    commands += await _led(server, images)
    commands += await _counted(server, counts, whole)
    for number in whole:
        commands += await _forgotten(server, number)
    return commands


async def _led(server: Server, images: Sequence[Image]) -> list[Command]:
    """Return the commands after which no id leads to memories of which nothing is recorded any more."""
    struck: dict[int, set[str]] = {}
    for image in images:
        if image.before is not None:
            struck.setdefault(image.handle, set()).add(image.name[2])
    counted = Counter(image.handle for image in images)
    handles = list(struck)
    lengths = await server.many([("LLEN", server.keys.images_of_memory(handle)) for handle in handles])
    return [
        ("HDEL", server.keys.named(memory_id), f"g{handle}")
        for handle, length in zip(handles, lengths, strict=True)
        if int(length) <= counted[handle]
        for memory_id in struck[handle]
    ]


async def _counted(server: Server, counts: Counter[tuple[int, str, str]], whole: Sequence[int]) -> list[Command]:
    """Return the commands that count less of operations; what is struck out whole would begin anew by that."""
    commands: list[Command] = [
        ("HINCRBY", server.keys.operation(number), f"{reach}:{kind}", -count)
        for (number, reach, kind), count in counts.items()
        if number not in whole
    ]
    places = sorted({(number, reach) for number, reach, _ in counts})
    asked = [
        ("HMGET", server.keys.operation(number), *(f"{reach}:{kind}" for kind in "cur")) for number, reach in places
    ]
    for (number, reach), found in zip(places, await server.many(asked), strict=True):
        left = sum(int(one or 0) for one in found) - sum(counts[number, reach, kind] for kind in "cur")
        if left <= 0:
            commands.append(("ZREM", server.keys.operations(reach), number))
    return commands


async def _forgotten(server: Server, number: int) -> list[Command]:
    """Return the commands that delete an operation itself."""
    doc = await server.call("HGET", server.keys.operation(number), "doc")
    commands: list[Command] = [
        ("DEL", server.keys.operation(number)),
        ("DEL", server.keys.images_of_operation(number)),
        ("ZREM", server.keys.operations_by_time, number),
    ]
    if doc is not None:
        commands.append(("DEL", server.keys.operation_of_id(json.loads(doc)["id"])))
    return commands
