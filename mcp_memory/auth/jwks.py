"""The keys of an issuer: kept for as long as a withdrawn one may still count, and fetched once for all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from mcp_memory.auth.issuer import UNAVAILABLE, Jwk
from mcp_memory.auth.trust import ALGORITHMS
from mcp_memory.errors import IssuerUnavailable
from mcp_memory.ports.given import Clock

Fetch: TypeAlias = Callable[[], Awaitable[Sequence[Jwk]]]
"""Return the keys that the issuer publishes now, or raise IssuerUnavailable."""

LIFETIME = timedelta(seconds=60)
"""How long keys count after they were asked for, whatever happens."""
RENEWAL = timedelta(seconds=30)
"""The age at which they are asked for again, while the old ones still count."""
RETRY = timedelta(seconds=2)
"""How long after a failure nobody asks again."""
SEARCH = timedelta(seconds=10)
"""How often keys may be asked for only because a token names one that nobody knows; anybody can send such a token."""

_PRIVATE = frozenset({"d", "k", "p", "q"})


@dataclass(frozen=True, slots=True)
class KeySet:
    """What an issuer published at one moment."""

    keys: Sequence[Jwk]
    asked: datetime

    def find(self, kid: str, algorithm: str) -> Jwk | None:
        """Return the key of this id that may check signatures of this algorithm; None if there is none."""
        return next((key for key in self.keys if key.get("kid") == kid and _fits(key, algorithm)), None)


class IssuerKeys:
    """Knows the keys that count now."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: KeySet | None = None
        self._failed: datetime | None = None
        self._searched: datetime | None = None
        self._fetching: asyncio.Task[KeySet | None] | None = None

    def current(self) -> KeySet | None:
        """Return the keys that count now, and have them renewed in time; None if they must be waited for."""
        keys = self._keys
        if keys is None or not self._since(keys.asked, LIFETIME):
            return None
        if not self._since(keys.asked, RENEWAL) and not self._since(self._failed, RETRY):
            self._begin()
        return keys

    async def find(self, kid: str, algorithm: str) -> tuple[KeySet, Jwk | None]:
        """Return the keys that count now, and the one of this id among them that fits.

        Raises:
            IssuerUnavailable: there are none that count, and none can be had.
        """
        keys = self.current()
        if keys is None:
            keys = await self._fetched()
        elif keys.find(kid, algorithm) is None:
            keys = await self._searched_for(keys)
        return keys, keys.find(kid, algorithm)

    async def close(self) -> None:
        """Wait for nobody any more."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    async def _searched_for(self, keys: KeySet) -> KeySet:
        """Return newer keys, because one is missing in these; these, if that was done lately."""
        if not self._since(self._searched, SEARCH):
            self._searched = self._clock()
            return await self._fetched()
        if self._failed is not None:
            # It may be a new key, and nobody can say so: this is no reason to call its token wrong.
            raise IssuerUnavailable(UNAVAILABLE)
        return keys

    async def _fetched(self) -> KeySet:
        if self._since(self._failed, RETRY):
            raise IssuerUnavailable(UNAVAILABLE)
        # Whoever stops waiting does not stop the fetch: others wait for it too.
        keys = await asyncio.shield(self._begin())
        if keys is None:
            raise IssuerUnavailable(UNAVAILABLE)
        return keys

    def _begin(self) -> asyncio.Task[KeySet | None]:
        """Return the one fetch that is under way."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.get_running_loop().create_task(self._renew())
        return self._fetching

    async def _renew(self) -> KeySet | None:
        """Ask for the keys; None if they cannot be had, which the log has said."""
        asked = self._clock()
        try:
            self._keys = KeySet(await self._fetch(), asked)
        except IssuerUnavailable:
            self._failed = self._clock()
            return None
        self._failed = None
        return self._keys

    def _since(self, moment: datetime | None, limit: timedelta) -> bool:
        """Say whether a moment is less than this ago; a clock that was set back says nothing about it."""
        return moment is not None and timedelta(0) <= self._clock() - moment < limit


def _fits(key: Jwk, algorithm: str) -> bool:
    """Say whether a key is meant for checking signatures of an algorithm, and is the public half of a pair."""
    kind = ALGORITHMS[algorithm]
    return (
        key.get("kty") == kind.kty
        and key.get("crv") == kind.crv
        and key.get("use", "sig") == "sig"
        and "verify" in _operations(key)
        and key.get("alg", algorithm) == algorithm
        # Whose private half is published as well can be used by everybody.
        and not _PRIVATE & set(key)
    )


def _operations(key: Mapping[str, object]) -> Sequence[object]:
    named = key.get("key_ops", ["verify"])
    return named if isinstance(named, list) else []
