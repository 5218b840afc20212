"""How a server lives in a terminal or under a client: its log, its stdin, and leaving when it is told to."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self, cast

import anyio

from mcp_memory.leaving import LEAVING_SECONDS, leave_within, told_to_leave
from mcp_memory.prompts.texts import text

CHUNK = 65_536
LINES_AHEAD = 64
"""Lines that are read before the server has taken them."""
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def configure_logging(level: str | None = None) -> None:
    """Log to stderr, at the level given or LOG_LEVEL; stdout belongs to the protocol."""
    wanted = (level or os.environ.get("LOG_LEVEL") or "INFO").upper()
    logging.basicConfig(
        stream=sys.stderr,
        level=wanted if wanted in LEVELS else "INFO",
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if wanted not in LEVELS:
        logging.getLogger(__name__).warning("LOG_LEVEL %r is unknown, using INFO; one of %s", wanted, ", ".join(LEVELS))


def announce() -> None:
    """Tell a person at a terminal what this is; a client gets no such text."""
    with suppress(ValueError, AttributeError):
        if sys.stdin.isatty():
            sys.stderr.write(text("terminal.txt") + "\n")
            sys.stderr.flush()


class Lines:
    """The lines of a descriptor, read by a thread that keeps neither a cancelled server nor the process alive.

    Args:
        wire: the descriptor.
        at_end: awaited when it has ended, before the lines do.
    """

    def __init__(self, wire: int, at_end: Callable[[], Awaitable[None]]) -> None:
        self._wire = wire
        self._at_end = at_end
        self._loop = asyncio.get_running_loop()
        self._read: asyncio.Queue[str | None] = asyncio.Queue()
        self._room = threading.Semaphore(LINES_AHEAD)
        threading.Thread(target=self._pump, name="stdin", daemon=True).start()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        line = await self._read.get()
        self._room.release()
        if line is None:
            await self._at_end()
            raise StopAsyncIteration
        return line

    def _pump(self) -> None:
        # When the loop is closed, nobody wants another line.
        with suppress(RuntimeError):
            for line in _lines(self._wire):
                self._hand_over(line)
            self._hand_over(None)

    def _hand_over(self, line: str | None) -> None:
        self._room.acquire()
        self._loop.call_soon_threadsafe(self._read.put_nowait, line)


@contextmanager
def lines_of_stdin(at_end: Callable[[], Awaitable[None]]) -> Iterator[anyio.AsyncFile[str]]:
    """Yield the lines of stdin; while it lasts, descriptor 0 is the null device, so that nobody else reads the wire."""
    wire = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    try:
        # The transport only iterates over it.
        yield cast("anyio.AsyncFile[str]", Lines(wire, at_end))
    finally:
        # On Windows a read that still waits holds its descriptor, and whoever copies it would wait as well.
        if os.name == "posix":
            os.dup2(wire, 0)


def flush_what_was_printed() -> None:
    """Let go of what a library printed, while descriptor 1 still is stderr; later it would land on the wire."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()


def _lines(wire: int) -> Iterator[str]:
    """Read by descriptor: a buffered reader blocked in another thread can stop the interpreter from leaving."""
    pending = bytearray()
    while chunk := _chunk(wire):
        whole, newline, rest = chunk.rpartition(b"\n")
        if newline:
            yield from (pending + whole).decode("utf-8", errors="replace").split("\n")
            pending = bytearray()
        pending += rest
    if pending.strip():
        yield pending.decode("utf-8", errors="replace")


def _chunk(wire: int) -> bytes:
    try:
        return os.read(wire, CHUNK)
    except OSError:
        # A terminal or pipe that is gone says so in its own way; it has ended all the same.
        return b""


def run_until_told_to_leave(serve: Callable[[], Awaitable[None]]) -> None:
    """Run until it ends or the process is told to leave; what it has open is closed either way."""

    async def main() -> None:
        with anyio.CancelScope() as scope:
            with told_to_leave(scope.cancel):
                try:
                    await serve()
                finally:
                    leave_within(LEAVING_SECONDS)

    try:
        anyio.run(main)
    except* (BrokenPipeError, ConnectionResetError):
        # The client went away without closing stdin first: nobody is left to answer.
        logging.getLogger(__name__).info("the client closed the connection")
