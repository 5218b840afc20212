"""What can be asked: one model per use case, shared by every door. A field is written once, here.

Field descriptions are read by models and people (tool schemas, OpenAPI, ``--help``): short, and true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from mcp_memory.domain.access import Caller
from mcp_memory.domain.filters import DateField, DateFilter, Dates, TagField, TagFilter, Tags, Where
from mcp_memory.domain.jobs import JobState
from mcp_memory.domain.moments import Moment
from mcp_memory.domain.records import MemoryType, SearchMode, Strategy, without_nulls
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.storable import Data, Offset, storable_text

MAX_TEXT = 1_048_576
"""Characters of one memory or message."""
MAX_BATCH = 1_000
"""Memories in one call."""
MAX_LABEL = 512
"""Characters of an id, a name or a label."""


def _written(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    if not text.strip():
        raise ValueError("text is empty: say what to remember")
    if len(text) > MAX_TEXT:
        raise ValueError(f"text has {len(text):,} characters, at most {MAX_TEXT:,} are kept in one: split it")
    return storable_text(text)


Text = Annotated[str, BeforeValidator(_written)]
Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL), BeforeValidator(storable_text)]
Labels = list[Label]


class Request(BaseModel):
    """Parent of all requests: an explicit null means "not given", an unknown field is ignored, as clients expect."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _null_means_absent(cls, fields: Any) -> Any:
        return without_nulls(fields)


class NewMemory(Request):
    """A memory as a client hands it in; only the text is needed."""

    text: Text
    id: Label | None = None
    memory_type: MemoryType = MemoryType.SEMANTIC
    topics: Labels = Field(default_factory=list)
    entities: Labels = Field(default_factory=list)
    namespace: Label | None = None
    user_id: Label | None = None
    session_id: Label | None = None
    event_date: Moment | None = Field(None, description="When it happened")
    created_at: Moment | None = None
    last_accessed: Moment | None = None
    source: Label | None = Field(None, description="Who said it")
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    supersedes: Labels = Field(default_factory=list, description="Ids of memories that this one ends")
    pinned: bool = False
    extracted_from: Labels | None = None
    extraction_strategy: Label = "discrete"
    extraction_strategy_config: Data = Field(default_factory=dict)
    discrete_memory_extracted: Literal["t", "f"] = "t"
    metadata: Data = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> NewMemory:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        return self


class Create(Request):
    """Remember some things for good."""

    memories: Annotated[list[NewMemory], Field(min_length=1, max_length=MAX_BATCH)]
    deduplicate: bool = Field(default=True, description="Answer exact duplicates with the memory already there")


class Filters(Request):
    """The filters that every question about long-term memory takes; all must hold."""

    session_id: TagFilter | None = None
    namespace: TagFilter | None = None
    user_id: TagFilter | None = None
    topics: TagFilter | None = None
    entities: TagFilter | None = None
    memory_type: TagFilter | None = None
    extraction_strategy: TagFilter | None = None
    source: TagFilter | None = None
    created_at: DateFilter | None = None
    last_accessed: DateFilter | None = None
    event_date: DateFilter | None = None
    as_of: Moment | None = Field(None, description="Only what held at this time")

    @model_validator(mode="after")
    def _known_memory_types(self) -> Filters:
        if self.memory_type is not None:
            condition = self.memory_type.condition("memory_type")
            values = set().union(*(part for part in (condition.any, condition.all, condition.none) if part))
            if unknown := sorted(values - set(MemoryType)):
                raise ValueError(f"memory_type {unknown[0]!r} is unknown; use {', '.join(MemoryType)}")
        return self

    def where(self, *, caller: Caller, now: datetime) -> Where:
        """Return what the filters mean together when this caller asks.

        Raises:
            NotAllowed: they name what the caller cannot reach.
        """
        tags = self._tags()
        named = {condition.field: condition.only for condition in tags if condition.only is not None}
        asked = Scope(*map(named.get, _SCOPE_FIELDS))
        # A filter that allows several names leaves the scope open, and is not to be narrowed by a default.
        filtered = [part for part in _SCOPE_FIELDS if getattr(self, part) is not None]
        default = replace(caller.default, **dict.fromkeys(filtered))
        return Where(
            scope=caller.defaulting_to(default).scope(asked),
            # A single name is a scope, which stores know by heart; all else is looked up.
            tags=tuple(tag for tag in tags if tag.only is None or tag.field not in _SCOPE_FIELDS),
            dates=self._dates(),
            current_at=None if self.as_of else now,
            as_of=self.as_of,
        )

    def _tags(self) -> tuple[Tags, ...]:
        given = [(field, getattr(self, field)) for field in _TAG_FIELDS]
        return tuple(written.condition(field) for field, written in given if written is not None)

    def _dates(self) -> tuple[Dates, ...]:
        given = [(field, getattr(self, field)) for field in _DATE_FIELDS]
        return tuple(written.condition(field) for field, written in given if written is not None)


