"""What the tests of upkeep let another process do with a file: ``upkeep_child.py ACT PATH ...``.

Whatever takes long says each report of its progress as a line, and goes on when it is answered one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from mcp_memory.embedders.hashing import HashingEmbedder
from mcp_memory.errors import StoreFull
from mcp_memory.services.upkeep import Upkeep
from mcp_memory.stores.sqlite import backups, migrations
from mcp_memory.stores.sqlite.connection import Settings
from mcp_memory.stores.sqlite.copying import unseen
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import candidates, entry, operation, vector
from tests.migrations.steps import steps_with_a_long_one
from tests.standing_clock import StandingClock

if sys.platform != "win32":
    import resource


def say(*words: object) -> None:
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


def ask(done: int, _: int, what: str) -> None:
    """Report, and wait to be told to go on."""
    say(f"{what} {done}" if done else what)
    sys.stdin.readline()


def restore(path: Path, copy: Path) -> None:
    backups.restore(Settings(path), copy, StandingClock(), ask)
    say("done")


def migrate(path: Path) -> None:
    migrations.apply(path, StandingClock(), steps_with_a_long_one(), ask)
    say("done")


def migrate_quietly(path: Path) -> None:
    ask(0, 0, "ready")
    migrations.apply(path, StandingClock(), steps_with_a_long_one(), unseen)
    say("done")


def migrate_without_room(path: Path, limit: int) -> None:
    """Migrate while no file may grow beyond the limit, and again when it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        migrations.apply(path, StandingClock(), steps_with_a_long_one(), unseen)
    except StoreFull:
        say("full", *sorted(part.name for part in path.parent.iterdir()))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    migrations.apply(path, StandingClock(), steps_with_a_long_one(), unseen)
    say("done")


async def look(path: Path) -> None:
    """Search at every line of the input; say how many are found by vector and by words."""
    store = SqliteStore(path, clock=StandingClock())
    await store.open()
    for _ in sys.stdin:
        near = await candidates(store, vector(1), nearest=99_999)
        worded = await candidates(store, None, ("memory",), lexical=99_999)
        say(len(near.handles), len(worded.handles))
    await store.close()


async def reembed(path: Path) -> None:
    """Make the vectors of another model, chunk by chunk."""

    async def progress(done: int, total: int, what: str) -> None:
        ask(done, total, what)

    store = SqliteStore(path, clock=StandingClock())
    await store.open()
    await Upkeep(store, HashingEmbedder()).reembed(progress)
    say("done")
    await store.close()


async def write(path: Path) -> None:
    """Store a memory at every line of the input."""
    store = SqliteStore(path, clock=StandingClock())
    await store.open()
    for number, _ in enumerate(sys.stdin):
        await store.add([entry(f"written {number}", vector(1), id=f"written {number}")], operation())
        say(number)
    await store.close()


if __name__ == "__main__":
    act, where, *rest = sys.argv[1:]
    if act == "restore":
        restore(Path(where), Path(rest[0]))
    elif act in {"migrate", "migrate_quietly"}:
        (migrate if act == "migrate" else migrate_quietly)(Path(where))
    elif act == "migrate_without_room":
        migrate_without_room(Path(where), int(rest[0]))
    else:
        asyncio.run({"look": look, "reembed": reembed, "write": write}[act](Path(where)))
