"""Access tokens in dictionaries."""

from __future__ import annotations

from mcp_memory.domain.scope import Scope
from mcp_memory.domain.tokens import Token


class EphemeralTokens:
    """The port ``TokenStore``."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._ids: dict[str, str] = {}
        """By their ``lookup``."""

    async def add_token(self, token: Token) -> bool:
        if token.lookup in self._ids:
            return False
        self._keep(token)
        return True

    async def token(self, lookup: str) -> Token | None:
        token_id = self._ids.get(lookup)
        return None if token_id is None else self._tokens[token_id]

    async def tokens(self, scope: Scope) -> list[Token]:
        return [token for token in self._tokens.values() if scope.covers(token.scope)]

    async def replace_token(self, token: Token) -> bool:
        old = self._tokens.get(token.id)
        if old is None:
            return False
        del self._ids[old.lookup]
        self._keep(token)
        return True

    async def remove_token(self, token_id: str) -> bool:
        old = self._tokens.pop(token_id, None)
        if old is not None:
            del self._ids[old.lookup]
        return old is not None

    def _keep(self, token: Token) -> None:
        self._tokens[token.id] = token
        self._ids[token.lookup] = token.id
