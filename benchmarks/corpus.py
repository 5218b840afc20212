"""Memories and questions for measuring a store: the same for everything that is measured in one run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.identity import content_hash
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.ports.memories import Cues, Entry
from mcp_memory.ports.models import Generation

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]

DIMENSIONS = 384
GENERATION = Generation("benchmark", DIMENSIONS, "")
NAMESPACES, TURNS, WORDS, VOCABULARY, STOP_WORDS = 100, 20, 16, 20_000, 100
QUERIES = 200
TOP = 10
MANY = 100_000
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


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
            made += (
                random.normal(scale=0.03, size=made.shape).astype(np.float32)
                * (np.arange(self.size) >= len(known))[:, None]
            )
            return unit_rows(made)
        return self._clustered(random, self.size)

    @cached_property
    def questions(self) -> Vectors:
        """The vectors of the questions."""
        random = np.random.default_rng(2)
        if self.real is not None:
            chosen = self.vectors[random.integers(0, self.size, QUERIES)]
            return unit_rows(chosen + random.normal(scale=0.03, size=chosen.shape).astype(np.float32))
        return self._clustered(random, QUERIES)

    def _clustered(self, random: np.random.Generator, count: int) -> Vectors:
        """Return unit vectors that lie in clusters and, as those of texts do, mostly in few of the dimensions."""
        fixed = np.random.default_rng(0)
        turned = np.linalg.qr(fixed.normal(size=(DIMENSIONS, DIMENSIONS)))[0].astype(np.float32)
        turned *= (np.arange(1, DIMENSIONS + 1, dtype=np.float32) ** -0.7)[:, None]
        centres = (0.6 * fixed.normal(size=(256, DIMENSIONS))).astype(np.float32)
        made = np.empty((count, DIMENSIONS), np.float32)
        for start in range(0, count, MANY):
            rows = slice(start, min(count, start + MANY))
            size = rows.stop - start
            latent = random.standard_normal((size, DIMENSIONS), dtype=np.float32)
            latent += centres[random.integers(0, len(centres), size)]
            made[rows] = unit_rows(latent @ turned)
        return made

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

    @cached_property
    def numbers(self) -> Rows:
        """The number of each memory's namespace."""
        return np.arange(self.size) // TURNS % NAMESPACES

    def exact(self) -> Rows:
        """Return the nearest memories of each question, by float32."""
        near = np.empty((QUERIES, TOP), np.int64)
        for number, question in enumerate(self.questions):
            near[number] = np.argpartition(-(self.vectors @ question), TOP)[:TOP]
        return near

    def exact_in_namespace(self) -> Rows:
        """Return the nearest memories of each question in its namespace, by float32."""
        near = np.empty((QUERIES, TOP), np.int64)
        for number, question in enumerate(self.questions):
            rows = np.flatnonzero(self.numbers == number % NAMESPACES)
            near[number] = rows[np.argsort(-(self.vectors[rows] @ question))[:TOP]]
        return near

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


def unit_rows(vectors: Vectors) -> Vectors:
    """Return the rows at unit length."""
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
