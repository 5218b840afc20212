"""What the fault tests let another process do with a file: ``sqlite_child.py ACT PATH ...``. Answers line by line."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.scope import Scope
from mcp_memory.errors import StoreError, StoreFull
from mcp_memory.stores.sqlite.store import SqliteStore
from tests.contracts.entries import DIMENSIONS, EVERYWHERE, candidates, entry, operation, vector
from tests.standing_clock import StandingClock

NOBODY = 65534


def say(*words: object) -> None:
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


def own_vector(me: int, number: int) -> NDArray[np.float32]:
    return vector(*np.random.default_rng((me, number)).normal(size=DIMENSIONS))


async def add_for_ever(store: SqliteStore) -> None:
    """Say the id of each memory after it was acknowledged."""
    number = 0
    while True:
        await store.add([entry(f"memory {number}", vector(1, number), id=str(number))], operation())
        say(number)
        number += 1


async def add_and_look(store: SqliteStore, board: Path, me: int, rounds: int) -> None:
    """Add memories, and look each time for the newest that every other process was acknowledged for."""
    mine = board / str(me)
    for number in range(rounds):
        name = f"{me}-{number}"
        await store.add([entry(f"memory {name}", own_vector(me, number), id=name, session_id=f"s{me}")], operation())
        tell(mine, name)
        for known in told(board):
            await _look(store, known)
    say("done")


def tell(mine: Path, name: str) -> None:
    with mine.open("a") as file:
        file.write(f"{name}\n")


def told(board: Path) -> list[str]:
    """Return the newest memory of each process that has told one whole."""
    lines = (file.read_text(encoding="utf-8").splitlines(keepends=True) for file in sorted(board.iterdir()))
    return [known[-1].strip() for known in lines if known and known[-1].endswith("\n")]


async def _look(store: SqliteStore, name: str) -> None:
    if not await store.named([name], Scope()):
        say("stale id", name)
    me, number = map(int, name.split("-"))
    found = await candidates(store, own_vector(me, number), nearest=1)
    if name not in {record.id for record in await store.records(found.handles) if record}:
        say("stale vector", name)


async def fill_up(store: SqliteStore) -> None:
    """Add until no file may grow any more; say what is there, then go on with more room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    stored = 0
    try:
        for _ in range(1_000):
            await store.add([entry(f"{stored} {part} " + "x" * 2_000) for part in range(5)], operation())
            stored += 5
    except StoreFull:
        say("full", stored == await store.count(EVERYWHERE) == await store.count(EVERYWHERE, ["x" * 2_000]), stored > 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await store.add([entry("after")], operation())
    say("after", await store.count(EVERYWHERE, ["after"]))


async def read_only(store: SqliteStore, *, quietly: bool = False) -> None:
    """Read and try to write as a user who may only read."""
    count = await store.count(EVERYWHERE)
    if not quietly:
        say("count", count)
    try:
        await store.add([entry("new")], operation())
    except StoreError as error:
        say(error.code, await store.count(EVERYWHERE))


async def create_many(folder: Path, me: str) -> None:
    """Create each file that is named on a line of the input, at the moment at which others do."""
    for name in sys.stdin:
        store = SqliteStore(folder / name.strip() / "memory.sqlite3", clock=StandingClock())
        await store.open()
        await store.add([entry(f"memory {me}", id=me)], operation())
        await store.close()
        say(name.strip())


async def main(act: str, path: Path, *rest: str) -> None:
    """Do the act with the file."""
    if act == "read_only" and os.geteuid() == 0:
        # Whatever is imported late must be there before: the other user may not be allowed to read it.
        with tempfile.TemporaryDirectory() as folder:
            rehearsal = SqliteStore(Path(folder) / "memory.sqlite3", clock=StandingClock())
            await rehearsal.open()
            await read_only(rehearsal, quietly=True)
            await rehearsal.close()
        os.setuid(NOBODY)
    if act == "create_many":
        await create_many(path, rest[0])
        return
    store = SqliteStore(path, clock=StandingClock())
    await store.open()
    if act == "add_for_ever":
        await add_for_ever(store)
    elif act == "add_and_look":
        await add_and_look(store, Path(rest[0]), int(rest[1]), int(rest[2]))
    elif act == "fill_up":
        await fill_up(store)
    else:
        await read_only(store)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
