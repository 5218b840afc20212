"""What an issuer answers, and where its keys are: nothing else than its own keys, from its own place, is believed."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from mcp_memory.auth.issuer import MOST_BYTES, Issuer
from mcp_memory.auth.oauth2 import OAuth2Authenticator
from mcp_memory.auth.trust import Trust
from tests.attacks.conftest import PEER, Claimed, Trusting, unavailable
from tests.attacks.issuer import JWKS, Answer, Key, LocalIssuer
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio
OPENID = "/.well-known/openid-configuration"
RFC_8414 = "/.well-known/oauth-authorization-server"


def json_answer(content: Any, **more: Any) -> Answer:
    return Answer(json.dumps(content).encode(), **more)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"<html>login</html>"),
        Answer(b""),
        Answer(b"\xff\xfe"),
        Answer(b'{"keys": ' + b"[" * 100_000),
        json_answer([]),
        json_answer({}),
        json_answer({"keys": {"kid": "first"}}),
        json_answer({"keys": [], "more": "x" * MOST_BYTES}),
        json_answer({"keys": []}, status=201),
        Answer(status=404),
        Answer(status=500),
        Answer(b"{}", headers={"Content-Length": "x"}),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:20]!r}",
)
async def test_an_answer_that_holds_no_keys_is_no_reason_to_call_a_token_wrong(
    answer: Answer, authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer, clock: StandingClock
) -> None:
    issuer.answers[JWKS] = answer
    await unavailable(authenticator, Key().sign(claims()))
    issuer.publish(Key().jwk())
    clock.advance(seconds=2)
    assert (await authenticator.identify(Key().sign(claims()), PEER)).name == "ana"


async def test_the_log_says_where_the_keys_should_be_and_what_is_wrong(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    issuer.answers[JWKS] = Answer(status=500)
    token = Key().sign(claims())
    await unavailable(authenticator, token)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert said == [f"the keys of the issuer cannot be had from {issuer.url}{JWKS}: it answers with status 500"]


async def test_a_redirect_to_other_keys_is_not_followed(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    evil = LocalIssuer()
    evil.publish(Key().jwk())
    issuer.answers[JWKS] = Answer(status=302, headers={"Location": f"{evil.url}{JWKS}"})
    try:
        await unavailable(authenticator, Key().sign(claims()))
    finally:
        evil.stop()
    assert evil.asked == []


@pytest.mark.parametrize("path", ["", "/", "/realms/acme"])
@pytest.mark.parametrize("place", [OPENID, RFC_8414, None])
async def test_the_issuer_says_itself_where_its_keys_are(
    path: str, place: str | None, trusting: Trusting, claims: Claimed, issuer: LocalIssuer
) -> None:
    named, under = issuer.url + path, path.rstrip("/")
    keys = issuer.answers.pop(JWKS)
    where = under + JWKS if place is None else "/certs"
    issuer.answers[where] = keys
    if place is not None:
        metadata = json_answer({"issuer": named, "jwks_uri": f"{issuer.url}/certs"})
        issuer.answers[under + place if place == OPENID else place + under] = metadata
    assert (await trusting(issuer=named).identify(Key().sign(claims(iss=named)), PEER)).name == "ana"
    assert issuer.asked == [under + OPENID, RFC_8414 + under, where] if place is None else issuer.asked[-1] == where


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example", "jwks_uri": "{issuer}/certs"},
        {"jwks_uri": "{issuer}/certs"},
        {"issuer": "{issuer}"},
        {"issuer": "{issuer}", "jwks_uri": "file:///etc/passwd"},
        {"issuer": "{issuer}", "jwks_uri": 7},
        {"issuer": "{issuer}", "jwks_uri": "http://[::1/certs"},
        [],
    ],
)
async def test_metadata_that_is_not_the_issuers_own_is_not_believed(
    metadata: Any, trusting: Trusting, claims: Claimed, issuer: LocalIssuer
) -> None:
    issuer.answers["/certs"] = issuer.answers[JWKS]
    issuer.answers[OPENID] = Answer(json.dumps(metadata).replace("{issuer}", issuer.url).encode())
    await unavailable(trusting(), Key().sign(claims()))
    assert issuer.asked == [OPENID]


async def test_a_safe_issuer_cannot_send_us_for_its_keys_over_an_open_line() -> None:
    issuer = Issuer(Trust("https://issuer.example", ("us",)))
    metadata = {"issuer": "https://issuer.example", "jwks_uri": "http://issuer.example/certs"}
    with pytest.raises(ValueError, match="as safe as its own"):
        issuer._checked(metadata)
    assert issuer._checked({**metadata, "jwks_uri": "https://cdn.example/certs"}) == "https://cdn.example/certs"
    await issuer.close()


@pytest.mark.parametrize(
    ("issuer_url", "jwks_url", "warned"),
    [
        ("https://issuer.example", None, False),
        ("http://issuer.example", "https://issuer.example/certs", False),
        ("http://localhost:8080/realms/x", None, False),
        ("http://[::1]:8080", None, False),
        ("http://issuer.example", None, True),
        ("https://issuer.example", "http://127.0.0.1.example/certs", True),
    ],
)
async def test_keys_over_an_open_line_are_warned_of(
    issuer_url: str, jwks_url: str | None, caplog: pytest.LogCaptureFixture, *, warned: bool
) -> None:
    await Issuer(Trust(issuer_url, ("us",), jwks_url=jwks_url)).close()
    assert ("over an open line" in caplog.text) is warned
