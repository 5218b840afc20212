"""Where access tokens are kept, and what is done with their secrets."""

from __future__ import annotations

from typing import Protocol

from mcp_memory.domain.scope import Scope
from mcp_memory.domain.tokens import Token


class TokenStore(Protocol):
    """Where access tokens are kept; the promises of ``MemoryStore`` hold. A scope sees the tokens bound within it."""

    async def add_token(self, token: Token) -> bool:
        """Keep the token; False, and nothing was changed, if its ``lookup`` finds one already."""

    async def token(self, lookup: str) -> Token | None:
        """Return the token that is found so, at the same cost however many there are."""

    async def tokens(self, scope: Scope) -> list[Token]:
        """Return the tokens bound to the scope or within it, first made first."""

    async def replace_token(self, token: Token) -> bool:
        """Keep the token in the place of the one of its id; False if there is none.

        What found the old one finds nothing from then on.
        """

    async def remove_token(self, token_id: str) -> bool:
        """Remove the token of this id; say whether there was one."""


class Secrets(Protocol):
    """Makes secrets, and knows one again by its hash."""

    def new(self) -> str:
        """Return a new secret, which nobody can guess."""

    async def hashed(self, secret: str) -> str:
        """Return the hash by which the secret is known again; it takes long, and not on the event loop."""

    async def matches(self, secret: str, token_hash: str) -> bool:
        """Say whether the hash is that of the secret; it takes as long."""
