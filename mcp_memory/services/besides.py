"""Taking in what a store holds beside memories: suggestions, views with their summaries, sessions, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mcp_memory.domain import windows
from mcp_memory.domain.records import Session
from mcp_memory.domain.replies import Moved
from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.domain.suggestions import SuggestionState
from mcp_memory.domain.tokens import Token
from mcp_memory.domain.views import SummaryView, group_key
from mcp_memory.errors import VersionConflict
from mcp_memory.ports.archive import Name, Suggested, Summed
from mcp_memory.ports.given import Clock
from mcp_memory.ports.memories import Seen
from mcp_memory.ports.store import Store
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.ports.views import Partition
from mcp_memory.services.store_pages import group_states
from mcp_memory.services.views import kept_state


class Besides:
    """Takes in what is not here yet; a dry run only counts it."""

    def __init__(self, store: Store, clock: Clock, *, whole: bool, dry_run: bool) -> None:
        """Take memories for those of the source by their numbers where ``whole``, else by their names."""
        self._store = store
        self._clock = clock
        self._whole = whole
        self._dry_run = dry_run
        self._views: dict[str, SummaryView] | None = None
        self._groups: dict[str, dict[str, str]] = {}

    async def sessions(self, sessions: Sequence[Session]) -> Moved:
        """Take in sessions."""
        new = [session for session in sessions if await self._is_new(session)]
        taken = len(new) if self._dry_run else sum([await self._begun(session) for session in new])
        return Moved(taken=taken, there=len(sessions) - taken)

    async def _is_new(self, session: Session) -> bool:
        there = await self._store.session(session.session_id, session.scope, self._clock())
        return there is None or there.scope != session.scope

    async def _begun(self, session: Session) -> bool:
        tokens = sum(map(windows.message_tokens, session.messages))
        whole = session.model_copy(update={"tokens": tokens})
        try:
            await self._store.put_session(whole, expected_version=0, now=self._clock())
        except VersionConflict:
            # Somebody began it meanwhile; theirs is newer.
            return False
        return True

    async def suggestions(self, given: Sequence[Suggested]) -> Moved:
        """Take in suggestions, with what became of them.

        Where memories are known by their names, both must be here as they were when they were read.
        """
        proposals = [one.proposal if self._whole else await self._about_ours(one) for one in given]
        fitting = [proposal for proposal in proposals if proposal is not None]
        states = await self._store.settled([(one.one, one.other) for one in fitting])
        pairs = zip(fitting, states, strict=True)
        new = [proposal for proposal, state in pairs if state is None or self._is_settled_since(proposal, state)]
        if new and not self._dry_run:
            await self._store.suggest(new)
        return Moved(taken=len(new), there=len(fitting) - len(new), left=len(given) - len(fitting))

    def _is_settled_since(self, proposal: Proposal, state: SuggestionState) -> bool:
        return self._whole and state is SuggestionState.OPEN and proposal.state is not state

    async def _about_ours(self, suggested: Suggested) -> Proposal | None:
        given = suggested.proposal
        one, other = await self._ours(suggested.one, given.one), await self._ours(suggested.other, given.other)
        return None if one is None or other is None else replace(given, one=one, other=other)

    async def _ours(self, name: Name | None, seen: Seen) -> Seen | None:
        """Return the memory of the name here, if it is at the version that was seen."""
        if name is None:
            return None
        for handle, record in await self._store.named([name.id], Scope(name.namespace, name.user_id)):
            if (record.namespace, record.user_id, record.id) == name and record.version == seen[1]:
                return handle, record.version
        return None

    async def views(self, views: Sequence[SummaryView]) -> Moved:
        """Take in views."""
        here = await self._known()
        new = [view for view in views if view.id not in here]
        for view in new:
            here[view.id] = view
            if not self._dry_run:
                await self._store.put_view(view)
        for view in views:
            if here[view.id] != view:
                # It sums up something else: the summaries that come with the other one are not its own.
                del here[view.id]
        return Moved(taken=len(new), there=len(views) - len(new))

    async def _known(self) -> dict[str, SummaryView]:
        if self._views is None:
            self._views = {view.id: view for view in await self._store.views(OPEN)}
        return self._views

    async def summaries(self, given: Sequence[Summed]) -> Moved:
        """Take in summaries of views that are here as they are there; one that is out of date stays so."""
        here = await self._known()
        kept: dict[str, dict[str, str]] = {}
        taken = left = 0
        for one in given:
            view = here.get(one.result.view_id)
            if view is None:
                left += 1
                continue
            if view.id not in kept:
                kept[view.id] = await self._store.partition_states(view.id)
            if group_key(one.result.group) not in kept[view.id]:
                taken += 1
                await self._keep(one, view)
        return Moved(taken=taken, there=len(given) - taken - left, left=left)

    async def _keep(self, one: Summed, view: SummaryView) -> None:
        if not self._dry_run:
            await self._store.put_partition(Partition(one.result, await self._state(one, view)))

    async def _state(self, one: Summed, view: SummaryView) -> str:
        """Return what the group is like here, if it is the same group as there and was not changed since."""
        if one.author is None or not self._whole:
            return ""
        if view.id not in self._groups:
            self._groups[view.id] = await group_states(self._store, view, self._clock)
        state = self._groups[view.id].get(group_key(one.result.group))
        return "" if state is None else kept_state(one.author, state)

    async def tokens(self, tokens: Sequence[Token]) -> Moved:
        """Take in access tokens."""
        known = {token.id for token in await self._store.tokens(OPEN)}
        new = [token for token in tokens if token.id not in known]
        taken = len(new) if self._dry_run else sum([await self._store.add_token(token) for token in new])
        return Moved(taken=taken, there=len(tokens) - taken)
