"""Print what the embedded store costs, beside baselines measured in the same run; nothing here is a test.

    python benchmarks/store.py [--sizes 10000,100000] [--million] [--vectors REAL.npy]

Every row is a process of its own. Times are milliseconds, p50 with p95 in brackets. Without real embeddings the vectors
are seeded: unit vectors in clusters. Memories are turns of talk, twenty to a session, in a hundred namespaces; "1 %" is
a search in one of them. "whole" asks for 200 by vector, 200 by words and their neighbours, as the product does; "vector"
for the ten nearest. recall@10 is against exact float32.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import apsw
import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.filters import Where
from mcp_memory.domain.identity import content_hash
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports import Cues, Entry, Generation, Probe
from mcp_memory.stores.sqlite.store import SqliteStore

Vectors = NDArray[np.float32]
Report = dict[str, float | str]

DIMENSIONS = 384
GENERATION = Generation("benchmark", DIMENSIONS, "")
NAMESPACES, TURNS, WORDS, VOCABULARY, STOP_WORDS = 100, 20, 16, 20_000, 100
QUERIES = 200
TOP = 10
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BATCH = 1_000
SECONDS = 4.0
"""How long several processes share one file."""


@dataclass(frozen=True)
class Corpus:
    """Memories and questions, the same for every row of a table."""

    size: int
    real: str | None = None

    @cached_property
    def vectors(self) -> Vectors:
        """The vectors of the memories."""
        random = np.random.default_rng(1)
        if self.real is not None:
            # Tiled with a little noise, where there are too few.
            known = np.load(self.real).astype(np.float32)
            made = known[np.arange(self.size) % len(known)]
            made += random.normal(scale=0.03, size=made.shape).astype(np.float32) * (np.arange(self.size) >= len(known))[:, None]
            return _unit(made)
        return self._clustered(random, self.size)

    @cached_property
    def questions(self) -> Vectors:
        """The vectors of the questions."""
        random = np.random.default_rng(2)
        if self.real is not None:
            chosen = self.vectors[random.integers(0, self.size, QUERIES)]
            return _unit(chosen + random.normal(scale=0.03, size=chosen.shape).astype(np.float32))
        return self._clustered(random, QUERIES)

    def _clustered(self, random: np.random.Generator, count: int) -> Vectors:
        centres = np.random.default_rng(0).normal(size=(256, DIMENSIONS)).astype(np.float32)
        made = np.empty((count, DIMENSIONS), np.float32)
        for start in range(0, count, 50_000):
            rows = slice(start, min(count, start + 50_000))
            size = rows.stop - start
            noise = random.standard_normal((size, DIMENSIONS), dtype=np.float32)
            made[rows] = centres[random.integers(0, len(centres), size)] + 1.2 * noise
        return _unit(made)

    def words(self, number: int) -> str:
        """Return the words of a memory, common ones more often."""
        random = np.random.default_rng(number)
        ranks = (VOCABULARY ** random.random(WORDS)).astype(int)
        return " ".join(f"word{rank}" for rank in ranks)

    def terms(self, number: int) -> tuple[str, ...]:
        """Return the words of a question, without the most common ones, which ranking never asks for."""
        random = np.random.default_rng(2**32 + number)
        ranks = (STOP_WORDS * (VOCABULARY / STOP_WORDS) ** random.random(6)).astype(int)
        return tuple(dict.fromkeys(f"word{rank}" for rank in ranks))

    def namespace(self, number: int) -> str:
        """Return the namespace of a memory."""
        return f"n{number // TURNS % NAMESPACES}"

    def entry(self, number: int) -> Entry:
        """Return a memory as it is stored."""
        text = self.words(number)
        when = NOON + timedelta(seconds=number)
        record = MemoryRecord(
            id=f"{number:026}",
            text=text,
            namespace=self.namespace(number),
            user_id="user",
            session_id=f"s{number // TURNS}",
            created_at=when,
            updated_at=when,
            last_accessed=when,
            persisted_at=when,
            memory_hash=content_hash(text, "semantic"),
        )
        return Entry(record, text, Cues(words=WORDS, day=1), self.vectors[number % self.size], GENERATION)


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def private_megabytes() -> float:
    """Return the memory that this process shares with none (Linux)."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
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
