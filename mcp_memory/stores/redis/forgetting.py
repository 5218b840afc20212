"""Removing memories if nothing happened to them since they were looked at."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_memory.domain.forgetting import Aged
from mcp_memory.ports.memories import Handle
from mcp_memory.stores.redis.reading import aged_of
from mcp_memory.stores.redis.transaction import Transaction


async def forget(transaction: Transaction, seen: Sequence[tuple[Handle, Aged]]) -> list[Handle]:
    """Remove the memories that are as they were seen; return them."""
    before = {int(handle): aged for handle, aged in seen}
    await transaction.read(handles=before)
    same: list[Handle] = []
    for handle, aged in before.items():
        stored = transaction.stored(handle)
        if stored is None or aged_of(stored.record) != aged:
            continue
        # That it was not used meanwhile must still be so when it goes.
        transaction.check_use(handle)
        with transaction.recorded(handle, handle):
            transaction.drop(handle)
        same.append(handle)
    await transaction.commit()
    return same
