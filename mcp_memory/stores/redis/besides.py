"""What the store keeps beside memories: suggestions, sessions, jobs and tokens; and its connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mcp_memory.domain.jobs import Job, JobState
from mcp_memory.domain.records import Session
from mcp_memory.domain.scope import Scope
from mcp_memory.domain.suggestions import Suggestion, SuggestionState
from mcp_memory.domain.tokens import Token
from mcp_memory.errors import StoreUnavailable
from mcp_memory.ports.jobs import JobRule
from mcp_memory.ports.memories import Seen
from mcp_memory.ports.suggestions import Proposal
from mcp_memory.stores.redis import access, jobs, sessions, suggestions
from mcp_memory.stores.redis.connecting import Place, opened
from mcp_memory.stores.redis.generations import Generations
from mcp_memory.stores.redis.server import Server


class RedisBesides:
    """The ports ``SuggestionStore``, ``SessionStore``, ``JobStore`` and ``TokenStore``."""

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
        return await sessions.remove(self._opened(), session_id, scope, now)

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
        return await jobs.prune(self._opened(), finished_before)

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
