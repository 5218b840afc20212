"""New memories as they are written: all that is kept of one goes to the server as three arguments of one script."""

from __future__ import annotations

from typing import NamedTuple

from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.documents import Stored, document
from mcp_memory.stores.redis.images import Image
from mcp_memory.stores.redis.rows import row_of, vector_field


class New(NamedTuple):
    """What is written of a memory that was not there."""

    handle: int
    revision: int
    """Tells this state of the memory from all others that it will have."""
    fields: dict[str, str | int]
    """Of its hash, but for its vector, its handle and its revision."""
    row: bytes
    vector_field: str
    vector: bytes
    """As the engine takes it; both empty where there is none."""
    name: str | None
    """The key of its id, if that is to lead to it."""
    owner: str
    content: str | None
    """The key at which the memories of its content are listed."""
    thread: str | None
    """The key at which the memories of its thread stand in their order."""
    image: Image | None
    """That it was not there before, if that is recorded."""


def made(
    names: keys.Keys, stored: Stored, revision: int, vector: bytes | None, image: Image | None, *, named: bool
) -> New:
    """Return what is written of a new memory.

    Args:
        names: of keys.
        stored: the memory.
        revision: what tells this state from all others.
        vector: its vector as the engine takes it, if it has one.
        image: what is recorded of it.
        named: whether its id is to lead to it.
    """
    namespace, user_id, memory_id = stored.name
    fields = document(stored)
    return New(
        handle=stored.handle,
        revision=revision,
        fields=fields,
        row=row_of(stored),
        vector_field="" if stored.vector is None else vector_field(stored.vector.generation),
        vector=vector or b"",
        name=names.named(memory_id) if named else None,
        owner=keys.owned(namespace, user_id),
        content=None if stored.content is None else names.content(stored.content),
        thread=None if stored.thread is None else names.thread(stored.thread),
        image=image,
    )
