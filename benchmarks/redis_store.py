"""Print what the store in Redis costs, beside plain redisvl with the same filter on the same machine; no test.

    python benchmarks/redis_store.py [--sizes 10000,100000] [--algorithm hnsw|flat] [--datatype float32|float16]

Each row has a server of its own, and they are called in turns, so that what else the machine does falls on both. Times
are milliseconds, p50 with p95 in brackets; what prepares memories for the call is not counted. Memories are those of
``benchmarks/store.py``: turns of talk in a hundred namespaces; "1 %" is a search in one of them. "near" asks for the
200 nearest by vector, "words" for the 200 best by words, "whole" for both with their neighbours, as the product does.
"unchecked" are the product's keys, written by the driver alone: nothing is compared, counted or done at once. Ours
pass over what has ended, as every search of the product. Plain redisvl keeps id, namespace, user, session, text and
vector of each memory, and returns id, text and distance.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from redis.asyncio import Redis
from redisvl.index import AsyncSearchIndex
from redisvl.query import VectorQuery
from redisvl.query.filter import Tag

from benchmarks.corpus import DIMENSIONS, GENERATION, MANY, NAMESPACES, NOON, QUERIES, TOP, WORDS, Corpus, Rows
from benchmarks.store import operation, p50_p95
from benchmarks.tables import Report, table
from mcp_memory.domain.filters import Where
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Entry, Probe
from mcp_memory.stores import vectors
from mcp_memory.stores.redis import keys
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.documents import Stored, document, pairs
from mcp_memory.stores.redis.generations import VectorIndex
from mcp_memory.stores.redis.images import Image
from mcp_memory.stores.redis.rows import Vector, row_of
from mcp_memory.stores.redis.server import Command
from mcp_memory.stores.redis.store import RedisStore
from mcp_memory.stores.redis.words import Words
from tests import redis_server

BATCH = 500
POOL = 200
REACH = 200
"""How many rows a search in a graph of vectors keeps in sight, for both."""
ONE, HUNDRED = 300, 30
"""How many additions of one memory are measured, and of a hundred."""
FEW = 20
"""Questions, where there are so many memories that each takes long."""
MOST_MEMORY = "8gb"
"""Of each server; what would take more is an error."""
BULK = "bulk rows/s"
SCOPES = ("", " 1 %")
KEYS = keys.Keys("memory_idx")
_NUMPY = {"float32": "<f4", "float16": "<f2"}


class Adding(Protocol):
    """What stores memories."""

    async def open(self) -> None:
        """Make the index."""

    def made(self, number: int) -> Any:
        """Return a memory as it is stored."""

    async def add(self, memories: Sequence[Any]) -> object:
        """Store memories at once."""

    async def close(self) -> None:
        """Give back the connections."""


class Side(Adding, Protocol):
    """One of the two that are compared in everything."""

    async def near(self, number: int, most: int, *, scoped: bool) -> Sequence[int]:
        """Return the numbers of the memories nearest to a question."""


class Ours:
    """The product's store."""

    def __init__(self, corpus: Corpus, url: str, index: VectorIndex) -> None:
        self._corpus = corpus
        self._store = RedisStore(Place(url, vectors=index), clock=lambda: NOON)

    async def open(self) -> None:
        await self._store.open()

    def made(self, number: int) -> Entry:
        return self._corpus.entry(number)

    async def add(self, memories: Sequence[Entry]) -> object:
        return await self._store.add(memories, operation())

    async def near(self, number: int, most: int, *, scoped: bool) -> Sequence[int]:
        probe = Probe(self._corpus.questions[number], GENERATION, nearest=most, lexical=0)
        found = await self._store.candidates(probe, _where(number, scoped=scoped))
        return [int(handle) - 1 for handle in found.handles]

    async def words(self, number: int, *, scoped: bool) -> object:
        """Return what the words of a question bring."""
        return await self._whole(number, None, scoped=scoped)

    async def whole(self, number: int, *, scoped: bool) -> object:
        """Return what a whole search brings."""
        return await self._whole(number, self._corpus.questions[number], scoped=scoped)

    def _whole(self, number: int, vector: Any, *, scoped: bool) -> Awaitable[object]:
        probe = Probe(vector, GENERATION, self._corpus.terms(number), neighbours=1)
        return self._store.candidates(probe, _where(number, scoped=scoped))

    async def close(self) -> None:
        await self._store.close()


def _where(number: int, *, scoped: bool) -> Where:
    return Where(Scope(f"n{number % NAMESPACES}" if scoped else None), current_at=NOON)


