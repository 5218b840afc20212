"""Where working memory lives."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from mcp_memory.domain.records import Session
from mcp_memory.domain.scope import Scope


class SessionStore(Protocol):
    """Where working memory lives; the promises of ``MemoryStore`` hold. A session past its TTL does not exist."""

    async def session(self, session_id: str, scope: Scope, now: datetime) -> Session | None:
        """Return the session with exactly this namespace and user; else the only one of this id within the scope.

        A part of the scope that is None is open. Returns None when none, or more than one, matches.
        """

    async def put_session(self, session: Session, *, expected_version: int | None, now: datetime) -> Session:
        """Store the session whole; answers it with its new version. Its TTL begins anew.

        Args:
            expected_version: the version that was read; 0 if none exists; None to overwrite whatever is there.

        Raises:
            VersionConflict: the session is at another version; nothing was changed.
        """

    async def remove_session(self, session_id: str, scope: Scope, now: datetime) -> bool:
        """Delete the session that ``session`` would return; say whether there was one."""

    async def sessions(self, scope: Scope, now: datetime, *, limit: int, offset: int = 0) -> tuple[list[Session], int]:
        """Return a page of sessions (without their messages), last updated first, and how many there are."""

    async def expire_sessions(self, now: datetime) -> int:
        """Remove the sessions past their TTL; return how many there were."""
