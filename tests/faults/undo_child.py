"""An undo in a process that can be killed: ``python -m tests.faults.undo_child WHERE OPERATION``."""

from __future__ import annotations

import asyncio
import sys

from mcp_memory.domain.requests import Undo
from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.machine import new_ids
from mcp_memory.ports.store import Store
from mcp_memory.services.entries import Indexer
from mcp_memory.services.operations import Operations
from tests.faults.reporting import ask, opened
from tests.standing_clock import StandingClock


def operations(store: Store) -> Operations:
    return Operations(store, Indexer(HashingEmbedder()), StandingClock(), new_ids())


async def undo(where: str, operation_id: str) -> None:
    """Take all of an operation back."""
    async with opened(where) as store:
        await ask(0, 0, "taking back")
        await operations(store).undo(Undo(operation_id=operation_id), progress=ask)


if __name__ == "__main__":
    asyncio.run(undo(*sys.argv[1:]))