class Unchecked:
    """The keys of the product, written by the driver alone: in one message, but not compared, counted or at once."""

    def __init__(self, corpus: Corpus, url: str, index: VectorIndex) -> None:
        self._full = Ours(corpus, url, index)
        self._corpus = corpus
        self._numpy = _NUMPY[index.datatype]
        self._client = Redis.from_url(url)

    async def open(self) -> None:
        """Fill the indexes as those of the product are."""
        await self._full.open()
        for start in range(0, self._corpus.size, BATCH):
            numbers = range(start, min(self._corpus.size, start + BATCH))
            await self._full.add([self._full.made(number) for number in numbers])

    def made(self, number: int) -> list[Command]:
        entry, record = self._corpus.entry(number), self._corpus.entry(number).record
        vector = self._corpus.vectors[number % self._corpus.size]
        words = Words().of_text(entry.terms)
        stored = Stored(number, record, words, WORDS, entry.cues, Vector(1, vectors.packed([vector])[0]))
        fields = {**document(stored), "h": number, "rev": 1, "v1": vector.astype(self._numpy).tobytes()}
        return [
            ("HSET", KEYS.memory(number), *pairs(fields)),
            ("SET", KEYS.row(number), row_of(stored)),
            ("HSET", KEYS.named(record.id), keys.owner(record), f"n{number}"),
            ("ZADD", KEYS.content(stored.content or ""), number, number),
            ("ZADD", KEYS.thread(stored.thread or ""), number, number),
            ("SET", KEYS.image(number), Image(number, 1, number, number, stored.name, 1).written()),
            ("RPUSH", KEYS.images_of_memory(number), number),
        ]

    async def add(self, memories: Sequence[Sequence[Command]]) -> object:
        async with self._client.pipeline(transaction=False) as pipeline:
            for command in chain.from_iterable(memories):
                pipeline.execute_command(*command)
            return await pipeline.execute()

    async def close(self) -> None:
        await self._client.aclose()
        await self._full.close()


class Bare:
    """Plain redisvl."""

    def __init__(self, corpus: Corpus, url: str, index: VectorIndex) -> None:
        self._corpus, self._kind = corpus, index
        self._numpy = _NUMPY[index.datatype]
        vector = {"dims": DIMENSIONS, "algorithm": index.algorithm, "datatype": index.datatype}
        fields: list[dict[str, Any]] = [
            {"name": name, "type": "tag"} for name in ("id", "namespace", "user", "session")
        ]
        fields += [{"name": "text", "type": "text"}]
        fields += [{"name": "vector", "type": "vector", "attrs": vector | {"distance_metric": "cosine"}}]
        schema = {"index": {"name": "plain", "prefix": "plain"}, "fields": fields}
        self._index = AsyncSearchIndex.from_dict(schema, redis_url=url)

    async def open(self) -> None:
        await self._index.create()

    def made(self, number: int) -> dict[str, Any]:
        record = self._corpus.entry(number).record
        return {
            "id": str(number),
            "namespace": record.namespace,
            "user": record.user_id,
            "session": record.session_id,
            "text": record.text,
            "vector": self._corpus.vectors[number % self._corpus.size].astype(self._numpy).tobytes(),
        }

    async def add(self, memories: Sequence[dict[str, Any]]) -> object:
        return await self._index.load(memories, id_field="id")

    async def near(self, number: int, most: int, *, scoped: bool) -> Sequence[int]:
        query = VectorQuery(
            self._corpus.questions[number].astype(self._numpy).tobytes(),
            "vector",
            return_fields=["id", "text"],
            num_results=most,
            dtype=self._kind.datatype,
            filter_expression=(Tag("namespace") == f"n{number % NAMESPACES}") if scoped else None,
            ef_runtime=REACH if self._kind.algorithm == "hnsw" else None,
        )
        rows = cast("list[dict[str, str]]", await self._index.query(query))
        return [int(row["id"].rpartition(":")[2]) for row in rows]

    async def close(self) -> None:
        await self._index.disconnect()


async def compare(corpus: Corpus, sides: dict[str, tuple[Side, str]], unchecked: Adding) -> dict[str, Report]:
    """Measure the sides in turns; each comes with the URL of its server."""
    adders: dict[str, Adding] = {name: side for name, (side, _) in sides.items()} | {"unchecked": unchecked}
    for adder in adders.values():
        await adder.open()
    reports = await _loaded(corpus, sides)
    times = QUERIES if corpus.size <= MANY else FEW
    for scope, exact in zip(SCOPES, (corpus.exact(), corpus.exact_in_namespace()), strict=True):
        scoped = bool(scope)
        for name, (side, _) in sides.items():
            found = [await side.near(number, TOP, scoped=scoped) for number in range(times)]
            reports[name][f"recall{scope}"] = _recall(found, exact[:times])
        calls = {name: _asking(side, scoped=scoped) for name, (side, _) in sides.items()}
        _note(reports, f"near{scope}", await in_turns(calls, times))
        for name, (side, _) in sides.items():
            if isinstance(side, Ours):
                by_words, whole = _searching(side, scoped=scoped)
                _note(reports, f"words{scope}", await in_turns({name: by_words}, times))
                _note(reports, f"whole{scope}", await in_turns({name: whole}, times))
    reports["unchecked"] = {}
    numbers = count(10**8)
    for many, repeats in ((1, ONE), (100, HUNDRED)):
        asked = [[next(numbers) for _ in range(many)] for _ in range(repeats)]
        adding = {name: _adding(adder, asked) for name, adder in adders.items()}
        _note(reports, f"add {many}", await in_turns(adding, repeats))
    for adder in adders.values():
        await adder.close()
    return reports


