"""A copy from one store to another, in a process that can be killed: ``python -m tests.faults.copy_child FROM TO``.

It says each report of its progress as a line, and goes on when it is answered one.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.machine import new_ids
from mcp_memory.ports.store import Store
from mcp_memory.services.archive import Archive
from mcp_memory.services.entries import Indexer
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.generations import VectorIndex
from mcp_memory.stores.redis.store import RedisStore
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.standing_clock import StandingClock


@asynccontextmanager
async def opened(where: str) -> AsyncIterator[Store]:
    """Open a store: the path of a file, or the URL of a Redis and a prefix behind a blank."""
    url, _, prefix = where.partition(" ")
    clock = StandingClock()
    store: Store = (
        RedisStore(Place(url, prefix, prefix, VectorIndex()), clock=clock)
        if prefix
        else SqliteStore(Path(where), clock=clock)
    )
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def archive(store: Store) -> Archive:
    return Archive(store, Indexer(HashingEmbedder()), StandingClock(), new_ids())


async def _ask(done: int, _: int, what: str) -> None:
    sys.stdout.write(f"{what} {done}\n")
    sys.stdout.flush()
    sys.stdin.readline()


async def copy(source: str, target: str) -> None:
    """Copy all of a store."""
    async with opened(source) as theirs, opened(target) as ours:
        await archive(ours).take_in(archive(theirs), progress=_ask)


if __name__ == "__main__":
    asyncio.run(copy(*sys.argv[1:]))
