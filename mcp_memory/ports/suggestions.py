"""What compaction leaves for people to decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import Suggestion, SuggestionKind, SuggestionState
from mcp_memory.ports.memories import Seen


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

    def told(self, one: MemoryRecord, other: MemoryRecord) -> Suggestion:
        """Return the suggestion as people are shown it, with the two memories that it is about."""
        return Suggestion(
            id=self.id,
            kind=self.kind,
            state=self.state,
            at=self.at,
            reason=self.reason,
            closeness=self.closeness,
            text=self.text,
            one=one,
            other=other,
        )


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
