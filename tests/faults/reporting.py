"""Work in a process that says each report of its progress as a line, and goes on when it is answered one.

So it can be killed at any of them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mcp_memory.ports.store import Store
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


async def ask(done: int, _: int, what: str) -> None:
    """Say a report, and wait for an answer."""
    sys.stdout.write(f"{what} {done}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def begun(module: str, *words: str) -> subprocess.Popen[str]:
    """Begin the work of a module in a process of its own."""
    command = [sys.executable, "-m", module, *words]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)


def answer(child: subprocess.Popen[str], what: str, reports: int) -> None:
    """Answer so many reports of the child, each about this."""
    assert child.stdin is not None
    assert child.stdout is not None
    for _ in range(reports):
        assert child.stdout.readline().startswith(f"{what} ")
        child.stdin.write("\n")
        child.stdin.flush()
