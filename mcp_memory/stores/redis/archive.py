"""Whole memories on their way from or to another place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from mcp_memory.ports.archive import Archived, Name, TakenIn
from mcp_memory.ports.memories import Handle, Seen
from mcp_memory.ports.models import Generation
from mcp_memory.stores import vectors
from mcp_memory.stores.redis import documents, history, reading
from mcp_memory.stores.redis.documents import Stored, name_of
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.images import Image
from mcp_memory.stores.redis.preparing import Prepared
from mcp_memory.stores.redis.server import Server
from mcp_memory.stores.redis.transaction import Transaction


async def archived(server: Server, generations: Generations, after: int, limit: int) -> list[tuple[Handle, Archived]]:
    """Return the memories after a handle in order of storing, each with its names and its vector."""
    handles = await reading.first_after(server, after, limit)
    transaction = Transaction(server, generations)
    await transaction.read(handles=handles)
    models = {number: generation for generation, number in (await generations.known()).items()}
    found = [stored for handle in handles if (stored := transaction.stored(handle)) is not None]
    return [(stored.handle, _whole(stored, models)) for stored in found]


def _whole(stored: Stored, models: dict[int, Generation]) -> Archived:
    names = tuple(Name(*name) for name in sorted(stored.aliases, key=lambda name: name[2]))
    if stored.vector is None:
        return Archived(stored.record, names, handle=stored.handle)
    generation = models[stored.vector.generation]
    parts, scales = vectors.unpacked([stored.vector.packed], generation.dimensions)
    return Archived(stored.record, names, parts[0].astype(np.float32) * scales[0], generation, stored.handle)


async def take_in(transaction: Transaction, memories: Sequence[tuple[TakenIn, Prepared]]) -> list[bool]:
    """Store those whose names find nothing yet; say of each whether it was."""
    await transaction.read(names=[*_names(memories)], fresh=True)
    taken = [_taken_in(transaction, one, ready) for one, ready in memories]
    await transaction.commit()
    return taken


def _names(memories: Iterable[tuple[TakenIn, Prepared]]) -> Iterator[documents.Name]:
    for one, ready in memories:
        yield name_of(ready.record)
        yield from ((name.namespace, name.user_id, name.id) for name in one.names)


def _taken_in(transaction: Transaction, one: TakenIn, ready: Prepared) -> bool:
    if transaction.finds(name_of(ready.record)) is not None:
        return False
    handle = transaction.new_handle()
    transaction.create(handle, replace(ready.stored(handle), aliases=_free(transaction, one, ready)))
    return True


def _free(transaction: Transaction, one: TakenIn, ready: Prepared) -> frozenset[documents.Name]:
    """Return those of the other names of the memory that find nothing."""
    names = ((name.namespace, name.user_id, name.id) for name in one.names)
    return frozenset(name for name in names if transaction.finds(name) is None and name != name_of(ready.record))


async def move_in(transaction: Transaction, memories: Sequence[tuple[int, TakenIn, Prepared]]) -> list[bool]:
    """Store memories under their handles where neither these nor their names are taken; say of each whether it was."""
    handles = [handle for handle, _, _ in memories]
    images = await history.images_of_memories(transaction.server, handles)
    await transaction.read(names=[*_names((one, ready) for _, one, ready in memories)], handles=handles)
    stored = [_moved_in(transaction, *one, images[one[0]]) for one in memories]
    await transaction.commit()
    return stored


def _moved_in(transaction: Transaction, handle: int, one: TakenIn, ready: Prepared, images: Sequence[Image]) -> bool:
    if transaction.stored(handle) is not None or transaction.finds(name_of(ready.record)) is not None:
        return False
    versions = [ready.record.version, *(image.after for image in images if image.after is not None)]
    made = ready.stored(handle)
    transaction.put(replace(made, aliases=_free(transaction, one, ready), top=max(versions)))
    return True


async def move_out(transaction: Transaction, seen: Sequence[Seen]) -> None:
    """Remove the memories that are still as they were seen, without recording it."""
    await transaction.read(handles=[int(handle) for handle, _ in seen])
    for handle, version in seen:
        stored = transaction.stored(int(handle))
        if stored is not None and stored.record.version == version:
            transaction.drop(stored.handle)
    await transaction.commit()
