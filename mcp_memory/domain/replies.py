"""What is answered: one model per use case, shared by every door, under the names that clients know."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from mcp_memory.domain.compaction import Step
from mcp_memory.domain.forgetting import Rule
from mcp_memory.domain.jobs import Job
from mcp_memory.domain.moments import Moment
from mcp_memory.domain.operations import Change, Kept, Operation
from mcp_memory.domain.records import MemoryRecord, SearchMode, Session
from mcp_memory.domain.suggestions import Suggestion


class Reply(BaseModel):
    """Parent of all replies."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class Ack(Reply):
    """It is done."""

    status: str
    operation: str | None = Field(None, exclude=True)
    """By this id it can be looked at and undone; None where nothing was changed. Not part of what clients know."""


class Now(Reply):
    """The present moment."""

    iso_utc: str
    unix_ts: int


class Created(Ack):
    """What became of each memory handed in, in its order."""

    ids: list[str]
    stored: int
    duplicates: int
    replaced: int
    note: str | None = None
    """Said when the memories are kept and something is missing: their vectors."""


class Edited(MemoryRecord):
    """A memory as it is after a change."""

    operation: str | None = Field(None, exclude=True)
    """As in ``Ack``."""


class Recorded(MemoryRecord):
    """A memory as it is; as it last was, if it is gone."""

    there: bool


class Hit(MemoryRecord):
    """A memory that was found."""

    dist: float
    """Cosine distance; 0 in a list, where nothing was compared."""
    score: float | None = None
    score_type: SearchMode | None = None
    why: dict[str, float] | None = None
    """The parts of the score, when asked to explain."""


class Found(Reply):
    """A page of what was found."""

    memories: list[Hit]
    total: int
    next_offset: int | None = None
    note: str | None = None
    """Said when the answer needs a word: nothing relevant is known, or vectors are missing."""


class SessionReply(Session):
    """A session as it is answered, with how full the reader's window is."""

    context_percentage_total_used: float | None = None
    context_percentage_until_summarization: float | None = None


class SessionList(Reply):
    """A page of session ids."""

    sessions: list[str]
    total: int


class JobList(Reply):
    """A page of jobs, newest first."""

    jobs: list[Job]
    total: int


class Content(BaseModel):
    """The text of a prompt message."""

    model_config = ConfigDict(frozen=True, defer_build=True, populate_by_name=True)

    type: Literal["text"] = "text"
    text: str
    annotations: dict[str, Any] | None = None
    meta: dict[str, Any] | None = Field(None, alias="_meta")


class PromptMessage(Reply):
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: Content


class Prompt(Reply):
    """A prompt, ready for a model."""

    messages: list[PromptMessage]
    long_term_memories: list[Hit] | None = None


class Compacted(Ack):
    """What a compaction did, or would do."""

    merged: int
    """Memories that took others in."""
    retired: int
    """Memories that became part of another one."""
    superseded: int
    """Memories that were ended."""
    suggested: int
    remaining: int
    steps: list[Step]
    """The first of them."""


class SuggestionList(Reply):
    """A page of what a person should look at, newest first."""

    suggestions: list[Suggestion]
    total: int


class OperationList(Reply):
    """A page of what was done, last first."""

    operations: list[Operation]
    total: int


class OperationReply(Operation):
    """One operation, with a page of what it did to each memory."""

    changes: list[Change]
    total: int
    """How many changes there are."""


class History(Reply):
    """What was done to a memory, in order."""

    memory_id: str
    merged_into: list[str] = Field(default_factory=list)
    """Ids of the memories that it is part of now; several where owners use the same id."""
    changes: list[Change]


class UndoReply(Ack):
    """What was brought back, and what was left as it is."""

    restored: int
    kept: list[Kept]


class Forgettable(Reply):
    """A memory that is forgotten, and why."""

    id: str
    namespace: str | None
    user_id: str | None
    rule: Rule
    why: str
    created_at: Moment
    last_accessed: Moment
    text: str | None = None
    """None where so many are listed that texts were not read."""


class Forgotten(Reply):
    """What was forgotten; after a dry run, what would be."""

    scanned: int
    deleted: int
    deleted_ids: list[str]
    """The first 100,000."""
    dry_run: bool
    operation: str | None = Field(None, exclude=True)
    """As in ``Ack``."""
    kept: int = Field(0, exclude=True)
    """Those that were changed or used after they had been chosen."""
    listed: list[Forgettable] = Field(default_factory=list, exclude=True)
    """The first 1,000, for people to look at. Not part of what clients know."""


class Moved(Reply):
    """What became of the records of one kind."""

    taken: int = 0
    there: int = 0
    """Here already."""
    left: int = 0
    """They have no place here."""

    def __add__(self, other: Moved) -> Moved:
        return Moved(taken=self.taken + other.taken, there=self.there + other.there, left=self.left + other.left)


HistoryMoved: TypeAlias = Literal["none", "whole", "left"]


class Imported(Reply):
    """What was taken over from another place; after a dry run, what would be."""

    kinds: dict[str, Moved]
    """The kinds of which there was something."""
    history: HistoryMoved
    """Left: what is here has a history of its own."""
    tokens: int
    """Access tokens there, which cannot be taken over."""
    unreadable: int
    named: list[str]
    """The first of those that could not be read, each with why."""
    operation: str | None
    """By which the memories were stored; None where none was, or they brought their own history."""
    dry_run: bool

    def taken(self, kind: str) -> int:
        """Return how many records of a kind were taken in."""
        return self.kinds.get(kind, Moved()).taken

    @property
    def there(self) -> int:
        """How many records were here already."""
        return sum(moved.there for moved in self.kinds.values())


class Stats(Reply):
    """How much is remembered, and where."""

    memories: int
    sessions: int
    by_namespace: dict[str, int]
    by_type: dict[str, int]
    without_vector: int
    location: str
    bytes: int
    schema_version: int
    embedding_model: str
    embedding_dimensions: int
    as_of: Moment
