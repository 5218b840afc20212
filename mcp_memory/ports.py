"""The ports: what the services need from outside, as pages of verbs with promises. Nothing here is an implementation.

Every port has a shipped fake that is a real, small implementation: ``stores/ephemeral``, ``queues/inline``,
``embedders/hashing``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from mcp_memory.domain.filters import Where
from mcp_memory.domain.forgetting import Aged
from mcp_memory.domain.operations import Change, Kept, Operation
from mcp_memory.domain.records import MemoryRecord, Session
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import Suggestion, SuggestionKind, SuggestionState
from mcp_memory.job_ports import JobStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Clock: TypeAlias = Callable[[], datetime]
"""Return the present moment, aware, in UTC."""

NewId: TypeAlias = Callable[[], str]
"""Return an id that was never returned before; later ids sort after earlier ones (a ULID)."""

Progress: TypeAlias = Callable[[int, int, str], Awaitable[None]]
"""Tell whoever waits: done, total, and what is being done."""

Report: TypeAlias = Callable[[int, int, str], None]
"""The same where no event loop runs: done, total, and what is being done."""

Handle: TypeAlias = int | str
"""A store's own name for one stored memory, unique over all scopes; opaque outside the store."""


Seen: TypeAlias = tuple[Handle, int]
"""A memory and the version at which it was read."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What a vector was made by; vectors of two generations never meet in one search."""

    model: str
    dimensions: int
    digest: str


class LLM(Protocol):
    """A language model that writes. It is told nothing but the prompt."""

    async def write(self, prompt: str) -> str:
        """Return what the model writes.

        Raises:
            LLMUnavailable: it cannot be reached, or refused.
        """


class Embedder(Protocol):
    """Turns texts into vectors. May load its model at the first call and unload it when idle."""

    @property
    def generation(self) -> Generation:
        """What the vectors are made by; cheap, loads nothing."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of unit length for each text, in their order: shape (texts, dimensions).

        Any text is accepted; what exceeds the model's window is left out of the vector.

        Raises:
            EmbedderUnavailable: the model cannot be loaded or reached.
        """

    async def close(self) -> None:
        """Give back the memory and connections held."""


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
class Proposal:
    """A suggestion to be kept, about two memories as they were read; see ``domain.suggestions``."""

    id: str
    kind: SuggestionKind
    one: Seen
    other: Seen
    at: datetime
    reason: str
    state: SuggestionState = SuggestionState.OPEN
    closeness: float | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Holders:
    """What holds contents and texts already."""

    contents: list[MemoryRecord | None]
    """For each scope and content hash, the memory that holds it there."""
    texts: list[list[tuple[Handle, MemoryRecord]]]
    """For each text, the memories of exactly the scope's namespace and user that say it, and said it when ``touch``
    counted their use. Compared by ``domain.identity.normalised``; sessions, types and dates do not count."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What an operation did to the memory behind a handle."""

    handle: Handle
    unit: Handle
    """Changes of one unit (all sources of a merge, say) are taken back together, or not at all."""
    change: Change


