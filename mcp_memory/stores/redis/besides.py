"""What the store keeps beside memories: suggestions, sessions, jobs, tokens and views; and its connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import cast

from mcp_memory.domain.filters import TagField, Where
from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.records import MemoryRecord, Session
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import Suggestion, SuggestionState
from mcp_memory.domain.tokens import Token
from mcp_memory.domain.views import SummaryView, SummaryViewPartitionResult
from mcp_memory.errors import StoreUnavailable
from mcp_memory.ports.jobs import JobRule
from mcp_memory.ports.memories import Handle, Seen
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.ports.views import Group, Partition, Step
from mcp_memory.stores.redis import access, jobs, sessions, suggestions, views
from mcp_memory.stores.redis.connecting import Place, opened
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.server import Server

_AT_ONCE = 500
"""Summaries that are removed in one step."""


class RedisBesides:
    """The ports ``SuggestionStore``, ``SessionStore``, ``JobStore``, ``TokenStore`` and ``ViewStore``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._server: Server | None = None
        self._generations: Generations | None = None

    async def open(self) -> None:
        if self._server is None:
            server = await opened(self._place)
            self._server, self._generations = server, Generations(server, self._place.vectors)

    async def close(self) -> None:
        server, self._server, self._generations = self._server, None, None
        if server is not None:
            await server.close()

    def _opened(self) -> Server:
        if self._server is None:
            raise StoreUnavailable(f"{self._place.shown} is not open")
        return self._server

    def _models(self) -> Generations:
        if self._generations is None:
            raise StoreUnavailable(f"{self._place.shown} is not open")
        return self._generations

    async def suggest(self, proposals: Sequence[Proposal]) -> int:
        return await suggestions.suggest(self._opened(), proposals)

    async def suggestions(
        self, scope: Scope, *, state: SuggestionState, limit: int, offset: int = 0
    ) -> tuple[list[Suggestion], int]:
        return await suggestions.page(self._opened(), scope, state, limit, offset)

    async def suggestion(self, suggestion_id: str, scope: Scope) -> tuple[Proposal, Suggestion] | None:
        return await suggestions.find(self._opened(), suggestion_id, scope)

    async def settle(self, suggestion_id: str, state: SuggestionState) -> None:
        await suggestions.settle(self._opened(), suggestion_id, state)

    async def settled(self, pairs: Sequence[tuple[Seen, Seen]]) -> list[SuggestionState | None]:
        return await suggestions.settled(self._opened(), pairs)

    async def compared(self, scope: Scope) -> tuple[datetime, float] | None:
        return await suggestions.compared(self._opened(), scope)

    async def note_compared(self, scope: Scope, moment: datetime, distance: float) -> None:
        await suggestions.note_compared(self._opened(), scope, moment, distance)

    async def session(self, session_id: str, scope: Scope, now: datetime) -> Session | None:
        return await sessions.find(self._opened(), session_id, scope, now)

    async def put_session(self, session: Session, *, expected_version: int | None, now: datetime) -> Session:
        server = self._opened()
        return await server.transact(lambda: sessions.put(server, session, expected_version, now))

    async def remove_session(self, session_id: str, scope: Scope, now: datetime) -> bool:
        server = self._opened()
        return await server.transact(lambda: sessions.remove(server, session_id, scope, now))

    async def sessions(self, scope: Scope, now: datetime, *, limit: int, offset: int = 0) -> tuple[list[Session], int]:
        return await sessions.page(self._opened(), scope, now, limit, offset)

    async def expire_sessions(self, now: datetime) -> int:
        return await sessions.expire(self._opened(), now)

    async def put_job(self, job: Job) -> Job:
        server = self._opened()
        return await server.transact(lambda: jobs.put(server, job))

    async def put_periodic(self, job: Job, period_began: datetime) -> Job | None:
        server = self._opened()
        return await server.transact(lambda: jobs.put_periodic(server, job, period_began))

    async def job(self, job_id: str, scope: Scope) -> Job | None:
        return await jobs.find(self._opened(), job_id, scope)

    async def jobs(
        self, scope: Scope, *, states: Sequence[JobState] = (), limit: int, offset: int = 0
    ) -> tuple[list[Job], int]:
        return await jobs.page(self._opened(), scope, states, limit, offset)

    async def ready_jobs(self, names: Sequence[str], now: datetime, limit: int) -> list[str]:
        return await jobs.ready(self._opened(), names, now, limit)

    async def change_job(self, job_id: str, rule: JobRule) -> Job | None:
        server = self._opened()
        return await server.transact(lambda: jobs.change(server, job_id, rule))

    async def prune_jobs(self, finished_before: datetime) -> int:
        server, removed = self._opened(), 0
        for job_id in await jobs.ended(server, finished_before):
            removed += await server.transact(partial(jobs.remove, server, job_id))
        return removed

    async def add_token(self, token: Token) -> bool:
        server = self._opened()
        return await server.transact(lambda: access.add(server, token))

    async def token(self, lookup: str) -> Token | None:
        return await access.find(self._opened(), lookup)

    async def tokens(self, scope: Scope) -> list[Token]:
        return await access.within(self._opened(), scope)

    async def replace_token(self, token: Token) -> bool:
        server = self._opened()
        return await server.transact(lambda: access.replace(server, token))

    async def remove_token(self, token_id: str) -> bool:
        server = self._opened()
        return await server.transact(lambda: access.remove(server, token_id))

    async def put_view(self, view: SummaryView) -> None:
        await views.put(self._opened(), view)

    async def view(self, view_id: str, scope: Scope) -> SummaryView | None:
        return await views.find(self._opened(), view_id, scope)

    async def views(self, scope: Scope) -> list[SummaryView]:
        return await views.every(self._opened(), scope)

    async def remove_view(self, view_id: str, scope: Scope) -> bool:
        server = self._opened()
        return await server.transact(lambda: views.remove(server, view_id, scope))

    async def put_partition(self, partition: Partition) -> bool:
        server = self._opened()
        return await server.transact(lambda: views.put_partition(server, partition))

    async def partitions(self, view_id: str, group: Mapping[str, str]) -> list[SummaryViewPartitionResult]:
        return await views.partitions(self._opened(), view_id, group)

    async def partition_states(self, view_id: str) -> dict[str, str]:
        return await views.states(self._opened(), view_id)

    async def remove_partitions(self, view_id: str, keys: Sequence[str]) -> int:
        server, removed = self._opened(), 0
        for first in range(0, len(keys), _AT_ONCE):
            some = keys[first : first + _AT_ONCE]
            removed += await server.transact(partial(views.remove_partitions, server, view_id, some))
        return removed

    async def groups(self, where: Where, fields: Sequence[str]) -> list[Group]:
        return await views.groups(self._opened(), where, cast("Sequence[TagField]", fields))

    async def walk(self, where: Where, after: Step | None, limit: int) -> list[tuple[Handle, MemoryRecord]]:
        step = None if after is None else (after[0], int(after[1]))
        return await views.walk(self._opened(), where, step, limit)
