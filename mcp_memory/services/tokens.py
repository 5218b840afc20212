"""Access tokens: made, listed, shown, renewed and removed. The audit log says what was done, and never a secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import Annotated

from pydantic import Field

from mcp_memory.domain.access import LOCAL, Access, Caller
from mcp_memory.domain.replies import Reply
from mcp_memory.domain.requests import Label, Owned
from mcp_memory.domain.tokens import LONGEST, SHORTEST, Token, lookup_of
from mcp_memory.errors import AmbiguousToken, InvalidRequest, TokenNotFound
from mcp_memory.ports.given import Clock, NewId
from mcp_memory.ports.tokens import Secrets, TokenStore
from mcp_memory.services.audit import note


class AddToken(Owned):
    """Let a bearer in."""

    description: Label
    access: Access = Field(Access.WRITE, description="What its bearer may do")
    expires_days: Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)] | None = Field(
        None, description="After so many days it lets nobody in"
    )
    secret: Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)] | None = Field(
        None, description="A secret made elsewhere, if none is to be made"
    )


class Issued(Reply):
    """A token with its secret, which is told this once."""

    token: Token
    secret: str


class Tokens:
    """The access tokens of a store. A caller with a bound knows and makes only those bound within it."""

    def __init__(self, store: TokenStore, secrets: Callable[[], Secrets], clock: Clock, new_id: NewId) -> None:
        """Make and check secrets by what ``secrets`` returns, which is asked when it is needed first."""
        self._store = store
        self._make_secrets = secrets
        self._clock = clock
        self._new_id = new_id

    @cached_property
    def _secrets(self) -> Secrets:
        return self._make_secrets()

    async def add(self, request: AddToken, *, caller: Caller = LOCAL) -> Issued:
        """Make a token, and tell its secret.

        Raises:
            InvalidRequest: the secret is known already, or bcrypt could not read it whole.
            NotAllowed: the caller is no admin, or it would reach beyond the caller's bound.
        """
        caller.require(Access.ADMIN)
        scope = caller.scope(request.scope)
        now = self._clock()
        secret = request.secret or self._secrets.new()
        if not secret.isascii() or not secret.isprintable() or " " in secret:
            raise InvalidRequest("A token is made of ASCII letters, digits and signs, without blanks")
        token = Token(
            id=self._new_id(),
            description=request.description,
            lookup=lookup_of(secret),
            token_hash=await self._secrets.hashed(secret),
            access=request.access,
            namespace=scope.namespace,
            user_id=scope.user_id,
            created_at=now,
            expires_at=None if request.expires_days is None else now + timedelta(days=request.expires_days),
            created_by=caller.name,
        )
        if not await self._store.add_token(token):
            raise InvalidRequest("This token is registered already: remove it first, or choose another")
        _note("added", token, caller)
        return Issued(token=token, secret=secret)

    async def list(self, *, caller: Caller = LOCAL) -> list[Token]:
        """Return the tokens, first made first."""
        caller.require(Access.ADMIN)
        return await self._store.tokens(caller.scope())

    async def show(self, named: str, *, caller: Caller = LOCAL) -> Token:
        """Return the token of an id or hash, or the only one whose id or hash begins so.

        Raises:
            TokenNotFound: there is none.
            AmbiguousToken: several begin so.
        """
        tokens = await self.list(caller=caller)
        whole = [token for token in tokens if named in {token.id, token.token_hash}]
        found = whole or [token for token in tokens if named and _begins(token, named)]
        if not found:
            raise TokenNotFound(named)
        if len(found) > 1:
            raise AmbiguousToken(named, [token.masked for token in found])
        return found[0]

    async def rotate(self, named: str, *, caller: Caller = LOCAL) -> Issued:
        """Give a token a new secret; the old one lets nobody in any more."""
        token = await self.show(named, caller=caller)
        secret = self._secrets.new()
        changed = {"lookup": lookup_of(secret), "token_hash": await self._secrets.hashed(secret)}
        renewed = token.model_copy(update=changed)
        if not await self._store.replace_token(renewed):
            raise TokenNotFound(named)
        _note("rotated", renewed, caller)
        return Issued(token=renewed, secret=secret)

    async def remove(self, named: str, *, caller: Caller = LOCAL) -> Token:
        """Remove a token: it lets nobody in any more."""
        token = await self.show(named, caller=caller)
        if not await self._store.remove_token(token.id):
            raise TokenNotFound(named)
        _note("removed", token, caller)
        return token


def _begins(token: Token, named: str) -> bool:
    return any(whole.startswith(named) for whole in (token.id, token.token_hash, token.token_hash.rpartition("$")[2]))


def _note(what: str, token: Token, caller: Caller) -> None:
    note(caller, f"token {what}: {token.masked} ({token.description!r}), access {token.access}", token.scope)
