"""Where memories live: what a store is handed, what it hands out, and what it promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from mcp_memory.domain.filters import Where
from mcp_memory.domain.forgetting import Aged
from mcp_memory.domain.operations import Operation
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.ports.models import Generation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Handle: TypeAlias = int | str
"""A store's own name for one stored memory, unique over all scopes; opaque outside the store."""


Seen: TypeAlias = tuple[Handle, int]
"""A memory and the version at which it was read."""


@dataclass(frozen=True, slots=True)
class Cues:
    """What ranking wants to know of a memory's text without reading it again; made when the memory is written."""

    words: int = 0
    """Length of the text in words."""
    flags: int = 0
    """Bits of ``retrieval.cues.Flag``."""
    speaker: str = ""
    """Who speaks, casefolded; empty if unknown."""
    day: int = 0
    """Days since 1970 of the event (or creation)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A memory with everything that is derived from it for finding it again."""

    record: MemoryRecord
    terms: str
    """The folded words of the lexical index, parted by blanks; see ``retrieval.words``."""
    cues: Cues
    vector: NDArray[np.float32] | None = None
    """Unit length; None when no embedder was available, then only words find the memory."""
    generation: Generation | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one entry: stored as new, stored over the same id, or already there."""

    record: MemoryRecord
    outcome: Literal["stored", "replaced", "duplicate"]


@dataclass(frozen=True, slots=True)
class Merge:
    """An entry that takes the place of several memories."""

    entry: Entry
    """Stored over the first source. Without a vector it keeps the stored one where the text stayed the same."""
    sources: tuple[Seen, ...]
    """As they were read; all but the first are retired, and their ids name the first."""
    unchanged: tuple[Seen, ...] = ()
    """Others that must still be at these versions, such as those that the entry supersedes."""


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two memories of one namespace, user and session, the first stored first, and the cosine of their vectors."""

    one: Handle
    other: Handle
    closeness: float


@dataclass(frozen=True, slots=True)
class Holders:
    """What holds contents and texts already."""

    contents: list[MemoryRecord | None]
    """For each scope and content hash, the memory that holds it there."""
    texts: list[list[tuple[Handle, MemoryRecord]]]
    """For each text, the memories of exactly the scope's namespace and user that say it, and said it when ``touch``
    counted their use. Compared by ``domain.identity.normalised``; sessions, types and dates do not count."""


@dataclass(frozen=True, slots=True)
class Known:
    """A memory of which anything is recorded."""

    handle: Handle
    record: MemoryRecord
    """As it is; as it last was, if it is gone."""
    there: bool
    """False: it is gone, and only its history is left."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What to look for: a vector, words, or both."""

    vector: NDArray[np.float32] | None = None
    generation: Generation | None = None
    terms: tuple[str, ...] = ()
    """Folded words, ORed."""
    nearest: int = 200
    """How many candidates by vector."""
    lexical: int = 200
    """How many candidates by words."""
    neighbours: int = 0
    """How many memories before and after each candidate in its session come along."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a store offers for ranking, as parallel columns of length n; no row twice, in no order.

    ``distance`` is the cosine distance (0 to 2; nan where the row has no vector of the probe's generation, or the
    probe has none). ``lexical`` is BM25 (higher is better; 0 where no term was matched or the row did not come
    by its words). ``before`` and ``after`` are row numbers of the neighbours in the same session that are among the
    rows, else -1. ``session`` numbers the sessions from 0; -1 for none.
    """

    handles: list[Handle]
    distance: NDArray[np.float32]
    lexical: NDArray[np.float32]
    before: NDArray[np.int32]
    after: NDArray[np.int32]
    session: NDArray[np.int32]
    words: NDArray[np.int32]
    flags: NDArray[np.int32]
    day: NDArray[np.int32]
    speaker: list[str]
    created: NDArray[np.float64]
    """Unix seconds."""
    accessed: NDArray[np.float64]
    """Unix seconds."""
    without_vector: int = 0
    """How many memories within ``where`` have no vector of the probe's generation; 0 where the probe has none."""


@dataclass(frozen=True, slots=True)
class StoreStats:
    """How much a store holds and where."""

    memories: int
    sessions: int
    by_namespace: dict[str, int]
    by_type: dict[str, int]
    without_vector: int
    """Memories that have no vector of the asked generation."""
    location: str
    bytes: int
    schema_version: int


