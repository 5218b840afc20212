"""The composition root: the only reader of Settings, and where implementations meet the use cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from mcp_memory.loading import load
from mcp_memory.machine import new_ids, now
from mcp_memory.ports import Embedder, Store
from mcp_memory.services.entries import Indexer
from mcp_memory.services.hydration import Hydration
from mcp_memory.services.long_term import LongTerm
from mcp_memory.services.memory import Memory
from mcp_memory.services.operations import Operations
from mcp_memory.services.suggestions import Suggestions
from mcp_memory.services.working import SessionRules, Working

if TYPE_CHECKING:
    from mcp_memory.config import Settings

STORES: dict[str, str] = {
    "sqlite": "mcp_memory.stores.sqlite.store:SqliteStore",
    "ephemeral": "mcp_memory.stores.ephemeral.store:EphemeralStore",
}
EMBEDDERS: dict[str, str] = {
    "all-MiniLM-L6-v2": "mcp_memory.embedders.minilm.embedder:MiniLMEmbedder",
    "hashing": "mcp_memory.embedders.hashing:HashingEmbedder",
}


async def open_memory(settings: Settings) -> Memory:
    """Open the store that the settings name and put the use cases together over it.

    Raises:
        StoreError: the store cannot be used; the message says what to do.
    """
    store = _store(settings)
    await store.open()
    embedder = _embedder(settings)
    new_id = new_ids()
    long_term = LongTerm(store, embedder, now, new_id, enabled=settings.long_term_memory)
    rules = SessionRules(
        promote=settings.long_term_memory,
        require_timestamps=settings.require_message_timestamps,
        max_future=timedelta(seconds=settings.max_future_timestamp_seconds),
    )
    working = Working(store, long_term, now, new_id, rules)
    indexer = Indexer(embedder)
    operations = Operations(store, indexer, now, new_id)
    suggestions = Suggestions(store, indexer, now, new_id)
    return Memory(long_term, working, Hydration(long_term, working), operations, suggestions, store, embedder)


def _store(settings: Settings) -> Store:
    kind, path = settings.store_location()
    make: Callable[..., Store] = load(STORES[kind])
    if path is None:
        return make(clock=now)
    return make(
        path,
        synchronous=settings.memory_durability,
        clock=now,
        allow_shared_folder=settings.memory_allow_shared_folder,
    )


def _embedder(settings: Settings) -> Embedder:
    make: Callable[..., Embedder] = load(EMBEDDERS[settings.embedder()])
    if settings.embedder() == "hashing":
        return make()
    return make(threads=settings.embedder_threads, idle_seconds=settings.embedder_idle_seconds)
