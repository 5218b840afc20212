"""The keys of an issuer: a withdrawn one stops, a new one works at once, and nobody can make us ask without end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from mcp_memory.auth.oauth2 import OAuth2Authenticator
from mcp_memory.errors import NotAuthenticated
from tests.attacks.conftest import PEER, Claimed, Trusting, unavailable
from tests.attacks.issuer import JWKS, Answer, Key, LocalIssuer
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


async def unknown(authenticator: OAuth2Authenticator, token: str) -> None:
    with pytest.raises(NotAuthenticated, match="Unable to find matching public key"):
        await authenticator.identify(token, PEER)


async def renewed(authenticator: OAuth2Authenticator) -> None:
    """Wait for the fetch that nobody else waits for."""
    fetching = authenticator._keys._fetching
    assert fetching is not None
    await asyncio.wait([fetching])


async def test_keys_are_fetched_once_for_many_tokens(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    for name in ("ana", "bob", "cy"):
        assert (await authenticator.identify(Key().sign(claims(sub=name)), PEER)).name == name
    assert issuer.asked == [JWKS]


async def test_requests_that_come_together_share_one_fetch(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    """One that goes away does not take the keys from the others."""
    issuer.hold()
    tasks = [
        asyncio.ensure_future(authenticator.identify(Key().sign(claims(sub=str(number))), PEER)) for number in range(50)
    ]
    await asyncio.to_thread(issuer.wait_until_reached)
    tasks[0].cancel()
    issuer.go_on()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert [caller.name for caller in found[1:] if not isinstance(caller, BaseException)] == list(
        map(str, range(1, 50))
    )
    assert issuer.asked == [JWKS]


async def test_the_loop_goes_on_while_the_issuer_thinks(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    issuer.hold()
    waiting = asyncio.ensure_future(authenticator.identify(Key().sign(claims()), PEER))
    await asyncio.to_thread(issuer.wait_until_reached)
    assert not waiting.done()
    issuer.go_on()
    assert (await waiting).name == "ana"


async def test_a_new_key_works_at_once(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    second = Key("second", number=2)
    await authenticator.identify(Key().sign(claims()), PEER)
    issuer.publish(Key().jwk(), second.jwk())
    assert (await authenticator.identify(second.sign(claims()), PEER)).name == "ana"
    assert issuer.asked == [JWKS] * 2


async def test_a_storm_of_unknown_keys_is_a_handful_of_fetches(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer, clock: StandingClock
) -> None:
    token = Key().sign(claims())
    await authenticator.identify(token, PEER)
    storm = [Key(f"unknown-{number}", number=2).sign(claims()) for number in range(200)]
    await asyncio.gather(*(unknown(authenticator, one) for one in storm))
    for one in storm:
        await unknown(authenticator, one)
    assert issuer.asked == [JWKS] * 2
    for _ in range(6):
        clock.advance(seconds=10)
        for one in storm[:20]:
            await unknown(authenticator, one)
    assert len(issuer.asked) <= 2 + 6 + 1
    assert (await authenticator.identify(token, PEER)).name == "ana"


async def test_the_first_token_of_all_is_no_reason_to_ask_twice(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    await unknown(authenticator, Key("unknown").sign(claims()))
    assert issuer.asked == [JWKS]


async def test_a_withdrawn_key_stops_within_a_minute(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer, clock: StandingClock
) -> None:
    """The token of it that was verified before stops as well."""
    token = Key().sign(claims())
    await authenticator.identify(token, PEER)
    issuer.publish(Key("second", number=2).jwk())
    clock.advance(seconds=60)
    await unknown(authenticator, token)


async def test_keys_are_renewed_in_time_and_nobody_waits_for_it(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer, clock: StandingClock
) -> None:
    token = Key().sign(claims())
    await authenticator.identify(token, PEER)
    issuer.publish(Key("second", number=2).jwk())
    issuer.hold()
    clock.advance(seconds=31)
    assert (await authenticator.identify(token, PEER)).name == "ana"
    issuer.go_on()
    await renewed(authenticator)
    assert issuer.asked == [JWKS] * 2
    await unknown(authenticator, token)


async def test_a_used_server_never_waits_for_keys_while_the_issuer_is_well(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer, clock: StandingClock
) -> None:
    token = Key().sign(claims())
    for _ in range(10):
        assert (await authenticator.identify(token, PEER)).name == "ana"
        issuer.go_on()
        await renewed(authenticator)
        issuer.hold()
        clock.advance(seconds=25)
    assert len(issuer.asked) == 5


async def test_keys_count_for_their_minute_when_the_issuer_is_gone_and_no_longer(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer, clock: StandingClock
) -> None:
    token = Key().sign(claims())
    await authenticator.identify(token, PEER)
    issuer.stop()
    clock.advance(seconds=59)
    assert (await authenticator.identify(token, PEER)).name == "ana"
    await renewed(authenticator)
    clock.advance(seconds=1)
    await unavailable(authenticator, token)
    await unavailable(authenticator, Key().sign(claims(sub="bob")))
    issuer.start()
    clock.advance(seconds=2)
    assert (await authenticator.identify(token, PEER)).name == "ana"
    for _ in range(3):
        await unknown(authenticator, Key("unknown").sign(claims()))


async def test_an_issuer_that_fails_is_not_asked_by_every_request(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer, clock: StandingClock
) -> None:
    issuer.answers[JWKS] = Answer(status=500)
    token = Key().sign(claims())
    for _ in range(3):
        await asyncio.gather(*(unavailable(authenticator, token) for _ in range(30)))
        for _ in range(30):
            await unavailable(authenticator, token)
        clock.advance(seconds=2)
    assert len(issuer.asked) == 3


async def test_an_issuer_that_fails_is_not_asked_by_every_request_while_its_keys_still_count(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer, clock: StandingClock
) -> None:
    token = Key().sign(claims())
    await authenticator.identify(token, PEER)
    issuer.answers[JWKS] = Answer(status=500)
    clock.advance(seconds=31)
    for _ in range(30):
        assert (await authenticator.identify(token, PEER)).name == "ana"
        await renewed(authenticator)
    assert issuer.asked == [JWKS] * 2


async def test_the_minute_of_a_key_begins_when_it_was_asked_for(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer, clock: StandingClock
) -> None:
    """What an issuer says late may have been true only long before."""
    token = Key().sign(claims())
    issuer.hold()
    waiting = asyncio.ensure_future(authenticator.identify(token, PEER))
    await asyncio.to_thread(issuer.wait_until_reached)
    clock.advance(seconds=25)
    issuer.go_on()
    await waiting
    issuer.publish(Key("second", number=2).jwk())
    clock.advance(seconds=35)
    await unknown(authenticator, token)


async def test_a_key_that_may_be_new_is_not_called_wrong_while_the_issuer_is_gone(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    await authenticator.identify(Key().sign(claims()), PEER)
    issuer.stop()
    for _ in range(3):
        await unavailable(authenticator, Key("second", number=2).sign(claims()))
    assert (await authenticator.identify(Key().sign(claims()), PEER)).name == "ana"


async def test_keys_of_the_future_are_fetched_anew(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer, clock: StandingClock
) -> None:
    """A clock that is set back would make them last."""
    token = Key().sign(claims(iat=0))
    await authenticator.identify(token, PEER)
    issuer.publish(Key("second", number=2).jwk())
    clock.advance(days=-1)
    await unknown(authenticator, token)


@pytest.mark.parametrize(
    ("key", "published"),
    [
        (Key(), Key().jwk(use="enc")),
        (Key(), Key().jwk(key_ops=["encrypt"])),
        (Key(), Key().jwk(key_ops="verify")),
        (Key(), Key().jwk(alg="RS512")),
        (Key(), Key().jwk(alg="RSA-OAEP")),
        (Key(), Key().jwk(kty="EC")),
        (Key(), Key().jwk(kty="oct", k="c2VjcmV0")),
        (Key(), Key(algorithm="ES256").jwk()),
        (Key(algorithm="ES256"), Key().jwk()),
        (Key(algorithm="ES256"), Key(algorithm="ES384").jwk()),
        (Key(algorithm="ES256"), Key(algorithm="ES384").jwk(crv="P-256")),
        (Key(algorithm="EdDSA"), Key(algorithm="ES256").jwk()),
        (Key(), Key().private_jwk()),
        (Key(), Key().jwk(n="AQAB")),
        (Key(), Key().jwk(n=5)),
        (Key(), Key().jwk(n=None)),
        (Key(), Key().jwk(e="AQ")),
        (Key(bits=1024), Key(bits=1024).jwk()),
    ],
)
async def test_a_key_for_something_else_checks_no_token(
    key: Key, published: Mapping[str, Any], trusting: Trusting, claims: Claimed, issuer: LocalIssuer
) -> None:
    issuer.publish(published)
    with pytest.raises(NotAuthenticated):
        await trusting().identify(key.sign(claims()), PEER)


async def test_of_two_keys_with_one_name_the_one_that_fits_checks_a_token(
    trusting: Trusting, claims: Claimed, issuer: LocalIssuer
) -> None:
    key = Key(algorithm="ES256")
    issuer.publish(Key().jwk(), Key(algorithm="ES384").jwk(), key.jwk(use="enc"), key.jwk())
    assert (await trusting().identify(key.sign(claims()), PEER)).name == "ana"


async def test_a_key_with_a_word_about_its_use_checks_tokens(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    issuer.publish(
        Key().jwk(use=None, key_ops=["verify"], alg="RS256", x5t="x", x5c=["AA"]), {"kty": "new"}, 7, ["x"], None
    )
    assert (await authenticator.identify(Key().sign(claims()), PEER)).name == "ana"


async def test_whoever_closes_waits_for_nobody(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    issuer.hold()
    waiting = asyncio.ensure_future(authenticator.identify(Key().sign(claims()), PEER))
    await asyncio.to_thread(issuer.wait_until_reached)
    await authenticator.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
