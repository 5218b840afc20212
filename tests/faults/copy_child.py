"""A copy from one store to another, in a process that can be killed: ``python -m tests.faults.copy_child FROM TO``."""

from __future__ import annotations

import asyncio
import sys

from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.machine import new_ids
from mcp_memory.ports.store import Store
from mcp_memory.services.archive import Archive
from mcp_memory.services.entries import Indexer
from tests.faults.reporting import ask, opened
from tests.standing_clock import StandingClock


def archive(store: Store) -> Archive:
    return Archive(store, Indexer(HashingEmbedder()), StandingClock(), new_ids())


async def copy(source: str, target: str) -> None:
    """Copy all of a store."""
    async with opened(source) as theirs, opened(target) as ours:
        await archive(ours).take_in(archive(theirs), progress=ask)


if __name__ == "__main__":
    asyncio.run(copy(*sys.argv[1:]))
