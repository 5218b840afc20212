"""Authentication by the signed tokens of an issuer (JWT), with the keys that it publishes now.

What is believed of a token before its signature was checked is only what leads to a refusal, and the id of the key.
Headers that bring a key or say where one is (``jwk``, ``jku``, ``x5u``, ``x5c``) are not looked at.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import OrderedDict
from typing import Any, NamedTuple

from jwt import PyJWK, PyJWS
from jwt.exceptions import InvalidSignatureError, PyJWTError

from mcp_memory.auth.claims import Accepted, accept
from mcp_memory.auth.issuer import Issuer, Jwk
from mcp_memory.auth.jwks import IssuerKeys, KeySet
from mcp_memory.auth.trust import Trust
from mcp_memory.domain.access import Caller
from mcp_memory.errors import NotAuthenticated
from mcp_memory.ports.given import Clock

LONGEST_TOKEN = 16 * 1024
MOST_REMEMBERED = 4096
TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""What a token may say it is; an issuer signs other things with the same keys, such as notices of a logout."""


class _Known(NamedTuple):
    """A token that was verified, by keys that counted then."""

    accepted: Accepted
    keys: KeySet


class OAuth2Authenticator:
    """Knows callers by the tokens of one issuer."""

    def __init__(self, trust: Trust, clock: Clock) -> None:
        self._trust = trust
        self._clock = clock
        self._issuer = Issuer(trust)
        self._keys = IssuerKeys(self._issuer.keys, clock)
        self._jws = PyJWS(algorithms=list(trust.algorithms), options={"enforce_minimum_key_length": True})
        # Whoever reads this memory finds no token in it, nor a digest that could be compared with one.
        self._secret = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def identify(self, credentials: str | None, peer: str) -> Caller:  # noqa: ARG002 - it costs nothing to fail
        if not credentials:
            raise NotAuthenticated("Missing bearer token")
        if len(credentials) > LONGEST_TOKEN or not credentials.isascii():
            raise NotAuthenticated("Invalid token: it is too long, or holds what no token holds")
        digest = hashlib.blake2b(credentials.encode(), key=self._secret, digest_size=32).digest()
        return self._remembered(digest) or await self._verified(credentials, digest)

    async def close(self) -> None:
        await self._keys.close()
        await self._issuer.close()

    def _remembered(self, digest: bytes) -> Caller | None:
        """Return whom a token names that was verified with the keys that still count."""
        known = self._known.get(digest)
        if known is None:
            return None
        if known.keys is not self._keys.current() or known.accepted.expires <= self._clock().timestamp():
            del self._known[digest]
            return None
        self._known.move_to_end(digest)
        return known.accepted.caller

    async def _verified(self, token: str, digest: bytes) -> Caller:
        kid, algorithm = self._header(token)
        keys, key = await self._keys.find(kid, algorithm)
        if key is None:
            raise NotAuthenticated("Unable to find matching public key for the kid of the token")
        accepted = accept(self._claims(token, key, algorithm), self._trust, self._clock())
        self._known[digest] = _Known(accepted, keys)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return accepted.caller

    def _header(self, token: str) -> tuple[str, str]:
        """Return which key is to check a token, and how."""
        try:
            header = self._jws.get_unverified_header(token)
        except PyJWTError as error:
            raise NotAuthenticated("Invalid token header") from error
        kid, algorithm, kind = header.get("kid"), header.get("alg"), header.get("typ", "JWT")
        if algorithm not in self._trust.algorithms:
            raise NotAuthenticated("Invalid JWT: it is signed in a way that is not accepted (alg)")
        if "crit" in header:
            raise NotAuthenticated("Invalid JWT: it demands what is not understood here (crit)")
        if not isinstance(kind, str) or kind.lower() not in TYPES:
            raise NotAuthenticated("Invalid JWT: it is not an access token (typ)")
        if not kid:
            raise NotAuthenticated("Token missing key identifier (kid)")
        return kid, algorithm

    def _claims(self, token: str, key: Jwk, algorithm: str) -> dict[str, Any]:
        """Return what a token says that this key signed."""
        try:
            signed = self._jws.decode(token, PyJWK(dict(key), algorithm), algorithms=[algorithm])
            claims = json.loads(signed)
        except InvalidSignatureError as error:
            raise NotAuthenticated("Invalid JWT: its signature is not that of its issuer") from error
        except (PyJWTError, ValueError, RecursionError) as error:
            raise NotAuthenticated("Invalid JWT: it cannot be read") from error
        if not isinstance(claims, dict):
            raise NotAuthenticated("Invalid JWT: it cannot be read")
        return claims
