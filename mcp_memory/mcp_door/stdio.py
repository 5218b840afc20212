"""How a server lives in a terminal or under a client: its log, its stdin, and leaving when it is told to."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, cast

import anyio
import anyio.from_thread
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectSendStream

from mcp_memory.prompts.texts import text

CHUNK = 65_536
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LEAVE_SIGNALS = ("SIGTERM", "SIGINT", "SIGBREAK")
"""Those that this platform knows are heeded."""


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


@asynccontextmanager
async def lines_of_stdin(at_end: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[anyio.AsyncFile[str]]:
    """Yield the lines of stdin; while it lasts, descriptor 0 is the null device, so that nobody else reads the wire.

    The thread that waits for a line is a daemon: it keeps neither a cancelled server nor the process alive.

    Args:
        at_end: awaited when stdin has ended, before its lines do.
    """
    wire = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    send, receive = anyio.create_memory_object_stream[str](0)
    token = anyio.lowlevel.current_token()
    threading.Thread(target=_pump, args=(wire, send, at_end, token), name="stdin", daemon=True).start()
    try:
        async with receive:
            # The transport only iterates over it.
            yield cast("anyio.AsyncFile[str]", receive)
    finally:
        os.dup2(wire, 0)


def flush_what_was_printed() -> None:
    """Let go of what a library printed, while descriptor 1 still is stderr; later it would land on the wire."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()


def _pump(
    wire: int,
    send: MemoryObjectSendStream[str],
    at_end: Callable[[], Coroutine[Any, Any, None]],
    token: anyio.lowlevel.EventLoopToken,
) -> None:
    """Hand the lines of a descriptor to the event loop until either ends."""
    # The loop may be gone, or have stopped listening, when a line comes; then nobody wants it.
    with suppress(OSError, RuntimeError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.RunFinishedError):
        for line in _lines(wire):
            anyio.from_thread.run(send.send, line, token=token)
        anyio.from_thread.run(at_end, token=token)
        anyio.from_thread.run(send.aclose, token=token)


def _lines(wire: int) -> Iterator[str]:
    """Read by descriptor: a buffered reader blocked in another thread can stop the interpreter from leaving."""
    pending = bytearray()
    while chunk := os.read(wire, CHUNK):
        whole, newline, rest = chunk.rpartition(b"\n")
        if newline:
            yield from (pending + whole).decode("utf-8", errors="replace").split("\n")
            pending = bytearray()
        pending += rest
    if pending.strip():
        yield pending.decode("utf-8", errors="replace")


def run_until_told_to_leave(serve: Callable[[], Awaitable[None]]) -> None:
    """Run until it ends or the process is told to leave; what it has open is closed either way."""

    async def main() -> None:
        with anyio.CancelScope() as scope:
            with _leaving(scope):
                await serve()

    try:
        anyio.run(main)
    except* (BrokenPipeError, ConnectionResetError):
        # The client went away without closing stdin first: nobody is left to answer.
        logging.getLogger(__name__).info("the client closed the connection")


@contextmanager
def _leaving(scope: anyio.CancelScope) -> Iterator[None]:
    """Cancel the scope when the process is told to leave.

    By ``signal.signal``, because event loops on Windows know no signal handlers.
    """
    loop = asyncio.get_running_loop()

    def leave(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(scope.cancel)

    known = [getattr(signal, name) for name in LEAVE_SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, leave) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
