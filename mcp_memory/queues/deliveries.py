"""What every queue by Huey shares: messages that are job ids as JSON, and threads that hand them to an event loop.

A message is never a pickle, which could run code. Huey forgets a message when it hands it out; that the job is done is
the matter of the jobs' store.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, Protocol

from huey.api import Huey
from huey.consumer import Consumer, Scheduler
from huey.registry import Message
from huey.serializer import Serializer

from mcp_memory.ports.jobs import RunJob

TASK = "job"
_NAME = f"{__name__}.{TASK}"
STOPPING_SECONDS = 0.01
"""Between two looks whether the threads have ended."""
_MOST_MESSAGE = 4_096
"""Bytes; an id takes thirty."""


class Waiting(Protocol):
    """What a storage of Huey's must know besides: when its threads may wait for messages."""

    def begin(self, poll_seconds: float) -> None:
        """Let threads wait for messages, and look so often for those of other processes."""

    def stop(self) -> None:
        """Let no thread wait any more."""


class JobIds(Serializer):
    """Writes a message as ``{"job": ID}``."""

    def _serialize(self, data: Message) -> bytes:
        (job_id,) = data.args
        return json.dumps({"job": job_id}).encode()

    def _deserialize(self, data: bytes) -> Message:
        if len(data) > _MOST_MESSAGE:
            raise ValueError("a message of the queue is too long to be a job's id")
        return Message(id=None, name=_NAME, args=(str(json.loads(bytes(data))["job"]),))


class NoSchedule(Scheduler):
    """Waits for the end: when a job is due stands in the jobs' store, not in Huey."""

    def loop(self, now: object = None) -> None:  # noqa: ARG002 -- Huey hands it over
        self.stop_flag.wait()


class Threads(Consumer):
    """Huey's consumer without signals: the process has its own way to leave."""

    scheduler_class = NoSchedule

    def _set_signal_handlers(self) -> None:
        return

    @property
    def alive(self) -> bool:
        """Say whether a thread still works."""
        return any(thread.is_alive() for _, thread in self.worker_threads)

    def stop(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 -- Huey's signature
        self.stop_flag.set()
        self.huey.storage.stop()
        super().stop(graceful)


class Deliveries:
    """Hands ids over by a storage of Huey's that several processes share."""

    def __init__(self, huey: Huey) -> None:
        # Huey reports messages; what becomes of a job is reported by whoever runs it.
        logging.getLogger("huey").setLevel(logging.WARNING)
        self._run: RunJob | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._huey = huey
        self._put = huey.task(name=TASK)(self._deliver)

    def _translated(self) -> AbstractContextManager[None]:
        """Turn what the storage raises within into ``QueueUnavailable``."""
        raise NotImplementedError

    async def enqueue(self, job_id: str) -> None:
        with self._translated():
            await asyncio.to_thread(self._put, job_id)

    async def waiting(self) -> int:
        with self._translated():
            return int(await asyncio.to_thread(self._huey.storage.queue_size))

    @asynccontextmanager
    async def consuming(self, run: RunJob, *, concurrency: int, poll_seconds: float) -> AsyncIterator[None]:
        self._run, self._loop = run, asyncio.get_running_loop()
        self._huey.storage.begin(poll_seconds)
        consumer = Threads(self._huey, workers=concurrency, periodic=False, initial_delay=poll_seconds)
        consumer.start()
        try:
            yield
        finally:
            consumer.stop()
            # Not joined by a thread: whoever gives up waiting must not leave one that the process then waits for.
            while consumer.alive:  # noqa: ASYNC110 -- these threads know no event of the loop
                await asyncio.sleep(STOPPING_SECONDS)

    def _deliver(self, job_id: str) -> None:
        """Have the job run on the event loop, and wait for it: this thread takes no other meanwhile."""
        if self._run is None or self._loop is None:
            raise RuntimeError("nobody consumes this queue")
        asyncio.run_coroutine_threadsafe(_awaited(self._run, job_id), self._loop).result()


async def _awaited(run: RunJob, job_id: str) -> None:
    await run(job_id)


def huey_over(storage: Any, **options: Any) -> Huey:
    """Return a Huey over a storage class that keeps nothing but waiting messages."""
    return Huey("jobs", results=False, storage_class=storage, serializer=JobIds(), **options)
