"""Print what a whole compaction costs, how its cost grows, and what a client notices of it; nothing here is a test.

    python benchmarks/compaction.py [--sizes 10000,100000]

Of the memories, 20 % repeat another one to the letter and 10 % in other words; all are one person's in one namespace,
so every memory may have to be compared with every other. Vectors are there, seeded, in clusters. Each size is a process
of its own; seconds are of one core, and a loop that does nothing else is timed beside them, for this core may be a slow
one. A client is another process that adds and searches, first alone, then while such a store is compacted once more; a
turn is both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import DIMENSIONS, GENERATION, NOON, Corpus, unit_rows
from benchmarks.tables import Report, table
from mcp_memory.domain.filters import Where
from mcp_memory.domain.identity import content_hash
from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.requests import Compact
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import EmbedderUnavailable
from mcp_memory.machine import new_ids
from mcp_memory.ports.memories import Entry, Probe
from mcp_memory.ports.models import Generation
from mcp_memory.retrieval.cues import cues
from mcp_memory.retrieval.words import index_terms
from mcp_memory.services.long_term import LongTerm
from mcp_memory.stores.sqlite.store import SqliteStore

if sys.platform != "win32":
    import resource

EXACT, NEAR = 0.2, 0.1
"""Shares of the memories that repeat another one."""
NOISE = 0.02
BATCH = 1_000
CALLS = 150
"""Calls of a client that are timed."""
WHO = Scope("benchmark", "user")
NAMES = "Ann Ben Carla Dmitri Elena Farid Greta Hugo Ines Jonas Katya Liam Mina Noor Otto Petra Quentin Rosa Sven Tara"
DID = "bought sold painted repaired borrowed lost found photographed described collected"
THINGS = "bicycle lamp guitar sofa camera teapot ladder carpet drone canoe violin telescope kettle jacket clock"
PLACES = (
    "Lyon Oslo Porto Ghent Turin Leeds Malmö Graz Cork Delft Basel Tartu Bergen Nantes Zagreb Vilnius Utrecht Split"
)


class Vectorless:
    """An embedder that has none to give: compaction is to need none."""

    @property
    def generation(self) -> Generation:
        """What the stored vectors are said to be made by."""
        return GENERATION

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Refuse."""
        raise EmbedderUnavailable(f"asked to embed {len(texts)} texts")

    async def close(self) -> None:
        """Do nothing."""


def sentence(number: int) -> str:
    """Return a fact that no other number has."""
    chance = random.Random(number)
    name, did, thing, place = (chance.choice(words.split()) for words in (NAMES, DID, THINGS, PLACES))
    return f"{name} {did} a {thing} in {place} for {chance.randint(10, 990)} euros, order {number}"


def in_other_words(text: str) -> str:
    """Return the same fact, with other words that carry nothing."""
    return text.replace(" a ", " the ", 1).replace(", order", " (order", 1) + ")."


def memories(size: int) -> tuple[list[str], NDArray[np.float32]]:
    """Return the texts and vectors of so many memories, those that repeat others last."""
    exact, near = int(size * EXACT), int(size * NEAR)
    plain = size - exact - near
    chance = np.random.default_rng(5)
    vectors = Corpus(plain).vectors
    texts = [sentence(number) for number in range(plain)]
    repeated, reworded = chance.integers(0, plain, exact), chance.choice(plain, near, replace=False)
    noise = chance.normal(scale=NOISE, size=(near, DIMENSIONS)).astype(np.float32)
    texts += [texts[row] for row in repeated] + [in_other_words(texts[row]) for row in reworded]
    return texts, np.concatenate([vectors, vectors[repeated], unit_rows(vectors[reworded] + noise)])


def entry(number: int, text: str, vector: NDArray[np.float32]) -> Entry:
    """Return a memory as it is stored."""
    when = NOON + timedelta(seconds=number % 10**6)
    record = MemoryRecord(
        id=f"{number:026}",
        text=text,
        namespace=WHO.namespace,
        user_id=WHO.user_id,
        created_at=when,
        updated_at=when,
        last_accessed=when,
        persisted_at=when,
        memory_hash=content_hash(text, "semantic"),
    )
    return Entry(record, index_terms(text, None), cues(record), vector, GENERATION)


_numbers = count(1)


def operation() -> Operation:
    """Return an operation for one write."""
    return Operation(id=f"{os.getpid()}-{next(_numbers)}", kind=OperationKind.CREATE, at=NOON)


async def opened(path: Path) -> SqliteStore:
    """Return the store of a file."""
    store = SqliteStore(path, clock=lambda: NOON)
    await store.open()
    return store


