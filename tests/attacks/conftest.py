"""An authenticator that trusts an issuer on this machine, and a clock that stands until a test moves it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

import pytest

from mcp_memory.auth.oauth2 import OAuth2Authenticator
from mcp_memory.auth.trust import ALGORITHMS, Trust
from mcp_memory.errors import IssuerUnavailable
from tests.attacks.issuer import AUDIENCE, Claims, Key, LocalIssuer
from tests.standing_clock import StandingClock

PEER = "192.0.2.7"

Claimed: TypeAlias = Callable[..., Claims]
Trusting: TypeAlias = Callable[..., OAuth2Authenticator]


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    """An issuer that publishes the first key."""
    issuer = LocalIssuer()
    issuer.publish(Key().jwk())
    yield issuer
    issuer.stop()


@pytest.fixture
def claims(issuer: LocalIssuer, clock: StandingClock) -> Claimed:
    """Return the claims of a token that is good, with changes; a change to None leaves a claim out."""

    def made(**changes: Any) -> Claims:
        at = int(clock().timestamp())
        usual = {"iss": issuer.url, "aud": AUDIENCE, "sub": "ana", "iat": at, "exp": at + 3600, "scope": "write"}
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    return made


@pytest.fixture
async def trusting(issuer: LocalIssuer, clock: StandingClock) -> AsyncIterator[Trusting]:
    """Return an authenticator for an issuer; all that were made are closed."""
    made = []

    def trusting(**changes: Any) -> OAuth2Authenticator:
        usual = {"issuer": issuer.url, "audiences": (AUDIENCE,), "algorithms": tuple(ALGORITHMS)}
        made.append(OAuth2Authenticator(Trust(**{**usual, **changes}), clock))
        return made[-1]

    yield trusting
    for authenticator in made:
        await authenticator.close()


@pytest.fixture
def authenticator(trusting: Trusting, issuer: LocalIssuer) -> OAuth2Authenticator:
    """Knows where the keys are, and takes only the usual algorithm."""
    return trusting(jwks_url=f"{issuer.url}/.well-known/jwks.json", algorithms=("RS256",))


async def unavailable(authenticator: OAuth2Authenticator, token: str) -> None:
    """See that nobody is let in, because nobody can be checked, and that no address is told."""
    with pytest.raises(IssuerUnavailable) as refused:
        await authenticator.identify(token, PEER)
    assert str(refused.value).startswith("Tokens cannot be checked now")
    assert not [part for part in ("127.0.0.1", "http", "well-known") if part in str(refused.value)]