Call = Callable[[int], Awaitable[object]]


def _asking(side: Side, *, scoped: bool) -> Call:
    return lambda number: side.near(number, POOL, scoped=scoped)


def _searching(side: Ours, *, scoped: bool) -> tuple[Call, Call]:
    return lambda number: side.words(number, scoped=scoped), lambda number: side.whole(number, scoped=scoped)


def _adding(side: Adding, asked: Sequence[Sequence[int]]) -> Call:
    ready = [[side.made(number) for number in numbers] for numbers in asked]
    return lambda number: side.add(ready[number])


async def in_turns(calls: dict[str, Call], times: int) -> dict[str, list[float]]:
    """Return how long each call of each side took, in seconds."""
    took: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(times):
        for name, call in calls.items():
            began = time.perf_counter()
            await call(number)
            took[name].append(time.perf_counter() - began)
    return took


def _note(reports: dict[str, Report], column: str, took: dict[str, list[float]]) -> None:
    for name, seconds in took.items():
        reports[name][column] = p50_p95(seconds)


async def _loaded(corpus: Corpus, sides: dict[str, tuple[Side, str]]) -> dict[str, Report]:
    """Store the memories, a batch here and a batch there; report how fast, and what they take."""
    empty = {name: await _used(url) for name, (_, url) in sides.items()}
    took = dict.fromkeys(sides, 0.0)
    for start in range(0, corpus.size, BATCH):
        for name, (side, _) in sides.items():
            memories = [side.made(number) for number in range(start, min(corpus.size, start + BATCH))]
            began = time.perf_counter()
            await side.add(memories)
            took[name] += time.perf_counter() - began
    reports: dict[str, Report] = {}
    for name, (_, url) in sides.items():
        held = await _used(url)
        each = (held - empty[name]) / corpus.size
        reports[name] = {BULK: corpus.size / took[name], "bytes each": each, "server MB": held / 1e6}
    return reports


async def _used(url: str) -> int:
    """Return the bytes that the server holds."""
    client = Redis.from_url(url)
    try:
        return int((await client.info("memory"))["used_memory"])
    finally:
        await client.aclose()


def _recall(found: Sequence[Sequence[int]], exact: Rows) -> float:
    """Return the share of the nearest that was found."""
    return sum(len(set(row) & set(near.tolist())) for row, near in zip(found, exact, strict=True)) / exact.size


def _times(reports: dict[str, Report]) -> str:
    """Return how many times as long ours takes, by the medians."""
    ours, bare, unchecked = reports.values()
    said = [f"bulk {float(bare[BULK]) / float(ours[BULK]):.2f}"]
    compared = (name for name in bare if name.startswith(("near", "add")))
    said += [f"{column} {_middle(ours, column) / _middle(bare, column):.2f}" for column in compared]
    kept = [f"{column} {_middle(ours, column) / _middle(unchecked, column):.2f}" for column in unchecked]
    return f"Times as long as redisvl alone: {', '.join(said)}. As the same keys unchecked: {', '.join(kept)}."


def _middle(report: Report, column: str) -> float:
    return float(str(report[column]).split()[0])


def measured(size: int, index: VectorIndex) -> dict[str, Report]:
    """Measure one size with three servers."""
    corpus = Corpus(size)
    options = (*redis_server.PASSING, "--maxmemory", MOST_MEMORY)
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as other,
        tempfile.TemporaryDirectory() as third,
        redis_server.server(Path(one), *options) as ours,
        redis_server.server(Path(other), *options) as bare,
        redis_server.server(Path(third), *options) as unchecked,
    ):
        sides: dict[str, tuple[Side, str]] = {
            "mcp-memory": (Ours(corpus, ours.url, index), ours.url),
            "redisvl alone": (Bare(corpus, bare.url, index), bare.url),
        }
        return asyncio.run(compare(corpus, sides, Unchecked(corpus, unchecked.url, index)))


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--algorithm", choices=("hnsw", "flat"), default="hnsw")
    parser.add_argument("--datatype", choices=("float32", "float16"), default="float32")
    asked = parser.parse_args()
    algorithm: Literal["hnsw", "flat"] = asked.algorithm
    datatype: Literal["float32", "float16"] = asked.datatype
    for size in map(int, asked.sizes.split(",")):
        reports = measured(size, VectorIndex(algorithm, datatype))
        print(f"\n{size:,} memories, {algorithm}, {datatype}\n\n{table(reports)}\n\n{_times(reports)}", flush=True)


if __name__ == "__main__":
    main()
