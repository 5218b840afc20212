"""Print what the embedded store costs, beside baselines measured in the same run; nothing here is a test.

    python benchmarks/store.py [--sizes 10000,100000] [--million] [--vectors REAL.npy]

Every row is a process of its own. Times are milliseconds, p50 with p95 in brackets. Without real embeddings the vectors
are seeded: unit vectors in clusters. Memories are turns of talk, twenty to a session, in a hundred namespaces; "1 %" is
a search in one of them. "whole" asks for 200 by vector, 200 by words and their neighbours, as the product does;
"vector" for the ten nearest. recall@10 is against exact float32.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import cache, partial
from itertools import count
from pathlib import Path

import apsw
import numpy as np

from benchmarks.corpus import (
    DIMENSIONS,
    GENERATION,
    MANY,
    NAMESPACES,
    NOON,
    QUERIES,
    TOP,
    Corpus,
    Rows,
    Vectors,
    unit_rows,
)
from benchmarks.tables import Report, ratios, table
from mcp_memory.domain.filters import Where
from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import StoreError
from mcp_memory.ports.memories import Candidates, Cues, Entry, Probe
from mcp_memory.stores.sqlite.store import SqliteStore

BATCH = 1_000
SECONDS = 4.0
"""How long several processes share one file."""
LONGEST_START = 60.0
"""Seconds in which a process is ready, or was not started."""


_numbers = count()


def operation() -> Operation:
    """Return an operation for one write."""
    return Operation(id=f"operation-{os.getpid()}-{next(_numbers)}", kind=OperationKind.CREATE, at=NOON)


def private_megabytes() -> float:
    """Return the memory that this process shares with none, where the system tells it: on Linux."""
    status = Path("/proc/self/status")
    found = re.search(r"RssAnon:\s+(\d+) kB", status.read_text(encoding="utf-8") if status.exists() else "")
    return int(found[1]) / 1024 if found else float("nan")


def p50_p95(seconds: list[float]) -> str:
    """Return median and 95th percentile in milliseconds."""
    middle, high = np.percentile(np.array(seconds) * 1_000, [50, 95])
    return f"{middle:.2f} ({high:.2f})"


async def timed(act: Callable[[int], Awaitable[object]], times: int) -> list[float]:
    """Return how long each of so many calls took."""
    took = []
    for number in range(times):
        began = time.perf_counter()
        await act(number)
        took.append(time.perf_counter() - began)
    return took


# ------------------------------------------------------------------------------------------------------------- backends


async def product(corpus: Corpus, folder: Path) -> Report:
    """Measure the embedded store."""
    path = folder / "memory.sqlite3"
    report: Report = {"bulk rows/s": await _build(corpus, path), "MB": path.stat().st_size / 1e6}
    near = {False: corpus.exact(), True: corpus.exact_in_namespace()}
    questions = corpus.questions
    fresh = [corpus.entry(10**8 + number) for number in range(200 + 20 * 100)]
    del corpus.__dict__["vectors"]
    before = private_megabytes()
    began = time.perf_counter()
    store = await _opened(path)
    opened = time.perf_counter()
    await store.candidates(Probe(questions[0], GENERATION, nearest=TOP), Where())
    report |= {"open ms": (opened - began) * 1_000, "first ms": (time.perf_counter() - opened) * 1_000}

    async def vector(wheres: list[Where], number: int) -> Candidates:
        return await store.candidates(Probe(questions[number], GENERATION, nearest=TOP), wheres[number])

    async def whole(wheres: list[Where], number: int) -> Candidates:
        probe = Probe(questions[number], GENERATION, corpus.terms(number), neighbours=1)
        return await store.candidates(probe, wheres[number])

    for filtered, name in ((False, ""), (True, " 1 %")):
        wheres = [Where(Scope(f"n{number % NAMESPACES}") if filtered else Scope()) for number in range(QUERIES)]
        report[f"vector{name}"] = p50_p95(await timed(partial(vector, wheres), QUERIES))
        report[f"whole{name}"] = p50_p95(await timed(partial(whole, wheres), QUERIES))
        found = [(await vector(wheres, number)).handles for number in range(QUERIES)]
        report[f"recall{name}"] = _recall([[int(handle) - 1 for handle in row] for row in found], near[filtered])
    report["private MB"] = private_megabytes() - before
    report["add 1"] = p50_p95(await timed(lambda n: store.add([fresh[n]], operation()), 200))
    report["add 100"] = p50_p95(await timed(lambda n: store.add(fresh[200 + n * 100 : 300 + n * 100], operation()), 20))
    await store.close()
    return report


async def _opened(path: Path) -> SqliteStore:
    store = SqliteStore(path, clock=lambda: NOON)
    await store.open()
    return store


async def _build(corpus: Corpus, path: Path) -> float:
    store = await _opened(path)
    took = 0.0
    for start in range(0, corpus.size, BATCH):
        entries = [corpus.entry(number) for number in range(start, min(corpus.size, start + BATCH))]
        began = time.perf_counter()
        await store.add(entries, operation())
        took += time.perf_counter() - began
    await store.close()
    return corpus.size / took


def _recall(found: list[list[int]], exact: Rows) -> float:
    return sum(len(set(row) & set(near.tolist())) for row, near in zip(found, exact, strict=True)) / exact.size


async def numpy_float32(corpus: Corpus, folder: Path) -> Report:
    """Measure a plain product with all vectors in memory, held in no file."""
    del folder
    vectors, questions = corpus.vectors, corpus.questions
    there = [np.flatnonzero(corpus.numbers == number) for number in range(NAMESPACES)]

    async def all_of(number: int) -> None:
        np.argpartition(-(vectors @ questions[number]), TOP)[:TOP]

    async def some_of(number: int) -> None:
        rows = there[number % NAMESPACES]
        rows[np.argsort(-(vectors[rows] @ questions[number]))[:TOP]]

    return {
        "vector": p50_p95(await timed(all_of, QUERIES)),
        "vector 1 %": p50_p95(await timed(some_of, QUERIES)),
        "recall": 1.0,
        "recall 1 %": 1.0,
        "private MB": vectors.nbytes / 1e6,
    }


NEAREST = {
    False: "SELECT rowid FROM v WHERE vector MATCH ? AND k = ?",
    True: "SELECT rowid FROM v WHERE vector MATCH ? AND k = ? AND namespace = ?",
}


async def sqlite_vec(corpus: Corpus, folder: Path) -> Report:
    """Measure sqlite-vec with the namespace as a metadata column, loaded by the same driver."""
    library = importlib.util.find_spec("sqlite_vec")
    if library is None or library.origin is None:
        return {"note": "sqlite-vec is not installed"}
    path = folder / "vec.sqlite3"
    connection = _with_vec(path, Path(library.origin).with_name("vec0"))
    connection.execute(
        f"CREATE VIRTUAL TABLE v USING vec0 (namespace TEXT, vector float[{DIMENSIONS}] distance_metric=cosine)"
    )
    began = time.perf_counter()
    insert = "INSERT INTO v (rowid, namespace, vector) VALUES (?, ?, ?)"
    for start in range(0, corpus.size, BATCH):
        with connection:
            rows = range(start, min(corpus.size, start + BATCH))
            connection.executemany(insert, [(n, corpus.namespace(n), corpus.vectors[n].tobytes()) for n in rows])
    report: Report = {"bulk rows/s": corpus.size / (time.perf_counter() - began), "MB": path.stat().st_size / 1e6}
    near = {False: corpus.exact(), True: corpus.exact_in_namespace()}
    questions = corpus.questions
    times = QUERIES if corpus.size <= MANY else QUERIES // 10
    for filtered, name in ((False, ""), (True, " 1 %")):
        found: list[list[int]] = []

        async def search(number: int, query: str = NEAREST[filtered], found: list[list[int]] = found) -> None:
            values = (questions[number].tobytes(), TOP, f"n{number % NAMESPACES}")
            rows = connection.execute(query, values[: query.count("?")])
            found.append([int(str(row)) for (row,) in rows])

        report[f"vector{name}"] = p50_p95(await timed(search, times))
        report[f"recall{name}"] = _recall(found, near[filtered][:times])
    last = corpus.vectors[0].tobytes()

    async def add(number: int, many: int = 1) -> None:
        with connection:
            rows = range(10**8 + number * many, 10**8 + (number + 1) * many)
            connection.executemany(insert, [(n, "n0", last) for n in rows])

    report["add 1"] = p50_p95(await timed(add, 200))
    report["add 100"] = p50_p95(await timed(lambda n: add(n + 1_000, 100), 20))
    connection.close()
    return report


def _with_vec(path: Path, library: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.enable_load_extension(True)  # noqa: FBT003 - the driver's own signature
    connection.load_extension(str(library))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "normal")
    return connection


async def fts(corpus: Corpus, folder: Path) -> Report:
    """Measure FTS5 with its own ranking: the words of a question alone, and with a token for the namespace."""
    connection = apsw.Connection(str(folder / "fts.sqlite3"))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "normal")
    connection.pragma("mmap_size", 1 << 40)
    connection.execute("CREATE VIRTUAL TABLE w USING fts5 (terms, scope, content='', contentless_delete=1)")
    began = time.perf_counter()
    for start in range(0, corpus.size, BATCH):
        rows = [(n + 1, corpus.words(n), corpus.namespace(n)) for n in range(start, min(corpus.size, start + BATCH))]
        with connection:
            connection.executemany("INSERT INTO w (rowid, terms, scope) VALUES (?, ?, ?)", rows)
    report: Report = {"bulk rows/s": corpus.size / (time.perf_counter() - began)}
    query = "SELECT rowid, rank FROM w WHERE w MATCH ? ORDER BY rank LIMIT 200"

    async def words(number: int, scope: str = "") -> None:
        connection.execute(query, (f"terms : ({' OR '.join(corpus.terms(number))})" + scope,)).fetchall()

    report["words"] = p50_p95(await timed(words, QUERIES))
    scoped = await timed(lambda n: words(n, f" AND scope : n{n % NAMESPACES}"), QUERIES)
    return report | {"words 1 %": p50_p95(scoped)}


BACKENDS: dict[str, Callable[[Corpus, Path], Awaitable[Report]]] = {
    "mcp-memory": product,
    "numpy float32": numpy_float32,
    "sqlite-vec": sqlite_vec,
    "FTS5 bm25()": fts,
}

# ---------------------------------------------------------------------------------------------------- several processes


_AHEAD = 1_024
"""Vectors made at a time: to make one takes as long as to store it."""


async def share(path: Path, board: Path, me: int, processes: int) -> Report:
    """Add and look by turns for some seconds: what another process was acknowledged for must be found.

    On the board stands for how many memories each process was acknowledged, -1 before it has made itself ready.
    """
    store = await _opened(path)
    random = np.random.default_rng(me)
    acknowledged = np.memmap(board, np.int64, "r+", shape=(processes,))
    asked = [number for number in range(processes) if number != me] or [me]
    checks = stale = errors = 0
    for number in range(processes):
        await _misses(store, (number, 0))
    acknowledged[me] = 0
    late = time.monotonic() + LONGEST_START
    while acknowledged.min() < 0 and time.monotonic() < late:
        await _misses(store, (me, 0))
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        other = asked[int(random.integers(len(asked)))]
        newest = int(acknowledged[other]) - 1
        try:
            if newest >= 0:
                checks += 1
                stale += await _misses(store, (other, newest))
            await _add_own(store, (me, int(acknowledged[me])))
        except StoreError:
            errors += 1
            continue
        acknowledged[me] += 1
    await store.close()
    return {"adds": int(acknowledged[me]), "checks": checks, "stale": stale, "errors": errors}


async def _misses(store: SqliteStore, name: tuple[int, int]) -> bool:
    """Say whether a search does not find the memory that a process stored so long ago."""
    found = await store.candidates(Probe(_own_vector(name), GENERATION, nearest=1), Where())
    (record,) = await store.records(found.handles)
    return record is None or record.id != _named(name)


async def _add_own(store: SqliteStore, name: tuple[int, int]) -> None:
    text = _named(name)
    record = MemoryRecord(id=text, text=text, created_at=NOON, updated_at=NOON, last_accessed=NOON)
    await store.add([Entry(record, text, Cues(), _own_vector(name), GENERATION)], operation())


def _named(name: tuple[int, int]) -> str:
    return f"{name[0]}-{name[1]}"


def _own_vector(name: tuple[int, int]) -> Vectors:
    vector: Vectors = _own_vectors(name[0], name[1] // _AHEAD)[name[1] % _AHEAD]
    return vector


@cache
def _own_vectors(process: int, part: int) -> Vectors:
    random = np.random.default_rng([process, part])
    return unit_rows(random.standard_normal((_AHEAD, DIMENSIONS), dtype=np.float32))


async def lost(path: Path, told: list[str]) -> int:
    """Return how many memories that were acknowledged are not there."""
    store = await _opened(path)
    there = {record.id for _, record in await store.named(told, Scope())}
    await store.close()
    return len(set(told) - there)


def sharing(processes: int) -> Report:
    """Measure several processes on one file of ten thousand memories."""
    with tempfile.TemporaryDirectory() as name:
        path, board = Path(name, "memory.sqlite3"), Path(name, "board")
        np.full(processes, -1, np.int64).tofile(board)
        asyncio.run(_build(Corpus(10_000), path))
        places = (str(path), str(board))
        running = [_run("--share", *places, str(number), str(processes)) for number in range(processes)]
        reports = [json.loads(process.communicate()[0]) for process in running]
        told = [_named((me, number)) for me, report in enumerate(reports) for number in range(report["adds"])]
        total = {key: sum(report[key] for report in reports) for key in reports[0]}
        return {
            "processes": processes,
            "adds/s": total["adds"] / SECONDS,
            "searches/s": total["checks"] / SECONDS,
            "stale": total["stale"],
            "lost": asyncio.run(lost(path, told)),
            "errors": total["errors"],
        }


# -------------------------------------------------------------------------------------------------------------- tables


def _run(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--vectors", help="real embeddings: an array of shape (n, 384) in a .npy file")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--share", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        with tempfile.TemporaryDirectory() as folder:
            report = asyncio.run(_measure(given.one[0], Corpus(int(given.one[1]), given.vectors), Path(folder)))
        print(json.dumps(report))
        return
    if given.share:
        path, board, me, processes = given.share
        print(json.dumps(asyncio.run(share(Path(path), Path(board), int(me), int(processes)))))
        return
    real = ["--vectors", given.vectors] if given.vectors else []
    for size in [*map(int, given.sizes.split(",")), *([1_000_000] if given.million else [])]:
        rows = {name: json.loads(_run("--one", name, str(size), *real).communicate()[0]) for name in BACKENDS}
        print(f"\n{size:,} memories\n\n{table(rows)}\n\n{ratios(rows)}")
    print(f"\nOne file, several processes\n\n{table({f'{n}': sharing(n) for n in (1, 2, 4)})}")


async def _measure(backend: str, corpus: Corpus, folder: Path) -> Report:
    return await BACKENDS[backend](corpus, folder)


if __name__ == "__main__":
    main()
