"""Print what the store in Redis costs, beside plain redisvl with the same filter on the same server; no test.

    python benchmarks/redis_store.py [--sizes 10000,100000] [--algorithm hnsw|flat] [--datatype float32|float16]

Each row has a server of its own. Times are milliseconds, p50 with p95 in brackets. Memories are those of
``benchmarks/store.py``: turns of talk in a hundred namespaces; "1 %" is a search in one of them. "near" asks for the
200 nearest by vector, "words" for the 200 best by words, "whole" for both with their neighbours, as the product does.
Plain redisvl keeps id, namespace, user, session, text and vector of each memory, and returns id, text and distance.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from redis.asyncio import Redis
from redisvl.index import AsyncSearchIndex
from redisvl.query import VectorQuery
from redisvl.query.filter import Tag

from benchmarks.corpus import DIMENSIONS, GENERATION, NAMESPACES, NOON, QUERIES, TOP, Corpus
from benchmarks.store import operation, p50_p95, timed
from benchmarks.tables import Report, table
from mcp_memory.domain.filters import Where
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.memories import Probe
from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.generations import VectorIndex
from mcp_memory.stores.redis.store import RedisStore
from tests import redis_server

BATCH = 500
POOL = 200
REACH = 200
"""How many rows a search in a graph of vectors keeps in sight, for both."""
SINGLE, MANY = 100, 10


async def used(url: str) -> int:
    """Return the bytes that the server holds."""
    client = Redis.from_url(url)
    try:
        return int((await client.info("memory"))["used_memory"])
    finally:
        await client.aclose()


def recall(found: list[list[int]], exact: np.ndarray[Any, np.dtype[np.int64]]) -> float:
    """Return the share of the nearest that was found."""
    return sum(len(set(row) & set(near.tolist())) for row, near in zip(found, exact, strict=True)) / exact.size


Search = Callable[[int], Awaitable[object]]


async def ours(corpus: Corpus, url: str, index: VectorIndex) -> Report:
    """Measure the product's store."""
    store = RedisStore(Place(url, vectors=index), clock=lambda: NOON)
    await store.open()
    empty, began = await used(url), time.perf_counter()
    for start in range(0, corpus.size, BATCH):
        await store.add([corpus.entry(n) for n in range(start, min(corpus.size, start + BATCH))], operation())
    report: Report = {"bulk rows/s": corpus.size / (time.perf_counter() - began)}
    report["bytes each"] = (await used(url) - empty) / corpus.size
    for name, wheres in _wheres().items():

        def near(number: int, most: int, wheres: list[Where] = wheres) -> Awaitable[Any]:
            probe = Probe(corpus.questions[number], GENERATION, nearest=most, lexical=0)
            return store.candidates(probe, wheres[number])

        def both(number: int, vector: bool, wheres: list[Where] = wheres) -> Awaitable[Any]:  # noqa: FBT001
            asked = corpus.questions[number] if vector else None
            return store.candidates(_whole(corpus, number, asked), wheres[number])

        found = [[int(handle) - 1 for handle in (await near(n, TOP)).handles] for n in range(QUERIES)]
        exact = corpus.exact() if not name else corpus.exact_in_namespace()
        report[f"recall{name}"] = recall(found, exact)
        report[f"near{name}"] = p50_p95(await timed(lambda n: near(n, POOL), QUERIES))
        report[f"words{name}"] = p50_p95(await timed(lambda n: both(n, vector=False), QUERIES))
        report[f"whole{name}"] = p50_p95(await timed(lambda n: both(n, vector=True), QUERIES))
    fresh = [corpus.entry(10**8 + number) for number in range(SINGLE + MANY * 100)]
    report["add 1"] = p50_p95(await timed(lambda n: store.add([fresh[n]], operation()), SINGLE))
    report["add 100"] = p50_p95(
        await timed(lambda n: store.add(fresh[SINGLE + n * 100 : SINGLE + n * 100 + 100], operation()), MANY)
    )
    await store.close()
    return report


def _whole(corpus: Corpus, number: int, vector: np.ndarray[Any, np.dtype[np.float32]] | None) -> Probe:
    return Probe(vector, GENERATION, corpus.terms(number), neighbours=1)