class MemoryStore(Protocol):
    """Where memories live. What a call has answered is durable and is found by the next call of any process.

    ``(namespace, user_id, id)`` names one memory: the same id may stand in several scopes. An id that was merged away
    still finds the memory that took it in. Every verb raises the ``StoreError`` that fits when the store fails;
    a failure is never an empty answer. What changes memories is part of an operation, and is recorded with it.
    """

    async def add(
        self,
        entries: Sequence[Entry],
        operation: Operation,
        *,
        duplicates: Literal["keep_first", "keep_both"] = "keep_first",
    ) -> list[Added]:
        """Store the entries in one transaction, all or none; answers in their order.

        An entry whose (namespace, user_id, id) exists replaces it (version + 1, ``created_at``, ``access_count``
        and ``persisted_at`` kept). With ``keep_first`` any other entry whose ``memory_hash`` exists in the same
        namespace, user and session, in the store or earlier in the call, is answered with that memory and not stored,
        unless that one has ended (``MemoryRecord.repeated_by``).
        ``record.supersedes`` ends the named memories of the same namespace and user (``valid_to`` = this one's
        ``holds_from``, if they had not ended before).
        """

    async def held(self, hashes: Sequence[tuple[Scope, str]], texts: Sequence[tuple[Scope, str]] = ()) -> Holders:
        """Return what already holds contents in exactly these scopes, and what said texts when it was touched.

        Of several that hold one content the oldest is meant, of those without an end first.
        """

    async def named(self, ids: Sequence[str], scope: Scope) -> list[tuple[Handle, MemoryRecord]]:
        """Return the memories with these ids (or merged from them) within the scope; unknown ids are left out."""

    async def records(self, handles: Sequence[Handle]) -> list[MemoryRecord | None]:
        """Return the memories behind the handles; None where one is gone."""

    async def page(self, where: Where, *, limit: int, offset: int = 0) -> list[MemoryRecord]:
        """Return matching memories, newest first (``created_at``, then order of storing)."""

    async def count(self, where: Where, terms: Sequence[str] = ()) -> int:
        """Return how many memories match; with terms, how many of them hold at least one of these words."""

    async def candidates(self, probe: Probe, where: Where) -> Candidates:
        """Return the nearest by vector, the best by words, and their neighbours; all within ``where``.

        ``where`` is applied before the limits, so a narrow filter still yields as many candidates as there are.
        Neighbours are the memories stored just before and after in the same namespace, user and
        ``MemoryRecord.thread``. They too are within ``where``.
        """

    async def replace(
        self, handle: Handle, entry: Entry, operation: Operation, *, expected_version: int
    ) -> MemoryRecord:
        """Store the entry over the memory behind the handle; answers it with its new version.

        An entry without a vector keeps the stored one where the text stayed the same.

        Raises:
            VersionConflict: the memory is at another version; nothing was changed.
            MemoryNotFound: it is gone.
            IdTaken: the entry's scope already holds another memory of its id; nothing was changed.
        """

    async def remove(self, handles: Sequence[Handle], operation: Operation) -> int:
        """Delete the memories and whatever was derived from them in one transaction; return how many there were."""

    async def aged(self, scope: Scope, after: Handle | None, limit: int) -> list[tuple[Handle, Aged]]:
        """Return a page of the memories within the scope in a fixed order, beginning after a handle; without texts."""

    async def forget(self, seen: Sequence[tuple[Handle, Aged]], operation: Operation) -> list[Handle]:
        """Remove in one transaction what was neither changed nor accessed since it was seen; answers what is gone."""

    async def touch(self, handles: Sequence[Handle], now: datetime, *, unless_since: datetime) -> None:
        """Set ``last_accessed`` and count the access, where the last one was before ``unless_since`` or a change.

        The first one is always counted. What the memories say now can be found by ``held`` from then on.
        """

    async def duplicates(self, where: Where) -> list[list[Handle]]:
        """Return the groups of two or more memories with one content hash in one scope, oldest first."""

    async def near_pairs(
        self, where: Where, generation: Generation, *, distance: float, most: int, since: datetime | None = None
    ) -> Sequence[NearPair]:
        """Return the pairs of matching memories of one namespace, user and session that are worth comparing.

        They are near by vector, or share rare words and are not much farther. Where there are very many, a few that
        are only just near may be missing. Those of a neighbourhood stand together.

        Args:
            where: which memories.
            generation: which vectors.
            distance: the largest cosine distance.
            most: pairs that one memory brings in at most by vector, its nearest, and again by words.
            since: leave out pairs of which neither was stored or changed since.
        """

    async def merge(self, merges: Sequence[Merge], operation: Operation) -> list[MemoryRecord | None]:
        """Do the merges in one transaction; answers the merged memory of each, in their order.

        None stands where any version had moved: that merge changed nothing. Names that the retired memories had
        taken in go on too.
        """

    async def scan(self, after: Handle | None, limit: int) -> list[tuple[Handle, MemoryRecord]]:
        """Return a page of all memories in a fixed order, beginning after a handle."""

    async def reindex(self, entries: Sequence[tuple[Handle, Entry]]) -> None:
        """Replace what is derived (terms, cues, vector) of memories that are still at the entry's version."""

    async def outdated(
        self, generation: Generation, after: Handle | None, limit: int
    ) -> list[tuple[Handle, MemoryRecord]]:
        """Return a page of the memories of all scopes that have no vector of the generation.

        They come in a fixed order, beginning after a handle. As many as there are may be up to date: finding the
        others does not take longer for that.
        """

    async def count_outdated(self, generation: Generation) -> int:
        """Return how many memories of all scopes have no vector of the generation."""

    async def namespaces(self, scope: Scope, prefix: str = "") -> list[str]:
        """Return the first 100 namespaces that begin with the prefix, sorted."""

    async def stats(self, scope: Scope, generation: Generation | None) -> StoreStats:
        """Return how much the store holds."""
