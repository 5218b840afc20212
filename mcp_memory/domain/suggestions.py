"""Suggestions: what compaction found and does not dare to do by itself, for a person to look at."""

from __future__ import annotations

from enum import StrEnum

from mcp_memory.domain.moments import Moment
from mcp_memory.domain.records import MemoryRecord, Record


class SuggestionKind(StrEnum):
    """What is suggested of two memories."""

    MERGE = "merge"
    """They may say the same."""
    SUPERSEDE = "supersede"
    """The second may end the first."""


class SuggestionState(StrEnum):
    """What became of a suggestion."""

    OPEN = "open"
    APPLIED = "applied"
    DISMISSED = "dismissed"
    """Somebody decided that the two stay as they are; it is not suggested, or done, again."""


class Suggestion(Record):
    """Two memories of one scope that a person should look at."""

    id: str
    kind: SuggestionKind
    state: SuggestionState = SuggestionState.OPEN
    at: Moment
    reason: str
    closeness: float | None = None
    """Cosine of their vectors."""
    text: str | None = None
    """The text that would take the place of both."""
    one: MemoryRecord
    other: MemoryRecord
