"""What lets callers in is the one that the settings mean."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mcp_memory.bootstrap import open_authenticator, open_memory
from mcp_memory.config import Settings, read_settings
from mcp_memory.domain.access import LOCAL, Access, Caller
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import ConfigurationError, NotAuthenticated
from mcp_memory.services.memory import Memory
from mcp_memory.services.tokens import AddToken
from tests.attacks.conftest import PEER
from tests.attacks.issuer import AUDIENCE, Key, LocalIssuer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("empty_environment")]


def settings(**given: Any) -> Settings:
    return read_settings(memory_store_url="ephemeral://", embedding_model="hashing", **given)


@pytest.fixture
async def memory() -> AsyncIterator[Memory]:
    memory = await open_memory(settings())
    yield memory
    await memory.close()


async def test_without_settings_everybody_is_whoever_sits_at_this_machine(memory: Memory) -> None:
    authenticator = open_authenticator(settings(), memory)
    for shown in (None, "", "x"):
        assert await authenticator.identify(shown, PEER) is LOCAL
    await authenticator.close()


async def test_a_token_of_our_own_opens_the_door_where_tokens_are_meant(memory: Memory) -> None:
    made = await memory.tokens.add(AddToken(description="laptop", access=Access.READ, namespace="home"))
    authenticator = open_authenticator(settings(token_auth_enabled=True), memory)
    caller = await authenticator.identify(made.secret, PEER)
    assert (caller.access, caller.bound) == (Access.READ, Scope("home"))
    with pytest.raises(NotAuthenticated):
        await authenticator.identify("x" * 43, PEER)
    await authenticator.close()


async def test_the_settings_of_an_issuer_are_what_counts(memory: Memory, issuer: LocalIssuer) -> None:
    key = Key(algorithm="PS256")
    issuer.publish(key.jwk())
    issuer.answers["/certs"] = issuer.answers.popitem()[1]
    given = settings(
        auth_mode="oauth2",
        oauth2_issuer_url=issuer.url,
        oauth2_audience=f"other,{AUDIENCE}",
        oauth2_jwks_url=f"{issuer.url}/certs",
        oauth2_algorithms="PS256",
        oauth2_user_claim="email",
        oauth2_namespace_claim="tenant",
    )
    authenticator = open_authenticator(given, memory)
    at = int(time.time())
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "7", "iat": at, "exp": at + 60, "scope": "read"}
    claims |= {"email": "ana@acme", "tenant": "acme"}
    caller = await authenticator.identify(key.sign(claims), PEER)
    assert caller == Caller("7", Access.READ, bound=Scope("acme", "ana@acme"))
    with pytest.raises(NotAuthenticated, match=r"\(alg\)"):
        await authenticator.identify(Key().sign(claims), PEER)
    await authenticator.close()


async def test_what_cannot_be_done_as_it_is_set_is_not_opened(memory: Memory) -> None:
    with pytest.raises(ConfigurationError, match="OAUTH2_AUDIENCE"):
        open_authenticator(settings(auth_mode="oauth2", oauth2_issuer_url="https://issuer.example"), memory)
