"""The worker's door: a process that does jobs and nothing else, until it is told to leave."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcp_memory.bootstrap import GRACE_SECONDS, open_memory, task_runner
from mcp_memory.errors import ConfigurationError
from mcp_memory.leaving import LEAVING_SECONDS, heeding, leave_at_once, leave_within

if TYPE_CHECKING:
    from mcp_memory.config import Settings

logger = logging.getLogger(__name__)

STARTING_SECONDS = 30.0
"""What a worker waits for a store that is started at the same time; then it ends, and may be started again."""


def run_worker(settings: Settings, *, concurrency: int) -> None:
    """Do jobs until the process is told to leave; told again, it leaves at once.

    Raises:
        ConfigurationError: the store keeps nothing that two processes could share.
        StoreError: the store cannot be used.
    """
    if settings.store_location()[0] == "ephemeral":
        raise ConfigurationError(
            "MEMORY_STORE_URL: ephemeral:// keeps nothing that a worker could share with other programs; "
            "use sqlite:///PATH or redis://HOST:PORT"
        )
    asyncio.run(_work(settings, concurrency))


async def _work(settings: Settings, concurrency: int) -> None:
    stop = asyncio.Event()
    with _told_to_leave(stop):
        memory = await open_memory(settings, wait_seconds=STARTING_SECONDS)
        try:
            logger.info("does the jobs of %s, at most %d at once", settings.store_shown(), concurrency)
            await task_runner(settings, memory, concurrency=concurrency).work(stop)
            logger.info("has left; unfinished jobs are handed back")
        finally:
            await memory.close()
        leave_within(LEAVING_SECONDS)


@contextmanager
def _told_to_leave(stop: asyncio.Event) -> Iterator[None]:
    """Set the event at the first signal; leave at once at the second: what runs is taken when its lease is over."""
    loop = asyncio.get_running_loop()
    told = False

    def heed(number: int) -> None:
        nonlocal told
        if told:
            leave_at_once(number)
        told = True
        loop.call_soon_threadsafe(begin_to_leave)

    def begin_to_leave() -> None:
        logger.info("leaves when what runs is done, in %.0f s at the latest", GRACE_SECONDS)
        stop.set()

    with heeding(heed):
        yield
