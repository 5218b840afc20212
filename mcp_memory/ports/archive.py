"""What moves from one place to another: whole records, from a store, a file or another program."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mcp_memory.domain.operations import Operation
from mcp_memory.domain.records import MemoryRecord, Session
from mcp_memory.ports.memories import Entry, Handle
from mcp_memory.ports.models import Generation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Name(NamedTuple):
    """What finds a memory."""

    namespace: str | None
    user_id: str | None
    id: str


@dataclass(frozen=True, slots=True)
class Archived:
    """A memory with what a store knows of it beside the record."""

    record: MemoryRecord
    names: tuple[Name, ...] = ()
    """Names of memories that were merged into it."""
    vector: NDArray[np.float32] | None = None
    generation: Generation | None = None


@dataclass(frozen=True, slots=True)
class TakenIn:
    """An entry to be stored as it is, with the names that find it beside its own."""

    entry: Entry
    names: tuple[Name, ...] = ()


class ArchiveStore(Protocol):
    """A store as a place to move memories from and to; the promises of ``MemoryStore`` hold."""

    async def archived(self, after: Handle | None, limit: int) -> list[tuple[Handle, Archived]]:
        """Return a page of all memories in the order of storing, beginning after a handle."""

    async def take_in(self, memories: Sequence[TakenIn], operation: Operation) -> list[bool]:
        """Store memories as they are, version and all, in one transaction; say of each whether it was stored.

        One whose own name finds a memory already is left out. Of the other names those that find one stay with it.
        What a memory supersedes is not ended by that: it says itself whether it has ended.
        """


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the records, and what could not be read as one."""

    memories: Sequence[Archived] = ()
    sessions: Sequence[Session] = ()
    unreadable: Sequence[str] = ()
    """The names of records, each with why."""

    @property
    def size(self) -> int:
        """How many records it is about."""
        return len(self.memories) + len(self.sessions) + len(self.unreadable)


@dataclass(frozen=True, slots=True)
class Census:
    """How much there is to move."""

    memories: int = 0
    sessions: int = 0
    tokens: int = 0
    """Access tokens of another program; only their hashes are known, by which they cannot be looked up here."""


class Source(Protocol):
    """Where records are moved from. It is only read."""

    async def census(self) -> Census:
        """Return how much there is.

        Raises:
            StoreError: it cannot be read.
        """

    def pages(self) -> AsyncIterator[Page]:
        """Yield all that there is, what was stored first before what came later where that is known.

        Raises:
            StoreError: it cannot be read further.
        """
