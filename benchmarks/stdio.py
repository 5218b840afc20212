"""Print what one call costs a client: the real server, over stdio, with many memories stored through its own tools.

    python benchmarks/stdio.py [--memories 10000] [--searches 200]

"bare call" is get_current_datetime, which touches no store: what the protocol itself costs in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

WHO = """
Ann Bob Carla Dmitri Elif Farid Greta Hiro Ines Jonas Kim Lena Marco Nadia Omar Petra Quinn Rosa Sven Tariq
"""
DID = """
repaired the old bicycle|planted tomatoes|ran a half marathon|finished the tax return|learnt a song on the piano|
painted the kitchen|missed the last train|adopted a kitten|baked rye bread|watched an eclipse|broke a tooth|
sold the blue car|wrote to the landlord|booked flights|found a wallet|started a pottery class|quit smoking|
met a school friend|lost the house keys|read a book about whales|hiked along the river|fixed the leaking roof
"""
WHERE = """
in Lyon|near the harbour|at the office|in Oslo|behind the library|on the balcony|at the allotment|in Kyoto|
by the lake|in the mountains|at the market|on the night train|in the garden shed|at a small hotel in Porto
"""
BECAUSE = """
because the weather was fine|after months of waiting|and was proud of it|which cost more than expected|
together with the neighbours|and will never do it again|for the second time this year|to please an aunt|
although nobody had asked|and told everyone about it|before the guests came|while listening to the radio
"""
BATCH = 100


def parts(of: str) -> list[str]:
    """Return the phrases that a list is made of."""
    return [part.strip() for part in of.replace("\n", "").split("|")]


def texts(count: int) -> list[str]:
    """Return different sentences about people's lives, the same for the same count."""
    every = list(itertools.product(WHO.split(), *map(parts, (DID, WHERE, BECAUSE))))
    return [f"{who} {did} {where} {because}" for who, did, where, because in random.Random(7).sample(every, count)]


def questions(count: int) -> Iterator[str]:
    """Return questions about them."""
    chance = random.Random(11)
    did, where = parts(DID), parts(WHERE)
    for _ in range(count):
        yield f"Who {chance.choice(did)} {chance.choice(where)}?"


async def timed(call: Callable[[], Awaitable[Any]]) -> float:
    """Return the milliseconds that the call took."""
    began = time.perf_counter()
    result = await call()
    took = (time.perf_counter() - began) * 1e3
    if result.is_error:
        raise SystemExit(result.content[0].text)
    return took


def row(name: str, times: list[float], bare: float) -> None:
    """Print one line of the table."""
    centiles = statistics.quantiles(times, n=20)
    print(f"| {name} | {statistics.median(times):.1f} | {centiles[-1]:.1f} | {statistics.median(times) / bare:.1f} |")


async def measure(memories: int, searches: int, folder: str) -> None:
    """Store, search and print."""
    environment = {**os.environ, "MEMORY_STORE_URL": f"sqlite:///{Path(folder).as_posix()}/memory.sqlite3"}
    environment |= {"LOG_LEVEL": "WARNING"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_memory", "mcp"], env=environment)
    async with Client(stdio_client(server)) as client:

        def create(batch: list[dict[str, Any]]) -> Callable[[], Awaitable[Any]]:
            return lambda: client.call_tool("create_long_term_memories", {"memories": batch})

        def search(**fields: Any) -> Callable[[], Awaitable[Any]]:
            return lambda: client.call_tool("search_long_term_memory", fields)

        rows = [{"text": text, "namespace": f"n{place % 100}"} for place, text in enumerate(texts(memories))]
        stored = [await timed(create(rows[at : at + BATCH])) for at in range(0, memories, BATCH)]
        added = [await timed(create([{"text": f"{text} once more", "namespace": "n1"}])) for text in questions(50)]
        bare = [await timed(lambda: client.call_tool("get_current_datetime", {})) for _ in range(searches)]
        everywhere = [await timed(search(text=question)) for question in questions(searches)]
        filtered = [await timed(search(text=question, namespace="n7")) for question in questions(searches)]
        listed = [await timed(search(text="", namespace="n7")) for _ in range(searches)]
    base = statistics.median(bare)
    print(f"\n{memories:,} memories in 100 namespaces\n")
    print("| call | p50 ms | p95 ms | of a bare call |\n|---|---:|---:|---:|")
    row("bare call", bare, base)
    row("search, everywhere", everywhere, base)
    row("search, one namespace of 100", filtered, base)
    row("list the newest of a namespace", listed, base)
    row("create 1", added, base)
    row("create 100", stored, base)


def main() -> None:
    """Measure as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--searches", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(asked.memories, asked.searches, folder))


if __name__ == "__main__":
    main()
