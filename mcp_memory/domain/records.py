"""The records: memories, sessions and their messages, under the names that clients know."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from mcp_memory.domain.moments import Moment, start_of
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.storable import Data
from mcp_memory.domain.talk import turn


class MemoryType(StrEnum):
    """What kind of thing a memory is."""

    SEMANTIC = "semantic"
    EPISODIC = "episodic"
    MESSAGE = "message"


class SearchMode(StrEnum):
    """How a search finds memories."""

    SEMANTIC = "semantic"
    KEYWORD = "keyword"
    HYBRID = "hybrid"


class Record(BaseModel):
    """Parent of all records: frozen, tolerant of unknown fields, built when first used.

    What they hold is not quoted in errors, which may be logged.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True, hide_input_in_errors=True)


class MemoryRecord(Record):
    """One memory, whole, as stored."""

    id: str
    text: str
    session_id: str | None = None
    user_id: str | None = None
    namespace: str | None = None
    created_at: Moment
    updated_at: Moment
    last_accessed: Moment
    persisted_at: Moment | None = None
    """Recorded time: when this server stored the memory, whatever the client says of created_at."""
    event_date: Moment | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    supersedes: list[str] = Field(default_factory=list)
    pinned: bool = False
    access_count: int = 0
    topics: list[str] = Field(default_factory=list)
    entities: list[str] = Field(default_factory=list)
    memory_type: MemoryType = MemoryType.SEMANTIC
    source: str | None = None
    """Who said it."""
    memory_hash: str | None = None
    discrete_memory_extracted: Literal["t", "f"] = "t"
    extracted_from: list[str] | None = None
    extraction_strategy: str = "discrete"
    extraction_strategy_config: dict[str, JsonValue] = Field(default_factory=dict)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    version: int = 1

    @property
    def scope(self) -> Scope:
        """Whose this memory is."""
        return Scope(self.namespace, self.user_id, self.session_id)

    @property
    def about(self) -> datetime:
        """The moment that the memory is about: its event, else its creation."""
        return self.event_date or self.created_at

    @property
    def dated(self) -> datetime | None:
        """The moment that a client gave the memory: as its event, as its creation, or at the beginning of its text."""
        given = self.event_date or (self.created_at if self.created_at != self.persisted_at else None)
        if given is not None:
            return given
        day = turn(self.text).day
        return None if day is None else start_of(day)

    @property
    def thread(self) -> tuple[str, str] | None:
        """What it stands in with its neighbours: its session; without one, the day that it was dated with.

        Of what nobody dated only turns of talk ("Ann: ...") that were stored on one day belong together.
        """
        if self.session_id is not None:
            return "session", self.session_id
        if self.dated is not None:
            return "day", self.dated.date().isoformat()
        return ("talk", self.created_at.date().isoformat()) if turn(self.text).speaker else None

    @property
    def holds_from(self) -> datetime:
        """The moment at which what it tells began, and what it supersedes ended: that of its event, if it has one."""
        return self.valid_from or self.about

    @property
    def found_from(self) -> datetime:
        """The moment from which on a look back finds it; of what is to come it is known before."""
        return self.valid_from or min(self.about, self.created_at)

    def holds_at(self, moment: datetime) -> bool:
        """Say whether the memory was true at ``moment``, or known by then to become true."""
        return self.found_from <= moment and not self.ended_by(moment)

    def ended_by(self, moment: datetime) -> bool:
        """Say whether the memory had stopped being true at ``moment``."""
        return self.valid_to is not None and self.valid_to <= moment

    def repeated_by(self, later: MemoryRecord) -> bool:
        """Say whether a later memory of the same content says nothing new: what ended may become true again."""
        if later.valid_to is not None:
            return later.valid_to == self.valid_to
        return not self.ended_by(later.persisted_at or later.created_at)


class Message(Record):
    """One message of a conversation."""

    id: str
    role: str
    content: str
    created_at: Moment
    persisted_at: Moment | None = None
    discrete_memory_extracted: Literal["t", "f"] = "f"


class Strategy(Record):
    """How memories are to be extracted from a session."""

    strategy: Literal["discrete", "summary", "preferences", "custom"] = "discrete"
    config: Data = Field(default_factory=dict)


class Session(Record):
    """The working memory of one conversation, whole, as stored."""

    session_id: str
    namespace: str | None = None
    user_id: str | None = None
    messages: list[Message] = Field(default_factory=list)
    memories: list[MemoryRecord] = Field(default_factory=list)
    data: dict[str, JsonValue] | None = None
    context: str | None = None
    tokens: int = 0
    long_term_memory_strategy: Strategy = Field(default_factory=Strategy)
    ttl_seconds: int | None = None
    created_at: Moment
    updated_at: Moment
    last_accessed: Moment
    version: int = 1

    @property
    def scope(self) -> Scope:
        """Whose this session is."""
        return Scope(self.namespace, self.user_id, self.session_id)


def without_nulls(fields: Any) -> Any:
    """Return a mapping without its null values, so that an explicit null means "not given"."""
    return {name: value for name, value in fields.items() if value is not None} if isinstance(fields, dict) else fields
