"""Print what it costs that a write to Redis is answered when it is on the server's disk; no test.

    python benchmarks/redis_durability.py

Each row has a server of its own with an append-only file, in the folder for temporary files. Times are milliseconds,
p50 with p95 in brackets: to add one memory, one after the other, and by each of fifty callers at the same time.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from itertools import count, product
from pathlib import Path

from benchmarks.corpus import NOON, Corpus
from benchmarks.store import operation, p50_p95, timed
from benchmarks.tables import Report, table
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.server import Durability
from mcp_memory.stores.redis.store import RedisStore
from tests import redis_server

SINGLE, CALLERS, TURNS = 60, 50, 5
APPENDS: tuple[str, ...] = ("everysec", "always")
DURABILITIES: tuple[Durability, ...] = ("normal", "full")


async def measured(url: str, durability: Durability) -> Report:
    """Return how long writes took."""
    store = RedisStore(Place(url, durability=durability), clock=lambda: NOON)
    await store.open()
    corpus, numbers = Corpus(SINGLE + CALLERS * TURNS + 1), count()

    async def add(_: int) -> None:
        await store.add([corpus.entry(next(numbers))], operation())

    async def turns(_: int) -> list[float]:
        return await timed(add, TURNS)

    await add(0)
    report: Report = {"one": p50_p95(await timed(add, SINGLE))}
    crowd = await asyncio.gather(*(turns(number) for number in range(CALLERS)))
    report[f"{CALLERS} at once"] = p50_p95([took for one in crowd for took in one])
    await store.close()
    return report


def rows() -> Iterator[tuple[str, Report]]:
    """Yield the rows of the table."""
    for append, durability in product(APPENDS, DURABILITIES):
        lasting = ("--appendonly", "yes", "--appendfsync", append, "--save", "")
        with tempfile.TemporaryDirectory() as folder, redis_server.server(Path(folder), *lasting) as running:
            name = f"appendfsync {append}, MEMORY_DURABILITY={durability}"
            yield name, asyncio.run(measured(running.url, durability))


def main() -> None:
    """Print the table."""
    print(table(dict(rows())))


if __name__ == "__main__":
    main()
