"""What operations did to memories, read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mcp_memory.domain.operations import Change, Operation
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.history import Changed, Touched
from mcp_memory.ports.memories import Known
from mcp_memory.stores.chronology import Moment, in_time
from mcp_memory.stores.redis import keys, reading
from mcp_memory.stores.redis.documents import Name
from mcp_memory.stores.redis.images import Image, read_image
from mcp_memory.stores.redis.server import Server

_TOGETHER = 1_000


def reach_of(scope: Scope) -> str:
    """Return what stands for the namespace and user of a scope alone."""
    return keys.reach(scope.namespace, scope.user_id)


async def operations(server: Server, scope: Scope, limit: int, offset: int) -> tuple[list[Operation], int]:
    """Return a page of the operations that changed something within the owner's reach, last first, and their number."""
    listed = server.keys.operations(reach_of(scope))
    total = int(await server.call("ZCARD", listed))
    if not limit:
        return [], total
    numbers = [int(one) for one in await server.call("ZRANGE", listed, offset, offset + limit - 1, "REV")]
    return await _told(server, numbers, scope), total


async def _told(server: Server, numbers: Sequence[int], scope: Scope) -> list[Operation]:
    reach = reach_of(scope)
    fields = ("doc", "by", *(f"{reach}:{kind}" for kind in "cur"))
    answers = await server.many([("HMGET", server.keys.operation(number), *fields) for number in numbers])
    return [_operation(*answer) for answer in answers if answer[0] is not None]


def _operation(doc: bytes, by: bytes | None, *counts: bytes | None) -> Operation:
    found: dict[str, Any] = json.loads(doc)
    found["undone_by"] = None if by is None else by.decode()
    found |= zip(("created", "changed", "removed"), (int(count or 0) for count in counts), strict=True)
    return Operation.model_validate(found)


async def operation(server: Server, operation_id: str, scope: Scope) -> Operation | None:
    """Return the operation as it is listed; None if it changed nothing within the owner's reach."""
    number = await number_of(server, operation_id)
    if number is None or await server.call("ZSCORE", server.keys.operations(reach_of(scope)), number) is None:
        return None
    return next(iter(await _told(server, [number], scope)), None)


async def number_of(server: Server, operation_id: str) -> int | None:
    """Return the number of an operation."""
    number = await server.call("GET", server.keys.operation_of_id(operation_id))
    return None if number is None else int(number)


async def touched(server: Server, operation_id: str, scope: Scope) -> list[Touched]:
    """Return which memories the operation changed, in order."""
    number = await number_of(server, operation_id)
    listed = [] if number is None else await server.call("LRANGE", server.keys.images_of_operation(number), 0, -1)
    found: list[Touched] = []
    for start in range(0, len(listed), _TOGETHER):
        images = await read_images(server, [int(one) for one in listed[start : start + _TOGETHER]])
        found += [
            Touched(one.handle, one.unit, one.number, one.name[2], one.undone is not None, one.within(scope))
            for one in images
        ]
    return found


async def changes(
    server: Server, operation_id: str, scope: Scope, handles: Sequence[int] | None = None
) -> list[Changed]:
    """Return what the operation did to memories of the owner, or to some of them, in order."""
    number = await number_of(server, operation_id)
    if number is None:
        return []
    if handles is None:
        images = await images_of_operations(server, [number])
    else:
        images = images_of(await images_of_memories(server, handles), number)
    mine = [image for image in images if image.within(scope)]
    told = zip(mine, await _changes(server, mine), strict=True)
    return [Changed(image.handle, image.unit, image.number, change) for image, change in told]


def images_of(of_memories: Mapping[int, Sequence[Image]], operation: int | None) -> list[Image]:
    """Return of the images of memories what one operation did, in order."""
    found = [image for images in of_memories.values() for image in images if image.operation == operation]
    return sorted(found, key=lambda image: image.number)


