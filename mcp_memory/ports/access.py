"""Who lets callers in."""

from __future__ import annotations

from typing import Protocol

from mcp_memory.domain.access import Caller


class Authenticator(Protocol):
    """Knows callers by what they show."""

    async def identify(self, credentials: str | None, peer: str) -> Caller:
        """Return who shows these credentials.

        Args:
            credentials: the bare token; None if there is none.
            peer: the address that the request came from; failures are counted by it.

        Raises:
            NotAuthenticated: nobody is known by them.
            NotAllowed: who shows them is known, and may do nothing here.
            TooManyAttempts: this peer failed too often.
            IssuerUnavailable: who vouches for them cannot be reached.
        """

    async def close(self) -> None:
        """Give back connections."""
