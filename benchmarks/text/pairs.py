"""Pairs of memories that tell the same fact, different facts, or a fact that changed; written for this project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mcp_memory.domain.records import MemoryRecord

HERE = Path(__file__).parent
LABELS = ("same", "different", "changed")
PARTS = ("tuned", "blind", "fresh", "over", "wide", "wider")
"""The rules were tuned on the first; how the others were first judged, their first lines say."""
FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = timedelta(days=45)
"""What lies between the two memories of a pair."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two memories, the earlier first, and what they are to each other."""

    part: str
    label: str
    domain: str
    earlier: str
    later: str


def pairs() -> Iterator[Pair]:
    """Yield the labelled pairs."""
    for part in PARTS:
        for line in (HERE / f"pairs_{part}.tsv").read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                yield Pair(part, *line.split("\t"))


def memory(name: str, text: str, when: datetime) -> MemoryRecord:
    """Return a text as a memory of that moment."""
    return MemoryRecord(id=name, text=text, created_at=when, updated_at=when, last_accessed=when)