@dataclass(frozen=True, slots=True)
class Known:
    """A memory of which anything is recorded."""

    handle: Handle
    record: MemoryRecord
    """As it is; as it last was, if it is gone."""
    there: bool
    """False: it is gone, and only its history is left."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did: how many memories are as they were before, and what was left alone."""

    restored: int
    kept: tuple[Kept, ...]


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
        namespace, user and session, in the store or earlier in the call, is answered with that memory and not stored.
        ``record.supersedes`` ends the named memories of the same namespace and user (``valid_to`` = this one's
        ``holds_from``, if they had not ended before).
        """

    async def held(self, hashes: Sequence[tuple[Scope, str]], texts: Sequence[tuple[Scope, str]] = ()) -> Holders:
        """Return what already holds contents in exactly these scopes, and what said texts when it was touched."""

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
    ) -> list[NearPair]:
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


class HistoryStore(Protocol):
    """What was done to memories; the promises of ``MemoryStore`` hold. A scope shows what was done to its memories."""

    async def operations(self, scope: Scope, *, limit: int, offset: int = 0) -> tuple[list[Operation], int]:
        """Return a page of the operations that changed memories of the namespace and user, and how many there are.

        The last comes first. What an operation counts is what it changed within the scope.
        """

    async def operation(self, operation_id: str, scope: Scope) -> Operation | None:
        """Return one operation as it is listed; None if it changed nothing of the namespace and user."""

    async def changes(self, operation_id: str, scope: Scope) -> list[Changed]:
        """Return what an operation did to memories of the namespace and user, in order; empty if there is none."""

    async def history(self, memory_id: str, scope: Scope) -> list[Change]:
        """Return in order what was done to the memories of the namespace and user that have, had or took in this id."""

    async def undo(self, operation_id: str, restore: Mapping[Handle, Entry | None], operation: Operation) -> Undone:
        """Bring memories back to what they were before an operation, in one transaction; that is an operation too.

        Records come back exactly, versions included; the next change of one gets a version that it never had.
        A memory that was changed since, or whose name another one took, is kept as it is with all of its unit; one
        that was taken back before is passed over.

        Args:
            operation_id: what to take back.
            restore: the memories, with what to store of each again; None where it did not exist before. Vectors are
                those that were stored before; the entry's is taken where there was none.
            operation: what the undo is recorded as.
        """

    async def recorded(self, ids: Sequence[str], scope: Scope) -> list[Known]:
        """Return the memories of the namespace and user that have, had or took in these ids, those that are gone too.

        Of what is gone only that is known which a recorded operation changed.
        """

    async def purge(self, handles: Sequence[Handle]) -> int:
        """Erase the memories, there or gone, and all that was recorded of them; return how many there were.

        What was merged into them is erased with them. What they were merged into loses its history, which may hold
        their text. Nothing of it can be recovered from the store; without handles, nor of what was deleted before.

        Raises:
            StoreBusy: they are erased, and another program that reads the store keeps traces in it; to be called again.
        """

    async def forget_operations(self, before: datetime) -> int:
        """Delete the record of operations from before that moment; return how many there were."""


class SuggestionStore(Protocol):
    """What compaction leaves for people to decide; the promises of ``MemoryStore`` hold.

    A suggestion is about two memories at the versions that were read: it ends when one of them changes or goes.
    """

    async def suggest(self, proposals: Sequence[Proposal]) -> int:
        """Keep the proposals, in the place of older ones about the same two memories; return how many."""

    async def suggestions(
        self, scope: Scope, *, state: SuggestionState, limit: int, offset: int = 0
    ) -> tuple[list[Suggestion], int]:
        """Return a page of the suggestions in this state about the scope's memories, newest first, and their number."""

    async def suggestion(self, suggestion_id: str, scope: Scope) -> tuple[Proposal, Suggestion] | None:
        """Return the suggestion about memories of the scope, if it has not ended."""

    async def settle(self, suggestion_id: str, state: SuggestionState) -> None:
        """Note what became of a suggestion."""

    async def settled(self, pairs: Sequence[tuple[Seen, Seen]]) -> list[SuggestionState | None]:
        """Return for each pair of memories, in either order, the state of what was suggested of them, if anything."""

    async def compared(self, scope: Scope) -> tuple[datetime, float] | None:
        """Return when all memories of exactly this scope were last compared for nearness, and at which distance."""

    async def note_compared(self, scope: Scope, moment: datetime, distance: float) -> None:
        """Remember that."""


class SessionStore(Protocol):
    """Where working memory lives; the promises of ``MemoryStore`` hold. A session past its TTL does not exist."""

    async def session(self, session_id: str, scope: Scope, now: datetime) -> Session | None:
        """Return the session with exactly this namespace and user; else the only one of this id within the scope.

        A part of the scope that is None is open. Returns None when none, or more than one, matches.
        """

    async def put_session(self, session: Session, *, expected_version: int | None, now: datetime) -> Session:
        """Store the session whole; answers it with its new version. Its TTL begins anew.

        Args:
            expected_version: the version that was read; 0 if none exists; None to overwrite whatever is there.

        Raises:
            VersionConflict: the session is at another version; nothing was changed.
        """

    async def remove_session(self, session_id: str, scope: Scope, now: datetime) -> bool:
        """Delete the session that ``session`` would return; say whether there was one."""

    async def sessions(self, scope: Scope, now: datetime, *, limit: int, offset: int = 0) -> tuple[list[Session], int]:
        """Return a page of sessions (without their messages), last updated first, and how many there are."""

    async def expire_sessions(self, now: datetime) -> int:
        """Remove the sessions past their TTL; return how many there were."""


class Store(MemoryStore, HistoryStore, SuggestionStore, SessionStore, JobStore, Protocol):
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