def _wheres() -> dict[str, list[Where]]:
    return {"": [Where()] * QUERIES, " 1 %": [Where(Scope(f"n{number % NAMESPACES}")) for number in range(QUERIES)]}


async def plain(corpus: Corpus, url: str, index: VectorIndex) -> Report:
    """Measure redisvl by itself."""
    vector = {"dims": DIMENSIONS, "algorithm": index.algorithm, "datatype": index.datatype, "distance_metric": "cosine"}
    fields = [{"name": name, "type": "tag"} for name in ("id", "namespace", "user", "session")]
    fields += [{"name": "text", "type": "text"}, {"name": "vector", "type": "vector", "attrs": vector}]  # type: ignore[dict-item]
    schema = {"index": {"name": "plain", "prefix": "plain"}, "fields": fields}
    bare = AsyncSearchIndex.from_dict(schema, redis_url=url)
    await bare.create()
    empty, began = await used(url), time.perf_counter()
    for start in range(0, corpus.size, BATCH):
        rows = [_row(corpus, n, index) for n in range(start, min(corpus.size, start + BATCH))]
        await bare.load(rows, id_field="id")
    report: Report = {"bulk rows/s": corpus.size / (time.perf_counter() - began)}
    report["bytes each"] = (await used(url) - empty) / corpus.size
    for name in _wheres():

        def near(number: int, most: int, name: str = name) -> Awaitable[Any]:
            query = VectorQuery(
                corpus.questions[number].astype(_numpy(index)).tobytes(),
                "vector",
                return_fields=["id", "text"],
                num_results=most,
                dtype=index.datatype,
                filter_expression=(Tag("namespace") == f"n{number % NAMESPACES}") if name else None,
                ef_runtime=REACH if index.algorithm == "hnsw" else None,
            )
            return cast("Awaitable[Any]", bare.query(query))

        found = [[int(row["id"].rpartition(":")[2]) for row in await near(n, TOP)] for n in range(QUERIES)]
        exact = corpus.exact() if not name else corpus.exact_in_namespace()
        report[f"recall{name}"] = recall(found, exact)
        report[f"near{name}"] = p50_p95(await timed(lambda n: near(n, POOL), QUERIES))
    fresh = [_row(corpus, 10**8 + number, index) for number in range(SINGLE + MANY * 100)]
    report["add 1"] = p50_p95(await timed(lambda n: bare.load([fresh[n]], id_field="id"), SINGLE))
    report["add 100"] = p50_p95(
        await timed(lambda n: bare.load(fresh[SINGLE + n * 100 : SINGLE + n * 100 + 100], id_field="id"), MANY)
    )
    await bare.disconnect()
    return report


def _numpy(index: VectorIndex) -> str:
    return "<f4" if index.datatype == "float32" else "<f2"


def _row(corpus: Corpus, number: int, index: VectorIndex) -> dict[str, Any]:
    record = corpus.entry(number).record
    return {
        "id": str(number),
        "namespace": record.namespace,
        "user": record.user_id,
        "session": record.session_id,
        "text": record.text,
        "vector": corpus.vectors[number % corpus.size].astype(_numpy(index)).tobytes(),
    }


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--algorithm", choices=("hnsw", "flat"), default="hnsw")
    parser.add_argument("--datatype", choices=("float32", "float16"), default="float32")
    asked = parser.parse_args()
    algorithm: Literal["hnsw", "flat"] = asked.algorithm
    datatype: Literal["float32", "float16"] = asked.datatype
    index = VectorIndex(algorithm, datatype)
    for size in map(int, asked.sizes.split(",")):
        corpus, rows = Corpus(size), {}
        for name, measure in (("mcp-memory", ours), ("redisvl alone", plain)):
            with tempfile.TemporaryDirectory() as folder, redis_server.server(Path(folder)) as running:
                rows[name] = asyncio.run(measure(corpus, running.url, index))
        print(f"\n{size:,} memories, {algorithm}, {datatype}\n\n{table(rows)}", flush=True)


if __name__ == "__main__":
    main()