_SCOPE_FIELDS: Sequence[TagField] = ("namespace", "user_id", "session_id")
_TAG_FIELDS: Sequence[TagField] = (
    "namespace",
    "user_id",
    "session_id",
    "topics",
    "entities",
    "memory_type",
    "extraction_strategy",
    "source",
)
_DATE_FIELDS: Sequence[DateField] = ("created_at", "last_accessed", "event_date")

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[float, Field(ge=1e-6)]


class Search(Filters):
    """Find what is known."""

    text: Annotated[str, BeforeValidator(storable_text)] = Field("", description='What to find; "" lists newest first')
    search_mode: SearchMode | None = Field(None, description="Leave out for the best ranking")
    distance_threshold: Annotated[float, Field(ge=0, le=2)] | None = Field(
        None, description="Largest cosine distance of a hit"
    )
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    offset: Offset = 0
    explain: bool = Field(default=False, description="Say why each hit was found")
    # Clients of agent-memory-server send it, as text_scorer and server_side_recency: nothing depends on them.
    optimize_query: bool = False
    hybrid_alpha: Share | None = None
    text_scorer: str | None = None
    recency_boost: bool | None = None
    recency_semantic_weight: Share | None = None
    recency_recency_weight: Share | None = None
    recency_freshness_weight: Share | None = None
    recency_novelty_weight: Share | None = None
    recency_half_life_last_access_days: Days | None = None
    recency_half_life_created_days: Days | None = None
    server_side_recency: bool | None = None

    @model_validator(mode="after")
    def _threshold_fits_mode(self) -> Search:
        if self.distance_threshold is not None and self.search_mode in {SearchMode.KEYWORD, SearchMode.HYBRID}:
            raise ValueError("distance_threshold is only supported for semantic search mode")
        return self


class MemoryChanges(Request):
    """What is to become of one memory; what is not given stays."""

    text: Text | None = None
    topics: Labels | None = None
    entities: Labels | None = None
    memory_type: MemoryType | None = None
    namespace: Label | None = None
    user_id: Label | None = None
    session_id: Label | None = None
    event_date: Moment | None = None
    pinned: bool | None = None
    source: Label | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    metadata: Data | None = None
    expected_version: int | None = Field(None, description="Refuse if the memory is at another version")


class Edit(MemoryChanges):
    """Change one memory; what is not given stays."""

    memory_id: Label

    @property
    def changes(self) -> dict[str, Any]:
        """The fields of the record to set."""
        given = self.model_fields_set - {"memory_id", "expected_version"}
        return {name: getattr(self, name) for name in given}


