"""Counting the use of memories; what was asked for is answered all the same where that cannot be written."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.errors import StoreBusy, StoreFull, StoreReadOnly
from mcp_memory.ports.memories import Handle, MemoryStore

logger = logging.getLogger(__name__)

TOUCH_AFTER = timedelta(seconds=900)
"""An access counts once in this time, so that paging does not count as use."""


def due(record: MemoryRecord, since: datetime) -> bool:
    """Say whether an access of the memory is to be counted: the first one, one after a change, or after a while."""
    return not record.access_count or record.last_accessed < max(since, record.updated_at)


async def count(store: MemoryStore, handles: Sequence[Handle], now: datetime, since: datetime) -> None:
    """Count an access of each memory for which one is due."""
    if not handles:
        # Most searches write nothing, and so wait for nobody who does.
        return
    try:
        await store.touch(handles, now, unless_since=since)
    except (StoreReadOnly, StoreFull, StoreBusy) as error:
        logger.warning("the access was not counted: %s", error)
