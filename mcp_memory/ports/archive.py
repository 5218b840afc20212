"""What moves from one place to another: whole records, from a store, a file or another program."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mcp_memory.domain.operations import Operation
from mcp_memory.domain.records import MemoryRecord, Session
from mcp_memory.domain.tokens import Token
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult
from mcp_memory.ports.memories import Entry, Handle, Seen
from mcp_memory.ports.models import Generation
from mcp_memory.ports.suggestions import Proposal

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
    handle: int | None = None
    """Its number where it comes from, by which traces name it; None where there are no such numbers."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """An entry to be stored as it is, with the names that find it beside its own."""

    entry: Entry
    names: tuple[Name, ...] = ()


class Numbers(NamedTuple):
    """The last numbers that a store gave; the next ones are greater."""

    handle: int = 0
    operation: int = 0
    trace: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """An operation with its number: what was done later has a greater one."""

    number: int
    operation: Operation
    """What it counts is not told; ``undone_by`` neither."""


NEW = -(1 << 53)
"""Where a store keeps no trace of its own of each memory that was stored as new, the number of such a trace is the
memory's handle more than this. So they are told before all others."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What is recorded of that which one operation did to one memory."""

    number: int
    """In the order of time, for each memory."""
    operation: int
    handle: int
    unit: int
    name: Name
    after: int | None
    """The version that it had then; None: it was gone."""
    undone: int | None = None
    """The number of the operation that took it back."""
    before: MemoryRecord | None = None
    """None: it did not exist."""
    names: tuple[Name, ...] = ()
    """What found it beside its own name, before."""
    with_vector: bool = False
    """Say what vector it had before, since that changed too; otherwise it stayed."""
    vector: NDArray[np.float32] | None = None
    generation: Generation | None = None


class ArchiveStore(Protocol):
    """A store as a place to move memories from and to; the promises of ``MemoryStore`` hold.

    What is moved whole, with its history, keeps its numbers: those of memories (their handles), operations and traces.
    """

    async def archived(self, after: Handle | None, limit: int) -> list[tuple[Handle, Archived]]:
        """Return a page of all memories in the order of storing, beginning after a handle."""

    async def take_in(self, memories: Sequence[TakenIn], operation: Operation) -> list[bool]:
        """Store memories as they are, version and all, in one transaction; say of each whether it was stored.

        One whose own name finds a memory already is left out. Of the other names those that find one stay with it.
        What a memory supersedes is not ended by that: it says itself whether it has ended.
        """

    async def numbers(self) -> Numbers:
        """Return the last numbers that were given here."""

    async def reserve(self, numbers: Numbers, *, seen: Numbers) -> bool:
        """Give nothing new a number up to these; False, and nothing was changed, if others than ``seen`` were given."""

    async def acts(self, after: int, limit: int) -> list[Act]:
        """Return a page of all operations in the order of their numbers, beginning after one."""

    async def traces(self, after: int | None, limit: int) -> list[Trace]:
        """Return a page of all that is recorded of what operations did, in the order of the numbers, after one."""

    async def proposals(self, after: int, limit: int) -> list[tuple[int, Proposal]]:
        """Return a page of all suggestions, also those that ended, each with its place: in the order of making them."""

    async def take_in_history(self, acts: Sequence[Act], traces: Sequence[Trace]) -> int:
        """Record under their numbers what is not recorded yet, in one transaction; return how much that was.

        Of a trace that is recorded already, only what took it back may be another one than before. The numbers are
        reserved, and the operations of the traces are here or among the acts.
        """

    async def move_in(self, memories: Sequence[tuple[int, TakenIn]]) -> list[bool]:
        """Store memories under these handles as they are, in one transaction; say of each whether it was stored.

        The handles are reserved. No operation does it: how they came to be stands in the history that was taken in
        before. One whose handle or own name is taken is left out.
        """

    async def move_out(self, seen: Sequence[Seen]) -> None:
        """Remove the memories that are still as they were seen, in one transaction; no operation does it."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """A suggestion, with the names of the two memories that it is about; None for one that is gone."""

    proposal: Proposal
    one: Name | None
    other: Name | None


@dataclass(frozen=True, slots=True)
class Summed:
    """A summary of a view."""

    result: SummaryViewPartitionResult
    author: str | None
    """Who wrote it; None where memories of its group changed since."""


HISTORY = ("operations", "changes")
KINDS = (*HISTORY, "memories", "suggestions", "sessions", "views", "summaries", "tokens")
"""What a store holds for people, and what moves, in this order; jobs do not."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the records, and what could not be read as one."""

    memories: Sequence[Archived] = ()
    sessions: Sequence[Session] = ()
    operations: Sequence[Act] = ()
    changes: Sequence[Trace] = ()
    suggestions: Sequence[Suggested] = ()
    views: Sequence[SummaryView] = ()
    summaries: Sequence[Summed] = ()
    tokens: Sequence[Token] = ()
    unreadable: Sequence[str] = ()
    """The names of records, each with why."""

    @property
    def size(self) -> int:
        """How many records it is about."""
        return sum(len(getattr(self, kind)) for kind in KINDS) + len(self.unreadable)


@dataclass(frozen=True, slots=True)
class Census:
    """How much there is to move."""

    memories: int = 0
    sessions: int = 0
    tokens: int = 0
    """Access tokens of another program; only their hashes are known, by which they cannot be looked up here."""
    others: int = 0
    """About how much else there is."""
    numbers: Numbers | None = None
    """The last numbers that were given there; None where there is no history that could be moved."""

    @property
    def size(self) -> int:
        """How much there is in all."""
        return self.memories + self.sessions + self.others


class Source(Protocol):
    """Where records are moved from. It is only read."""

    async def census(self) -> Census:
        """Return how much there is.

        Raises:
            StoreError: it cannot be read.
        """

    def pages(self) -> AsyncGenerator[Page, None]:
        """Yield all that there is, what was stored first before what came later where that is known.

        Kinds come in the order of ``KINDS``, but for summaries, which may stand among the views.

        Raises:
            StoreError: it cannot be read further.
        """