async def build(path: Path, size: int) -> None:
    """Write a store with so many memories."""
    store = await opened(path)
    texts, vectors = memories(size)
    for start in range(0, size, BATCH):
        rows = range(start, min(size, start + BATCH))
        await store.add([entry(row, texts[row], vectors[row]) for row in rows], operation(), duplicates="keep_both")
    await store.close()


def peak_megabytes() -> float:
    """Return the most memory that this process has had, where the system tells it."""
    if sys.platform == "win32":
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def loop_seconds() -> float:
    """Return how long this core takes to square and add five million numbers."""
    used, total = time.process_time(), 0
    for number in range(5_000_000):
        total += number * number
    return time.process_time() - used


async def compact(path: Path, size: int) -> Report:
    """Compact a whole store once, then once more with nothing new."""
    store = await opened(path)
    later = NOON + timedelta(days=30)
    long_term = LongTerm(store, Vectorless(), lambda: later, new_ids(), enabled=True)
    began, used = time.perf_counter(), time.process_time()
    done = await long_term.compact(Compact())
    report: Report = {"memories": size, "CPU s": time.process_time() - used, "s": time.perf_counter() - began}
    report["loop s"] = loop_seconds()
    report["memories/s"] = size / float(report["CPU s"])
    report["peak MB"] = peak_megabytes()
    report["merged away"] = done.retired
    report["of"] = int(size * EXACT) + int(size * NEAR)
    report["suggested"] = done.suggested
    used = time.process_time()
    await long_term.compact(Compact())
    report["nothing new s"] = time.process_time() - used
    await store.close()
    return report


async def client(path: Path, until: Path | None) -> Report:
    """Add and search, and tell in milliseconds what each and both took; go on while a file is there."""
    store = await opened(path)
    corpus = Corpus(CALLS)
    adds, searches = [], []
    for number in count():
        if number >= CALLS and (until is None or not os.path.exists(until)):  # noqa: ASYNC240, PTH110 -- it takes no time
            break
        text, vector = f"client {os.getpid()} says {number}", corpus.vectors[number % CALLS]
        began = time.perf_counter()
        await store.add([entry(10**7 + number + os.getpid() * 10**9, text, vector)], operation())
        adds.append(time.perf_counter() - began)
        began = time.perf_counter()
        await store.candidates(Probe(vector, GENERATION, ("client", "order"), neighbours=1), Where(WHO))
        searches.append(time.perf_counter() - began)
        await asyncio.sleep(0.002)
    await store.close()
    report: Report = {"calls": len(adds)}
    turns = [add + search for add, search in zip(adds, searches, strict=True)]
    for name, took in (("add", adds), ("search", searches), ("turn", turns)):
        for what, percent in (("p50", 50), ("p95", 95)):
            report[f"{name} {what}"] = float(np.percentile(np.array(took) * 1_000, percent))
    return report


def run(*arguments: object) -> subprocess.Popen[str]:
    """Start a part of this program in a process of its own."""
    command = [sys.executable, __file__, *map(str, arguments)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment)


def answer(process: subprocess.Popen[str]) -> Report:
    """Return what a part printed."""
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(process.returncode)
    report: Report = json.loads(out.splitlines()[-1])
    return report


def main() -> None:
    """Print the tables, or one part of them for another process."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--part", nargs=3, metavar=("PART", "FILE", "VALUE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        part, file, value = given.part
        if part == "build":
            asyncio.run(build(Path(file), int(value)))
            print("{}")
        elif part == "compact":
            print(json.dumps(asyncio.run(compact(Path(file), int(value)))))
        else:
            print(json.dumps(asyncio.run(client(Path(file), Path(value) if value != "-" else None))))
        return
    reports, waits = [], []
    for size in map(int, given.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            path, flag = Path(folder, "memory.sqlite3"), Path(folder, "compacting")
            answer(run("--part", "build", path, size))
            copy = shutil.copy(path, Path(folder, "copy.sqlite3"))
            reports.append(answer(run("--part", "compact", copy, size)))
            alone = answer(run("--part", "client", path, "-"))
            flag.touch()
            beside = run("--part", "client", path, flag)
            answer(run("--part", "compact", path, size))
            flag.unlink()
            waits.append((size, alone, answer(beside)))
    print(table({f"{report['memories']:,}": report for report in reports}))
    print(f"\nCPU time: {float(reports[-1]['CPU s']) / float(reports[0]['CPU s']):.1f} times as much for "
          f"{int(reports[-1]['memories']) // int(reports[0]['memories'])} times as many.\n")  # fmt: skip
    rows: dict[str, Report] = {}
    for size, alone, during in waits:
        for name in ("add p50", "add p95", "search p50", "search p95", "turn p95"):
            times = float(during[name]) / float(alone[name])
            rows[f"{size:,}: {name}"] = {"alone ms": alone[name], "meanwhile ms": during[name], "times": times}
    print(table(rows))


if __name__ == "__main__":
    main()
