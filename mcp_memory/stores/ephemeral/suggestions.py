"""Suggestions in a dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from mcp_memory.domain.filters import Where
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import Suggestion, SuggestionState
from mcp_memory.ports.memories import Seen
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.stores.ephemeral.memories import EphemeralMemories


class EphemeralSuggestions(EphemeralMemories):
    """The port ``SuggestionStore``."""

    def __init__(self) -> None:
        super().__init__()
        self._proposals: dict[frozenset[int], Proposal] = {}
        self._compared: dict[Scope, tuple[datetime, float]] = {}

    async def suggest(self, proposals: Sequence[Proposal]) -> int:
        for proposal in proposals:
            pair = _pair(proposal.one, proposal.other)
            # What is suggested last is listed first.
            self._proposals.pop(pair, None)
            self._proposals[pair] = proposal
        return len(proposals)

    async def suggestions(
        self, scope: Scope, *, state: SuggestionState, limit: int, offset: int = 0
    ) -> tuple[list[Suggestion], int]:
        found = [told for proposal, told in self._standing(scope) if proposal.state is state]
        found.reverse()
        return found[offset : offset + limit], len(found)

    async def suggestion(self, suggestion_id: str, scope: Scope) -> tuple[Proposal, Suggestion] | None:
        open_ones = (pair for pair in self._standing(scope) if pair[0].state is SuggestionState.OPEN)
        return next((pair for pair in open_ones if pair[0].id == suggestion_id), None)

    def _standing(self, scope: Scope) -> Iterator[tuple[Proposal, Suggestion]]:
        """Yield what has not ended: both memories are there, as they were read."""
        where = Where(scope)
        for proposal in self._proposals.values():
            one, other = (self._entries.get(int(handle)) for handle, _ in (proposal.one, proposal.other))
            if one is None or other is None or not where.matches(one.record):
                continue
            if (one.record.version, other.record.version) == (proposal.one[1], proposal.other[1]):
                yield (
                    proposal,
                    proposal.told(one.record, other.record),
                )

    async def settle(self, suggestion_id: str, state: SuggestionState) -> None:
        for pair, proposal in self._proposals.items():
            if proposal.id == suggestion_id:
                self._proposals[pair] = replace(proposal, state=state)

    async def settled(self, pairs: Sequence[tuple[Seen, Seen]]) -> list[SuggestionState | None]:
        return [self._settled(one, other) for one, other in pairs]

    def _settled(self, one: Seen, other: Seen) -> SuggestionState | None:
        there = self._proposals.get(_pair(one, other))
        return there.state if there is not None and {there.one, there.other} == {one, other} else None

    async def compared(self, scope: Scope) -> tuple[datetime, float] | None:
        return self._compared.get(scope)

    async def note_compared(self, scope: Scope, moment: datetime, distance: float) -> None:
        self._compared[scope] = (moment, distance)


def _pair(one: Seen, other: Seen) -> frozenset[int]:
    return frozenset({int(one[0]), int(other[0])})
