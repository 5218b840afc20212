"""Huey over an SQLite file beside the store. A message is a job's id as JSON, never a pickle, which could run code.

Huey forgets a message when it hands it out; that the job is done is the matter of the jobs' store.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from huey.api import Huey
from huey.consumer import Consumer, Scheduler
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import SqliteStorage

from mcp_memory.errors import QueueUnavailable
from mcp_memory.ports.jobs import RunJob

logger = logging.getLogger(__name__)

TASK = "job"
_NAME = f"{__name__}.{TASK}"
_SIDES = ("", "-wal", "-shm")
"""The files of an SQLite database in WAL mode."""
STOPPING_SECONDS = 0.01
"""Between two looks whether the threads have ended."""
_MOST_MESSAGE = 4_096
"""Bytes; an id takes thirty."""


class JobIds(Serializer):
    """Writes a message as ``{"job": ID}``."""

    def _serialize(self, data: Message) -> bytes:
        (job_id,) = data.args
        return json.dumps({"job": job_id}).encode()

    def _deserialize(self, data: bytes) -> Message:
        if len(data) > _MOST_MESSAGE:
            raise ValueError("a message of the queue is too long to be a job's id")
        return Message(id=None, name=_NAME, args=(str(json.loads(bytes(data))["job"]),))


class Mailbox(SqliteStorage):
    """Huey's storage, in which one waiting thread looks for all: an idle worker wakes up as seldom as one thread."""

    blocking = True

    def __init__(self, name: str, filename: str) -> None:
        self._poll_seconds = 1.0
        self._turn = threading.Lock()
        self._rung = threading.Event()
        self._stopped = threading.Event()
        super().__init__(name, filename, cache_mb=1)

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        # With a log a power cut loses the last messages and damages nothing; the jobs themselves are elsewhere.
        connection.execute("pragma synchronous = normal")
        return connection

    def begin(self, poll_seconds: float) -> None:
        """Let threads wait for messages, and look so often for those of other processes."""
        self._poll_seconds = poll_seconds
        self._stopped.clear()

    def stop(self) -> None:
        """Let no thread wait any more."""
        self._stopped.set()
        self._rung.set()

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        super().enqueue(data, priority)
        self._rung.set()

    def dequeue(self) -> Any:
        with self._turn:
            while not self._stopped.is_set():
                self._rung.clear()
                data = super().dequeue()
                if data is not None:
                    return data
                self._rung.wait(self._poll_seconds)
        return None


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


class HueyQueue:
    """Hands ids over by a file that all processes of one store share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._run: RunJob | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        with self._translated():
            self._huey = self._opened()
        self._put = self._huey.task(name=TASK)(self._deliver)

    def _opened(self) -> Huey:
        """Open the file; one that is damaged is begun anew, since jobs are found without it."""
        _make_private(self._path)
        try:
            return _huey(self._path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            logger.warning("the queue %s is damaged (%s) and is begun anew; no job is lost", self._path, error)
        for side in _SIDES:
            self._path.with_name(self._path.name + side).unlink(missing_ok=True)
        _make_private(self._path)
        return _huey(self._path)

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

    async def close(self) -> None:
        await asyncio.to_thread(self._huey.storage.close)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise QueueUnavailable(f"the queue {self._path} cannot be used: {error}") from error


async def _awaited(run: RunJob, job_id: str) -> None:
    await run(job_id)


def _huey(path: Path) -> Huey:
    # Huey reports messages; what becomes of a job is reported by whoever runs it.
    logging.getLogger("huey").setLevel(logging.WARNING)
    return Huey("jobs", results=False, storage_class=Mailbox, serializer=JobIds(), filename=str(path))


def _make_private(path: Path) -> None:
    """Create an empty file that only this user can read; SQLite gives its other files the mode of the first."""
    with suppress(FileExistsError):
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            if os.name == "posix":
                os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
