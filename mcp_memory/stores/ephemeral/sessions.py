"""Working memory in a dictionary."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from mcp_memory.domain.records import Session
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import VersionConflict

_Name: TypeAlias = tuple[str | None, str | None, str]


@dataclass(frozen=True, slots=True)
class _Kept:
    session: Session
    expires_at: datetime | None

    def alive(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


class EphemeralSessions:
    """The port ``SessionStore``."""

    def __init__(self) -> None:
        self._sessions: dict[_Name, _Kept] = {}
        self._versions: Counter[_Name] = Counter()

    async def session(self, session_id: str, scope: Scope, now: datetime) -> Session | None:
        exact = self._sessions.get((scope.namespace, scope.user_id, session_id))
        if exact is not None and exact.alive(now):
            return exact.session
        within = self._within(Scope(scope.namespace, scope.user_id, session_id))
        alive = [kept.session for kept in within if kept.alive(now)]
        return alive[0] if len(alive) == 1 else None

    def _within(self, scope: Scope) -> list[_Kept]:
        wanted = (scope.namespace, scope.user_id, scope.session_id)
        return [
            kept
            for name, kept in self._sessions.items()
            if all(part in {None, held} for part, held in zip(wanted, name, strict=True))
        ]

    async def put_session(self, session: Session, *, expected_version: int | None, now: datetime) -> Session:
        await self.expire_sessions(now)
        name = (session.namespace, session.user_id, session.session_id)
        there = self._sessions.get(name)
        version = there.session.version if there else 0
        if expected_version not in {None, version}:
            raise VersionConflict(f"Session {session.session_id}", expected_version or 0, version)
        # Versions go on where a session was deleted or expired, so that an old one never fits a new session.
        self._versions[name] += 1
        stored = session.model_copy(update={"version": self._versions[name], "updated_at": now})
        lasts = None if session.ttl_seconds is None else timedelta(seconds=session.ttl_seconds)
        self._sessions[name] = _Kept(stored, None if lasts is None else now + lasts)
        return stored

    async def remove_session(self, session_id: str, scope: Scope, now: datetime) -> bool:
        there = await self.session(session_id, scope, now)
        if there is not None:
            del self._sessions[there.namespace, there.user_id, there.session_id]
        return there is not None

    async def sessions(self, scope: Scope, now: datetime, *, limit: int, offset: int = 0) -> tuple[list[Session], int]:
        alive = [kept.session for kept in self._within(scope) if kept.alive(now)]
        alive.sort(key=lambda session: (session.updated_at, session.session_id), reverse=True)
        page = alive[offset : offset + limit]
        return [session.model_copy(update={"messages": []}) for session in page], len(alive)

    async def expire_sessions(self, now: datetime) -> int:
        before = len(self._sessions)
        self._sessions = {name: kept for name, kept in self._sessions.items() if kept.alive(now)}
        return before - len(self._sessions)