class Compact(Request):
    """Merge memories that say the same, and end what no longer holds."""

    model_config = ConfigDict(populate_by_name=True)

    namespace: Label | None = None
    user_id: Label | None = None
    session_id: Label | None = None
    hash_duplicates: bool = Field(
        default=True, alias="compact_hash_duplicates", description="Those that say the same to the letter"
    )
    semantic_duplicates: bool = Field(
        default=True, alias="compact_semantic_duplicates", description="Those that say the same in other words"
    )
    distance_threshold: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, alias="vector_distance_threshold", description="Cosine distance up to which memories are compared"
    )
    full: bool = Field(default=False, description="Compare all, not only what is new since the last time")
    dry_run: bool = Field(default=False, description="Only say what would be done")

    @property
    def scope(self) -> Scope:
        """Where to look."""
        return Scope(self.namespace, self.user_id, self.session_id)


class NewMessage(Request):
    """A message of a conversation as a client hands it in."""

    role: Label
    content: Text
    id: Label | None = None
    created_at: Moment | None = None
    persisted_at: Moment | None = None
    discrete_memory_extracted: Literal["t", "f"] = "f"


class SessionScoped(Request):
    """Names one session."""

    session_id: Label
    namespace: Label | None = None
    user_id: Label | None = None

    @property
    def scope(self) -> Scope:
        """Whose session."""
        return Scope(self.namespace, self.user_id)


class SessionContents(Request):
    """What a session is to hold."""

    messages: list[NewMessage] = Field(default_factory=list)
    memories: Annotated[list[NewMemory], Field(max_length=MAX_BATCH)] = Field(
        default_factory=list, description="Facts to keep for good"
    )
    context: Annotated[str, BeforeValidator(storable_text)] | None = Field(None, description="Summary so far")
    data: Data | None = None
    ttl_seconds: Annotated[int, Field(ge=1, le=3_153_600_000)] | None = None
    long_term_memory_strategy: Strategy = Field(default_factory=Strategy)
    created_at: Moment | None = None
    expected_version: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Refuse if the session is at another version; 0: must not exist"
    )


class PutSession(SessionScoped, SessionContents):
    """Replace the working memory of a session."""


class NewMessages(Request):
    """Messages that follow those that are there."""

    messages: Annotated[list[NewMessage], Field(min_length=1)]


class Append(SessionScoped, NewMessages):
    """Add messages to a session; it is begun if it does not exist."""


class Window(Request):
    """How much of a conversation fits into the model that will read it."""

    model_name: str | None = None
    context_window_max: Annotated[int, Field(ge=1)] | None = Field(None, description="Tokens")


class GetSession(SessionScoped, Window):
    """Read the working memory of a session."""

    recent_messages_limit: int | None = None


class ListSessions(Request):
    """List sessions."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset: Offset = 0
    namespace: Label | None = None
    user_id: Label | None = None


class ListJobs(Request):
    """List jobs."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset: Offset = 0
    states: list[JobState] = Field(default_factory=list, description="Only those in these states")
    namespace: Label | None = None
    user_id: Label | None = None

    @property
    def scope(self) -> Scope:
        """Whose jobs."""
        return Scope(self.namespace, self.user_id)


class Hydrate(Window):
    """Make a prompt of a query, its conversation and what is known."""

    query: Text
    session: SessionScoped | None = None
    long_term_search: Search | None = None


class Owned(Request):
    """Keeps to the memories of one owner."""

    namespace: Label | None = None
    user_id: Label | None = None

    @property
    def scope(self) -> Scope:
        """Whose memories it is about."""
        return Scope(self.namespace, self.user_id)


class OwnedPage(Owned):
    """Asks for a page of what concerns the memories of one owner."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset: Offset = 0


class ListOperations(OwnedPage):
    """List what was done."""


class ShowOperation(OwnedPage):
    """Show one operation, with a page of what it did to each memory."""

    operation_id: Label


class Undo(Owned):
    """Bring memories back to what they were before an operation."""

    operation_id: Label
    only: Labels | None = Field(None, description="Ids of the memories to bring back; all if left out")


class ListSuggestions(OwnedPage):
    """List what a person should look at."""


class Accept(Request):
    """Do what is suggested."""

    suggestion_id: Label
    text: Text | None = Field(None, description="Text of the merged memory, in place of the one proposed")
