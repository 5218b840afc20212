"""Operations and what they did, with their numbers, on their way from or to another place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

import numpy as np

from mcp_memory.domain.operations import Operation
from mcp_memory.ports.archive import NEW, Act, Name, Numbers, Trace
from mcp_memory.ports.models import Generation
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.stores import vectors
from mcp_memory.stores.redis import history, keys, suggestions
from mcp_memory.stores.redis.committing import Check, commit
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.images import Image, read_image
from mcp_memory.stores.redis.recording import begun, recorded
from mcp_memory.stores.redis.rows import Vector
from mcp_memory.stores.redis.server import Command, Server

_TOGETHER = 1_000
"""Numbers that are looked behind at once; behind some of them there is nothing."""
_COUNTED = ("handle", "operation", "image")
"""The kinds of ``Numbers``."""


async def numbers(server: Server) -> Numbers:
    """Return the last numbers that were given."""
    return Numbers(*map(_number, await server.many([("GET", server.keys.last(kind)) for kind in _COUNTED])))


def _number(held: bytes | None) -> int:
    return int(held or 0)


async def reserve(server: Server, wanted: Numbers, seen: Numbers) -> bool:
    """Give nothing new a number up to these, if no others than ``seen`` were given."""
    names = [server.keys.last(kind) for kind in _COUNTED]
    held = await server.many([("GET", name) for name in names])
    given = Numbers(*map(_number, held))
    if given != seen:
        return False
    raised = [("SET", name, number) for name, number, last in zip(names, wanted, given, strict=True) if number > last]
    await commit(server, [Check(name, "", last) for name, last in zip(names, held, strict=True)], raised)
    return True


async def acts(server: Server, after: int, limit: int) -> list[Act]:
    """Return the operations after a number."""
    found: list[Act] = []
    last = (await numbers(server)).operation
    for some in _parts(after + 1, last):
        docs = await server.many([("HGET", server.keys.operation(number), "doc") for number in some])
        there = [(number, Operation.model_validate_json(doc)) for number, doc in zip(some, docs, strict=True) if doc]
        found += [Act(number, operation) for number, operation in there]
        if len(found) >= limit:
            break
    return await _with_known(server, found[:limit])


async def _with_known(server: Server, found: Sequence[Act]) -> list[Act]:
    """Return the operations without naming any that is no longer recorded."""
    asked = [("GET", server.keys.operation_of_id(act.operation.undoes or "")) for act in found]
    known = await server.many(asked)
    return [
        act if number is not None else Act(act.number, act.operation.model_copy(update={"undoes": None}))
        for act, number in zip(found, known, strict=True)
    ]


def _parts(first: int, last: int) -> Iterator[range]:
    return (range(start, min(start + _TOGETHER, last + 1)) for start in range(first, last + 1, _TOGETHER))


async def traces(server: Server, generations: Generations, after: int | None, limit: int) -> list[Trace]:
    """Return what was recorded after a number."""
    models = {number: generation for generation, number in (await generations.known()).items()}
    found: list[Trace] = []
    async for image in _images(server, NEW if after is None else after):
        found.append(_trace(image, models))
        if len(found) >= limit:
            break
    return found


async def _images(server: Server, after: int) -> AsyncIterator[Image]:
    """Yield the images after a number: of what another store knew as new, then those of this one."""
    last = await numbers(server)
    for first, end in ((after + 1, NEW + last.handle), (max(after, 0) + 1, last.trace)):
        for some in _parts(first, end):
            written = await server.call("MGET", *(server.keys.image(number) for number in some))
            for number, one in zip(some, written, strict=True):
                if one is not None:
                    yield read_image(number, one)


def _trace(image: Image, models: dict[int, Generation]) -> Trace:
    generation = None if image.vector is None else models[image.vector.generation]
    vector = None
    if image.vector is not None and generation is not None:
        parts, scales = vectors.unpacked([image.vector.packed], generation.dimensions)
        vector = parts[0].astype(np.float32) * scales[0]
    return Trace(
        number=image.number,
        operation=image.operation,
        handle=image.handle,
        unit=image.unit,
        name=Name(*image.name),
        after=image.after,
        undone=image.undone,
        before=image.before,
        names=tuple(Name(*name) for name in image.aliases),
        with_vector=image.vector_kept,
        vector=vector,
        generation=generation,
    )


async def proposals(server: Server, after: int, limit: int) -> list[tuple[int, Proposal]]:
    """Return the suggestions after a place."""
    listed = server.keys.suggestions(keys.reach(None, None, None))
    words = (f"({after}", "+inf", "BYSCORE", "LIMIT", 0, limit, "WITHSCORES")
    places = [(one.decode(), int(score)) for one, score in await server.call("ZRANGE", listed, *words)]
    found = await server.many([("GET", server.keys.suggestion(name)) for name, _ in places])
    return [
        (place, suggestions.proposal_of(one)) for (_, place), one in zip(places, found, strict=True) if one is not None
    ]


async def take_in_history(server: Server, generations: Generations, given: Sequence[Act], told: Sequence[Trace]) -> int:
    """Record what is not recorded yet; return how much that was."""
    images = [await _image(one, generations) for one in told]
    asked: list[Command] = [("GET", server.keys.operation_of_id(act.operation.id)) for act in given]
    asked += [("GET", server.keys.image(image.number)) for image in images]
    answers = await server.many(asked)
    known, there = answers[: len(given)], answers[len(given) :]
    new = [act for act, number in zip(given, known, strict=True) if number is None]
    held = {image.number: read_image(image.number, one) for image, one in zip(images, there, strict=True) if one}
    begun = await _begun(server, [image for image in images if image.number not in held])
    checks = [Check(server.keys.operation_of_id(act.operation.id), "", None) for act in new]
    commands = await _acts(server, new)
    count, unknown = len(new), []
    for image in images:
        former = held.get(image.number) or begun.get((image.operation, image.handle) if image.before is None else None)
        if former is None or former.undone != image.undone:
            count += 1
            key = server.keys.image(image.number if former is None else former.number)
            checks.append(Check(key, "", None if former is None else former.written().encode()))
            if former is None:
                unknown.append(image)
            else:
                commands += _marked(key, former, image.undone)
    commands += recorded(server.keys, unknown)
    if commands:
        await commit(server, checks, commands)
    return count


def _marked(key: str, image: Image, undone: int | None) -> list[Command]:
    return [("SET", key, image.marked(undone).written())]


async def _begun(server: Server, images: Sequence[Image]) -> dict[tuple[int, int] | None, Image]:
    """Return how memories began, by operation and memory, where that is known here under another number."""
    of_memories = await history.images_of_memories(server, [one.handle for one in images if one.before is None])
    every = (one for among in of_memories.values() for one in among if one.before is None)
    return {(one.operation, one.handle): one for one in every}


async def _acts(server: Server, new: Sequence[Act]) -> list[Command]:
    """Return the commands that record operations; each operation that was undone says by which one."""
    undone = await server.many([("GET", server.keys.operation_of_id(act.operation.undoes or "")) for act in new])
    among = {act.operation.id: act.number for act in new}
    commands: list[Command] = []
    for act, held in zip(new, undone, strict=True):
        commands.append(begun(server.keys, act.operation, act.number))
        number = among.get(act.operation.undoes or "", held)
        if number is not None:
            commands.append(("HSET", server.keys.operation(int(number)), "by", act.operation.id))
    return commands


async def _image(one: Trace, generations: Generations) -> Image:
    vector = None
    if one.vector is not None and one.generation is not None:
        (blob,) = vectors.packed([one.vector])
        vector = Vector(await generations.ready(one.generation), blob)
    return Image(
        number=one.number,
        operation=one.operation,
        handle=one.handle,
        unit=one.unit,
        name=one.name,
        after=one.after,
        undone=one.undone,
        before=one.before,
        vector_kept=one.with_vector,
        vector=vector,
        aliases=frozenset((name.namespace, name.user_id, name.id) for name in one.names),
    )
