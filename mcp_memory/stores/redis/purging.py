"""Erasing memories beyond recovery: their hashes, their history, and what the append-only file still tells of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from mcp_memory.domain.scope import Scope
from mcp_memory.errors import StoreError
from mcp_memory.stores.redis import history, suggestions, views
from mcp_memory.stores.redis.documents import Stored
from mcp_memory.stores.redis.images import Image
from mcp_memory.stores.redis.server import Server
from mcp_memory.stores.redis.striking import strike
from mcp_memory.stores.redis.transaction import Transaction

logger = logging.getLogger(__name__)


async def purge(transaction: Transaction, handles: Sequence[int]) -> int:
    """Erase memories and all that was recorded of them; return how many there were."""
    server = transaction.server
    every = await _with_merged(server, handles)
    reached = await _with_takers(server, every)
    images = await history.images_of_memories(server, [*every, *reached])
    await transaction.read(handles=every)
    known = {handle for handle in handles if transaction.stored(handle) is not None or images.get(handle)}
    struck = {
        image.number: image
        for handle, among in images.items()
        for image in among
        if handle in every or not _of_creation(image)
    }
    there = [stored for handle in every if (stored := transaction.stored(handle)) is not None]
    for stored in there:
        transaction.drop(stored.handle)
    for command in await strike(server, [*struck.values()]):
        transaction.also(*command)
    for handle in reached:
        for command in await suggestions.forgotten(server, handle):
            transaction.also(*command)
    for command in await views.forgotten(server, _owners(there, struck.values())):
        transaction.also(*command)
    await transaction.commit()
    return len(known)


def _owners(there: Sequence[Stored], images: Iterable[Image]) -> list[Scope]:
    """Return whose the memories are and were."""
    found = {(stored.record.namespace, stored.record.user_id) for stored in there}
    found |= {(image.name[0], image.name[1]) for image in images}
    return [Scope(namespace, user_id) for namespace, user_id in sorted(found, key=repr)]


def _of_creation(image: Image) -> bool:
    return image.handle == image.unit and image.before is None


async def _with_merged(server: Server, handles: Sequence[int]) -> list[int]:
    """Return the memories with all that were merged into them."""
    found: dict[int, None] = {}
    fresh = list(dict.fromkeys(handles))
    while fresh:
        found |= dict.fromkeys(fresh)
        images = await history.images_of_memories(server, fresh)
        numbers = {image.operation for among in images.values() for image in among if not _of_creation(image)}
        done = await history.images_of_operations(server, sorted(numbers))
        merged = [one.handle for one in done if one.unit in fresh and _merged_away(one)]
        fresh = [handle for handle in dict.fromkeys(merged) if handle not in found]
    return list(found)


def _merged_away(image: Image) -> bool:
    return image.handle != image.unit and image.after is None and image.undone is None


async def _with_takers(server: Server, handles: Sequence[int]) -> list[int]:
    """Return the memories with all that they were ever merged into."""
    found: dict[int, None] = {}
    fresh = list(handles)
    while fresh:
        found |= dict.fromkeys(fresh)
        images = await history.images_of_memories(server, fresh)
        units = [image.unit for among in images.values() for image in among if _of_merge(image)]
        fresh = [handle for handle in dict.fromkeys(units) if handle not in found]
    return list(found)


def _of_merge(image: Image) -> bool:
    """Say whether the memory was merged away, or came back from that."""
    return image.handle != image.unit and (image.after is None or image.before is None)


async def rewrite_log(server: Server) -> None:
    """Have the append-only file written anew, if there is one: it tells of all that ever was."""
    told = await server.call("INFO", "persistence")
    if not int(told.get("aof_enabled", 0)):
        return
    try:
        await server.call("BGREWRITEAOF")
    except StoreError as error:
        logger.warning("what was erased stays in the append-only file until the server writes it anew: %s", error)
