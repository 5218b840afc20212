"""One place for all records."""

from __future__ import annotations

from typing import Protocol

from mcp_memory.ports.archive import ArchiveStore
from mcp_memory.ports.history import HistoryStore
from mcp_memory.ports.jobs import JobStore
from mcp_memory.ports.memories import MemoryStore
from mcp_memory.ports.sessions import SessionStore
from mcp_memory.ports.suggestions import SuggestionStore
from mcp_memory.ports.tokens import TokenStore
from mcp_memory.ports.views import ViewStore


class Store(
    MemoryStore,
    HistoryStore,
    SuggestionStore,
    SessionStore,
    JobStore,
    TokenStore,
    ViewStore,
    ArchiveStore,
    Protocol,
):
    """One place for all records."""

    async def open(self) -> None:
        """Make the store ready; creates it when it does not exist, refuses what it cannot use.

        Raises:
            StoreUnavailable, StoreReadOnly, StoreCorrupt, SchemaMismatch: with what to do about it.
        """

    async def optimise(self) -> None:
        """Put what is stored in good order for speed and space; nothing that can be read changes.

        Takes no longer pause from other writers than a usual write does.
        """

    async def close(self) -> None:
        """Give back files and connections; what was answered stays."""
