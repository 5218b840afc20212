"""No authentication: whoever reaches the server is taken for whoever sits at this machine."""

from __future__ import annotations

from mcp_memory.domain.access import LOCAL, Caller


class DisabledAuthenticator:
    """Lets everybody do everything, whatever they show."""

    async def identify(self, credentials: str | None, peer: str) -> Caller:  # noqa: ARG002 - nothing is looked at
        return LOCAL

    async def close(self) -> None:
        """Hold nothing that could be given back."""
