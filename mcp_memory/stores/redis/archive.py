"""Whole memories on their way from or to another place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mcp_memory.ports.archive import Archived, Name, TakenIn
from mcp_memory.ports.memories import Handle
from mcp_memory.ports.models import Generation
from mcp_memory.stores import vectors
from mcp_memory.stores.redis import reading
from mcp_memory.stores.redis.documents import Stored, name_of
from mcp_memory.stores.redis.generations import Generations
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
        return Archived(stored.record, names)
    generation = models[stored.vector.generation]
    parts, scales = vectors.unpacked([stored.vector.packed], generation.dimensions)
    return Archived(stored.record, names, parts[0].astype(np.float32) * scales[0], generation)


async def take_in(transaction: Transaction, memories: Sequence[tuple[TakenIn, Prepared]]) -> list[bool]:
    """Store those whose names find nothing yet; say of each whether it was."""
    names = [name_of(ready.record) for _, ready in memories]
    names += [(name.namespace, name.user_id, name.id) for one, _ in memories for name in one.names]
    await transaction.read(names=names, new=len(memories), images=len(memories))
    taken = [_taken_in(transaction, one, ready) for one, ready in memories]
    await transaction.commit()
    return taken


def _taken_in(transaction: Transaction, one: TakenIn, ready: Prepared) -> bool:
    if transaction.finds(name_of(ready.record)) is not None:
        return False
    handle = transaction.new_handle()
    names = ((name.namespace, name.user_id, name.id) for name in one.names)
    free = frozenset(name for name in names if transaction.finds(name) is None and name != name_of(ready.record))
    with transaction.recorded(handle, handle):
        transaction.put(replace(ready.stored(handle), aliases=free))
    return True
