"""Authentication by tokens of our own, whose hashes are in the store.

Each request looks the token up anew, which is one indexed read: a token that was removed or has expired lets nobody in
from then on, in no process. What is remembered is only that the secret fitted the hash, since to see that takes long.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple, NoReturn

from mcp_memory.auth.attempts import Attempts
from mcp_memory.domain.access import Caller
from mcp_memory.domain.tokens import LONGEST, Token, lookup_of
from mcp_memory.errors import NotAuthenticated
from mcp_memory.ports.given import Clock
from mcp_memory.ports.tokens import Secrets, TokenStore

REMEMBERED = timedelta(minutes=15)
"""After so long without use a secret is checked again."""
MOST_REMEMBERED = 4_096
INVALID = "Invalid token"
EXPIRED = "Token has expired"


class _Fitted(NamedTuple):
    """The hash that a secret fitted, and until when that is remembered."""

    token_hash: str
    until: datetime


class TokenAuthenticator:
    """Knows callers by tokens of our own."""

    def __init__(self, store: TokenStore, fitting: Secrets, clock: Clock, attempts: Attempts) -> None:
        self._store = store
        self._secrets = fitting
        self._clock = clock
        self._attempts = attempts
        # Whoever reads this memory finds no secret in it, nor a digest that could be compared with one.
        self._key = secrets.token_bytes(32)
        self._fitted: OrderedDict[bytes, _Fitted] = OrderedDict()
        self._checking: dict[bytes, asyncio.Task[bool]] = {}

    async def identify(self, credentials: str | None, peer: str) -> Caller:
        if not credentials:
            raise NotAuthenticated("Missing bearer token")
        if len(credentials) > LONGEST or not credentials.isascii():
            self._refuse(peer, INVALID)
        digest = hashlib.blake2b(credentials.encode(), key=self._key, digest_size=32).digest()
        token = await self._store.token(lookup_of(credentials))
        if token is None or not self._remembers(digest, token):
            # Whoever is known already is not kept out by others behind the same address.
            self._attempts.check(peer)
            # An unknown token is refused at once: a secret of chance is not found by how long that takes.
            if token is None or not await self._fits(credentials, digest, token):
                self._refuse(peer, INVALID)
            self._attempts.succeeded(peer)
        if token.expired_by(self._clock()):
            raise NotAuthenticated(EXPIRED)
        return token.caller

    async def close(self) -> None:
        for task in self._checking.values():
            task.cancel()

    def _refuse(self, peer: str, why: str) -> NoReturn:
        self._attempts.check(peer)
        self._attempts.failed(peer)
        raise NotAuthenticated(why)

    def _remembers(self, digest: bytes, token: Token) -> bool:
        fitted = self._fitted.get(digest)
        if fitted is None:
            return False
        if fitted.until <= self._clock() or fitted.token_hash != token.token_hash:
            del self._fitted[digest]
            return False
        self._remember(digest, token)
        return True

    def _remember(self, digest: bytes, token: Token) -> None:
        self._fitted[digest] = _Fitted(token.token_hash, self._clock() + REMEMBERED)
        self._fitted.move_to_end(digest)
        if len(self._fitted) > MOST_REMEMBERED:
            self._fitted.popitem(last=False)

    async def _fits(self, secret: str, digest: bytes, token: Token) -> bool:
        """Say whether the secret fits the token's hash; all who ask at once wait for one answer."""
        task = self._checking.get(digest)
        if task is None:
            task = self._checking[digest] = asyncio.create_task(self._checked(secret, digest, token))
        # Whoever stops waiting does not stop it for the others.
        return await asyncio.shield(task)

    async def _checked(self, secret: str, digest: bytes, token: Token) -> bool:
        """Check the secret, and remember that it fits before anybody could ask again."""
        try:
            fits = await self._secrets.matches(secret, token.token_hash)
        finally:
            del self._checking[digest]
        if fits:
            self._remember(digest, token)
        return fits
