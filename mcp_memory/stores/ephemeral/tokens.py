"""Access tokens in a dictionary."""

from __future__ import annotations

from mcp_memory.domain.scope import Scope
from mcp_memory.domain.tokens import Token


class EphemeralTokens:
    """The port ``TokenStore``."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}

    async def add_token(self, token: Token) -> bool:
        if await self.token(token.lookup) is not None:
            return False
        self._tokens[token.id] = token
        return True

    async def token(self, lookup: str) -> Token | None:
        return next((token for token in self._tokens.values() if token.lookup == lookup), None)

    async def tokens(self, scope: Scope) -> list[Token]:
        return [token for token in self._tokens.values() if scope.covers(token.scope)]

    async def replace_token(self, token: Token) -> bool:
        if token.id not in self._tokens:
            return False
        self._tokens[token.id] = token
        return True

    async def remove_token(self, token_id: str) -> bool:
        return self._tokens.pop(token_id, None) is not None