async def history(server: Server, memory_id: str, scope: Scope) -> list[Change]:
    """Return what was done to the memories that have, had or took in this id, in order."""
    handles = await ever_named(server, memory_id, scope)
    of_memories = await images_of_memories(server, handles)
    images = [image for among in of_memories.values() for image in among if image.within(scope)]
    images.sort(key=lambda image: image.number)
    begun, numbered = ([image for image in images if (image.number < 0) is first] for first in (True, False))
    return await _changes(server, in_time(begun, numbered, lambda image: Moment(image.operation, image.handle)))


async def ever_named(server: Server, memory_id: str, scope: Scope) -> list[int]:
    """Return the memories of the owner that have, had or took in this id."""
    mine = Scope(scope.namespace, scope.user_id)
    there = {int(handle) for handle, _ in await reading.named(server, [memory_id], mine)}
    fields = await server.call("HKEYS", server.keys.named(memory_id))
    once = [int(field[1:]) for field in fields if field[:1] == b"g"]
    recorded = await images_of_memories(server, once)
    had = {
        handle
        for handle, images in recorded.items()
        if any(image.name[2] == memory_id and image.within(scope) for image in images)
    }
    return sorted(there | had)


async def recorded(server: Server, ids: Sequence[str], scope: Scope) -> list[Known]:
    """Return the memories of the owner that have, had or took in these ids, those that are gone as they last were."""
    named = [await ever_named(server, memory_id, scope) for memory_id in ids]
    handles = list(dict.fromkeys(handle for among in named for handle in among))
    images = await images_of_memories(server, handles)
    found = []
    for handle, now in zip(handles, await reading.records(server, handles), strict=True):
        last = [image.before for image in images[handle] if image.before is not None]
        record = now or (last[-1] if last else None)
        if record is not None and Scope(scope.namespace, scope.user_id).covers(record.scope):
            found.append(Known(handle, record, now is not None))
    return found


async def images_of_operations(server: Server, numbers: Iterable[int]) -> list[Image]:
    """Return what operations did, in order."""
    listed = await server.many([("LRANGE", server.keys.images_of_operation(number), 0, -1) for number in numbers])
    return await read_images(server, [int(one) for among in listed for one in among])


async def images_of_memories(server: Server, handles: Iterable[int]) -> dict[int, list[Image]]:
    """Return for each memory what was done to it, in order."""
    handles = list(dict.fromkeys(handles))
    listed = await server.many([("LRANGE", server.keys.images_of_memory(handle), 0, -1) for handle in handles])
    images = {one.number: one for one in await read_images(server, [int(one) for among in listed for one in among])}
    return {
        handle: [images[int(one)] for one in among if int(one) in images]
        for handle, among in zip(handles, listed, strict=True)
    }


async def read_images(server: Server, numbers: Sequence[int]) -> list[Image]:
    """Return the images of these numbers that are there."""
    found = []
    for start in range(0, len(numbers), _TOGETHER):
        some = numbers[start : start + _TOGETHER]
        answers = await server.many([("GET", server.keys.image(number)) for number in some])
        found += [read_image(number, one) for number, one in zip(some, answers, strict=True) if one is not None]
    return found


async def _changes(server: Server, images: Sequence[Image]) -> list[Change]:
    """Return the images as changes: what a memory was afterwards is what it was before its next image."""
    handles = list(dict.fromkeys(image.handle for image in images))
    every = await images_of_memories(server, handles)
    now = dict(zip(handles, await reading.records(server, handles), strict=True))
    numbers = sorted({image.operation for image in images})
    docs = await server.many([("HGET", server.keys.operation(number), "doc") for number in numbers])
    heads = {n: Operation.model_validate_json(doc) for n, doc in zip(numbers, docs, strict=True) if doc is not None}
    found = []
    for image in images:
        order = [one.number for one in every[image.handle]]
        later = every[image.handle][order.index(image.number) + 1 :] if image.number in order else []
        after = later[0].before if later else now[image.handle]
        head = heads[image.operation]
        namespace, user_id, memory_id = _name(image)
        found.append(
            Change(
                operation=head.id,
                kind=head.kind,
                at=head.at,
                memory_id=memory_id,
                namespace=namespace,
                user_id=user_id,
                before=image.before,
                after=after,
                undone=image.undone is not None,
            )
        )
    return found


def _name(image: Image) -> Name:
    return image.name
