"""An issuer over HTTP: where its keys are, and which it publishes now.

It is asked from outside, by tokens that anybody may send, so it is asked in one way only: no redirect is followed, no
more is read than keys need, and no longer than a request may wait. Callers never hear where it is; the log says it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import httpx2

from mcp_memory.auth.trust import Trust
from mcp_memory.errors import IssuerUnavailable

logger = logging.getLogger(__name__)

Jwk: TypeAlias = Mapping[str, Any]

PATIENCE_SECONDS = 5.0
MOST_BYTES = 512 * 1024
UNAVAILABLE = "Tokens cannot be checked now, because the keys of their issuer cannot be had; try again in a moment"


class Issuer:
    """Knows the keys that an issuer publishes."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        if not _is_safe(trust.jwks_url or trust.issuer):
            logger.warning(
                "the keys of the issuer come over an open line: whoever is between it and this server can let anybody "
                "in; use https in OAUTH2_ISSUER_URL and OAUTH2_JWKS_URL"
            )
        # It logs each request; twice a minute is no news.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        # Whatever is unpacked could become much larger than what was read.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        self._client = httpx2.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS, follow_redirects=False)

    async def keys(self) -> Sequence[Jwk]:
        """Return the keys that it publishes now.

        Raises:
            IssuerUnavailable: they cannot be had.
        """
        with _answering(self._trust.jwks_url or self._trust.issuer):
            async with asyncio.timeout(PATIENCE_SECONDS):
                document = await self._document(self._trust.jwks_url or await self._address())
            if document is None:
                raise ValueError("there is nothing at this address (404)")
            keys = document.get("keys")
            if not isinstance(keys, list):
                raise ValueError("what it answers holds no list of keys")  # noqa: TRY004 - their data, not our call
            return [key for key in keys if isinstance(key, dict)]

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.aclose()

    async def _address(self) -> str:
        """Return where the keys are, as the issuer's own metadata says it."""
        for url in _metadata(self._trust.issuer):
            if (document := await self._document(url)) is not None:
                return self._checked(document)
        return f"{self._trust.issuer.rstrip('/')}/.well-known/jwks.json"

    def _checked(self, metadata: Mapping[str, Any]) -> str:
        if metadata.get("issuer") != self._trust.issuer:
            raise ValueError(f"its metadata is that of another issuer, {str(metadata.get('issuer'))[:200]!r}")
        address = metadata.get("jwks_uri")
        allowed = ("https://",) if self._trust.issuer.startswith("https:") else ("https://", "http://")
        if not isinstance(address, str) or not address.startswith(allowed):
            raise ValueError("its metadata names no address for its keys (jwks_uri) that is as safe as its own")
        return address

    async def _document(self, url: str) -> dict[str, Any] | None:
        """Return the JSON object at an address; None if there is nothing."""
        body = bytearray()
        async with self._client.stream("GET", url) as response:
            if response.status_code == httpx2.codes.NOT_FOUND:
                return None
            if response.status_code != httpx2.codes.OK:
                raise ValueError(f"it answers with status {response.status_code}")
            async for part in response.aiter_raw():
                body += part
                if len(body) > MOST_BYTES:
                    raise ValueError(f"it answers with more than {MOST_BYTES} bytes")
        found = json.loads(body)
        if not isinstance(found, dict):
            raise ValueError("it answers with JSON that is no object")  # noqa: TRY004 - the same
        return found


def _is_safe(address: str) -> bool:
    """Say whether nobody on the way can put other keys into an answer from this address."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        on_this_machine = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        on_this_machine = False
    return parts.scheme == "https" or on_this_machine


def _metadata(issuer: str) -> Iterator[str]:
    """Yield where an issuer's metadata may be: OpenID Connect appends to its path, RFC 8414 puts it before the path."""
    parts = urlsplit(issuer.rstrip("/"))
    yield f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    yield urlunsplit(parts._replace(path=f"/.well-known/oauth-authorization-server{parts.path}"))


@contextmanager
def _answering(address: str) -> Iterator[None]:
    """Turn whatever keeps an issuer from answering, or is wrong with its answer, into our error."""
    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
        said = str(error) or type(error).__name__
        logger.warning("the keys of the issuer cannot be had from %s: %s", address, said)
        raise IssuerUnavailable(UNAVAILABLE) from error
