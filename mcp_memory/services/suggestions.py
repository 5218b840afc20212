"""What compaction left for a person to decide."""

from __future__ import annotations

from mcp_memory.domain.access import LOCAL, Caller
from mcp_memory.domain.compaction import union
from mcp_memory.domain.operations import Operation, OperationKind
from mcp_memory.domain.replies import Ack, SuggestionList
from mcp_memory.domain.requests import Accept, ListSuggestions
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.domain.suggestions import Suggestion, SuggestionKind, SuggestionState
from mcp_memory.errors import SuggestionNotFound
from mcp_memory.ports.given import Clock, NewId
from mcp_memory.ports.memories import Merge
from mcp_memory.ports.store import Store
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.services.entries import Indexer


class Suggestions:
    """Lists suggestions, and does or dismisses them."""

    def __init__(self, store: Store, indexer: Indexer, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._indexer = indexer
        self._clock = clock
        self._new_id = new_id

    async def list(self, request: ListSuggestions, *, caller: Caller = LOCAL) -> SuggestionList:
        """Return a page of the open suggestions in the scope, newest first."""
        scope = caller.scope(request.scope)
        found, total = await self._store.suggestions(
            scope, state=SuggestionState.OPEN, limit=request.limit, offset=request.offset
        )
        return SuggestionList(suggestions=found, total=total)

    async def accept(self, request: Accept, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> Ack:
        """Do what is suggested; it is an operation that can be undone.

        Raises:
            SuggestionNotFound: it is not there, or was settled, or one of its memories changed since.
        """
        proposal, suggestion = await self._open(request.suggestion_id, caller.scope(scope))
        operation = Operation(id=self._new_id(), kind=OperationKind.COMPACT, at=self._clock(), by=caller.name)
        if suggestion.kind is SuggestionKind.SUPERSEDE:
            merge = self._ending(proposal, suggestion)
        else:
            merge = await self._merge(proposal, suggestion, request.text)
        (stored,) = await self._store.merge([merge], operation)
        if stored is None:
            raise SuggestionNotFound(request.suggestion_id)
        return Ack(status=f"ok, memory {stored.id} is at version {stored.version}", operation=operation.id)

    def _ending(self, proposal: Proposal, suggestion: Suggestion) -> Merge:
        later = suggestion.other
        names = dict.fromkeys([*later.supersedes, suggestion.one.id])
        record = later.model_copy(update={"supersedes": list(names), "updated_at": self._clock()})
        return Merge(self._indexer.plain(record), (proposal.other,), (proposal.one,))

    async def _merge(self, proposal: Proposal, suggestion: Suggestion, given: str | None) -> Merge:
        """Return the merge into the one that is pinned, or whose text stays, or the first."""
        one, other = suggestion.one, suggestion.other
        text = given or suggestion.text or one.text
        swapped = other.pinned > one.pinned or (other.pinned == one.pinned and other.text == text)
        sources = (proposal.other, proposal.one) if swapped else (proposal.one, proposal.other)
        kept, retired = (other, one) if swapped else (one, other)
        changed = {} if text == kept.text else {"text": text, "updated_at": self._clock()}
        record = union(kept.model_copy(update=changed), [retired])
        entry = self._indexer.plain(record)
        if record.text != kept.text:
            (entry,) = await self._indexer.entries([record])
        return Merge(entry, sources)

    async def dismiss(self, suggestion_id: str, *, scope: Scope = OPEN, caller: Caller = LOCAL) -> Ack:
        """Leave both memories as they are; it is not suggested again until one of them changes.

        Raises:
            SuggestionNotFound: as for ``accept``.
        """
        await self._open(suggestion_id, caller.scope(scope))
        await self._store.settle(suggestion_id, SuggestionState.DISMISSED)
        return Ack(status="ok, both memories stay as they are")

    async def _open(self, suggestion_id: str, scope: Scope) -> tuple[Proposal, Suggestion]:
        found = await self._store.suggestion(suggestion_id, scope)
        if found is None:
            raise SuggestionNotFound(suggestion_id)
        return found
