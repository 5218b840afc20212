"""What the tests of stores share: a clock that a test moves, and short ways to write entries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcp_memory.domain.filters import Where
from mcp_memory.domain.identity import content_hash
from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.records import MemoryRecord, Session
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.history import Restore
from mcp_memory.ports.memories import Candidates, Cues, Entry, Handle, MemoryStore, Merge, Probe
from mcp_memory.ports.models import Generation
from mcp_memory.ports.store import Store
from tests.standing_clock import NOON

DIMENSIONS = 16
FIRST = Generation("model", DIMENSIONS, "first")
SECOND = Generation("model", DIMENSIONS, "second")
EVERYWHERE = Where()
ANN = Scope("work", "ann")

_numbers = count(1)


def vector(*leaning: float, dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    """Return the unit vector that leans so much towards each of the first dimensions."""
    made = np.full(dimensions, 0.01, np.float32)
    made[: len(leaning)] += np.array(leaning, np.float32)
    unit: NDArray[np.float32] = made / np.linalg.norm(made)
    return unit


def record(text: str = "Tea is drunk hot", **fields: Any) -> MemoryRecord:
    """Return a record of Ann's at work, created at noon, with a fresh id."""
    given: dict[str, Any] = {
        "id": f"memory-{next(_numbers):06}",
        "text": text,
        "namespace": "work",
        "user_id": "ann",
        "created_at": NOON,
        "updated_at": NOON,
        "last_accessed": NOON,
        "persisted_at": NOON,
    } | fields
    kind = given.get("memory_type", "semantic")
    return MemoryRecord(**{"memory_hash": content_hash(text, kind, given.get("event_date"))} | given)


def entry(
    text: str = "Tea is drunk hot",
    vector: NDArray[np.float32] | None = None,
    generation: Generation = FIRST,
    cues: Cues | None = None,
    **fields: Any,
) -> Entry:
    """Return an entry of Ann's at work; its words are those of the text."""
    made = record(text, **fields)
    words = "".join(char if char.isalnum() else " " for char in text.lower())
    return Entry(made, words, cues or Cues(words=len(text.split())), vector, None if vector is None else generation)


def operation(kind: OperationKind = OperationKind.CREATE, **fields: Any) -> Operation:
    """Return an operation of noon with a fresh id."""
    return Operation(**{"id": f"operation-{next(_numbers):06}", "kind": kind, "at": NOON} | fields)


def merge(merged: Entry, *sources: tuple[Handle, int], unchanged: tuple[tuple[Handle, int], ...] = ()) -> list[Merge]:
    """Return the one merge of the sources into the first of them."""
    return [Merge(merged, sources, unchanged)]


def session(session_id: str = "monday", **fields: Any) -> Session:
    """Return a session of Ann's at work, of noon."""
    given = {"namespace": "work", "user_id": "ann", "created_at": NOON, "updated_at": NOON, "last_accessed": NOON}
    return Session(session_id=session_id, **given | fields)


def texts(records: list[MemoryRecord]) -> list[str]:
    return [record.text for record in records]


async def candidates(
    store: MemoryStore,
    vector: NDArray[np.float32] | None = None,
    terms: tuple[str, ...] = (),
    *,
    generation: Generation = FIRST,
    where: Where = EVERYWHERE,
    **limits: int,
) -> Candidates:
    """Return what the store offers for a vector, words, or both."""
    return await store.candidates(Probe(vector, None if vector is None else generation, terms, **limits), where)


def by_handle(found: Candidates, column: str) -> dict[Any, Any]:
    """Return a column of the candidates by their handles."""
    return dict(zip(found.handles, list(getattr(found, column)), strict=True))


async def handle_of(store: Store, memory_id: str, scope: Scope = Scope()) -> Handle:
    """Return the handle of the memory with this id."""
    ((handle, _),) = await store.named([memory_id], scope)
    return handle


async def restoring(
    store: Store, done: Operation, scope: Scope = Scope(), handles: Collection[Handle] | None = None
) -> Restore:
    """Return what takes back all of an operation that the scope shows, or what it did to some memories."""
    touched = await store.touched(done.id, scope)
    entries: dict[tuple[Handle, int], Entry | None] = {}
    for one in await store.changes(done.id, scope, handles):
        before = one.change.before
        entries[one.handle, one.number] = None if before is None else replace(entry(before.text), record=before)
    given = {handle for handle, _ in entries}
    units = {one.unit for one in touched if one.handle in given}
    return Restore(entries, {one.handle for one in touched if one.unit in units} - given)
