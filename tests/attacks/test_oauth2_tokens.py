"""Tokens that must not open the door, each nearly good: signed by the issuer, or made of a token that was."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mcp_memory.auth.oauth2 import LONGEST_TOKEN, MOST_REMEMBERED, OAuth2Authenticator
from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import NotAllowed, NotAuthenticated
from tests.attacks.conftest import PEER, Claimed, Trusting
from tests.attacks.issuer import AUDIENCE, JWKS, Key, LocalIssuer, encoded, segment
from tests.standing_clock import StandingClock

pytestmark = pytest.mark.anyio


async def refusal(authenticator: OAuth2Authenticator, token: str | None) -> str:
    """Return what is said to whoever shows a token that must not open the door."""
    with pytest.raises(NotAuthenticated) as refused:
        await authenticator.identify(token, PEER)
    said = str(refused.value)
    assert not token or len(token) < 8 or token not in said
    return said


async def test_a_good_token_says_who_asks_and_what_they_may_do(
    authenticator: OAuth2Authenticator, claims: Claimed
) -> None:
    token = Key().sign(claims())
    assert await authenticator.identify(token, PEER) == Caller("ana", Access.WRITE)
    assert await authenticator.identify(token, PEER) == Caller("ana", Access.WRITE)


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"])
async def test_each_algorithm_of_the_setting_is_understood(
    algorithm: str, trusting: Trusting, claims: Claimed, issuer: LocalIssuer
) -> None:
    key = Key(algorithm=algorithm)
    issuer.publish(key.jwk())
    assert (await trusting().identify(key.sign(claims()), PEER)).name == "ana"
    others = tuple({"RS384", "ES256K"} - {algorithm})
    assert "(alg)" in await refusal(trusting(algorithms=others), key.sign(claims()))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, 0, ["RS256"], {"RS256": 1}])
async def test_an_unsigned_token_is_refused(
    algorithm: Any, authenticator: OAuth2Authenticator, claims: Claimed
) -> None:
    good = Key().sign(claims(scope="admin"))
    header = segment({"typ": "JWT", "kid": "first", "alg": algorithm})
    for signature in ("", good.split(".")[2]):
        assert "(alg)" in await refusal(authenticator, f"{header}.{good.split('.')[1]}.{signature}")


@pytest.mark.parametrize("algorithm", ["HS256", "RS256"])
async def test_a_public_key_is_no_secret_to_sign_with(
    algorithm: str, trusting: Trusting, claims: Claimed, issuer: LocalIssuer
) -> None:
    """Whoever takes the key as the secret of an HMAC can sign as well as the issuer."""
    public = Key().private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    issuer.publish(Key().jwk(), {"kty": "oct", "k": encoded(b"x" * 64), "kid": "shared"})
    signed = f"{segment({'typ': 'JWT', 'kid': 'first', 'alg': algorithm})}.{segment(claims())}"
    for secret in (pem, pem.strip(), der, json.dumps(Key().jwk()).encode(), b""):
        signature = encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())
        await refusal(trusting(), f"{signed}.{signature}")
    shared = f"{segment({'typ': 'JWT', 'kid': 'shared', 'alg': algorithm})}.{segment(claims())}"
    await refusal(trusting(), f"{shared}.{encoded(hmac.new(b'x' * 64, shared.encode(), hashlib.sha256).digest())}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"iss": ["{issuer}"]}, "another issuer"),
        ({"iss": "{issuer}/"}, "another issuer"),
        ({"iss": "{issuer}.evil.example"}, "another issuer"),
        ({"aud": "https://other.example"}, "(aud)"),
        ({"aud": None}, "(aud)"),
        ({"aud": []}, "(aud)"),
        ({"aud": ""}, "(aud)"),
        ({"aud": AUDIENCE + "/"}, "(aud)"),
        ({"aud": AUDIENCE[:-1]}, "(aud)"),
        ({"aud": [AUDIENCE.upper(), "https://other.example"]}, "(aud)"),
        ({"aud": {AUDIENCE: True}}, "(aud)"),
        ({"aud": [[AUDIENCE]]}, "(aud)"),
        ({"sub": None}, "(sub)"),
        ({"sub": ""}, "(sub)"),
        ({"sub": "  "}, "(sub)"),
        ({"sub": 7}, "(sub)"),
        ({"sub": ["ana"]}, "(sub)"),
        ({"sub": "ana\nadmin"}, "(sub)"),
        ({"sub": "a" * 513}, "(sub)"),
    ],
)
async def test_a_token_of_another_or_for_another_is_refused(
    changes: dict[str, Any], said: str, authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    named = json.loads(json.dumps(changes).replace("{issuer}", issuer.url))
    assert said in await refusal(authenticator, Key().sign(claims(**named)))


@pytest.mark.parametrize(
    ("claim", "seconds", "said"),
    [
        ("exp", 0, "expired"),
        ("exp", -1, "expired"),
        ("exp", -31_536_000, "expired"),
        ("iat", 31, "not valid yet"),
        ("iat", 300, "not valid yet"),
        ("nbf", 31, "not valid yet"),
        ("nbf", 31_536_000, "not valid yet"),
    ],
)
async def test_a_token_of_another_time_is_refused(
    claim: str, seconds: int, said: str, authenticator: OAuth2Authenticator, claims: Claimed, clock: StandingClock
) -> None:
    at = clock().timestamp() + seconds
    assert said in await refusal(authenticator, Key().sign(claims(**{claim: at})))


async def test_an_issuer_whose_clock_is_a_little_ahead_is_believed(
    authenticator: OAuth2Authenticator, claims: Claimed, clock: StandingClock
) -> None:
    at = clock().timestamp()
    token = Key().sign(claims(iat=at + 30, nbf=at + 29.5, exp=at + 0.5))
    assert (await authenticator.identify(token, PEER)).name == "ana"


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "written", ["null", '"9999999999"', "true", "NaN", "Infinity", "-Infinity", "-1", "1e400", "1" + "0" * 400, "[1]"]
)
async def test_a_moment_that_is_none_is_refused(
    claim: str, written: str, authenticator: OAuth2Authenticator, claims: Claimed
) -> None:
    """A comparison with NaN is never true, and an endless token never ends."""
    text = json.dumps(claims(**{claim: "HERE"})).replace('"HERE"', written)
    assert claim in await refusal(authenticator, Key().sign(text))


@pytest.mark.parametrize("claim", ["exp", "iat"])
async def test_a_token_that_never_ends_or_never_began_is_refused(
    claim: str, authenticator: OAuth2Authenticator, claims: Claimed
) -> None:
    assert claim in await refusal(authenticator, Key().sign(claims(**{claim: None})))


async def test_a_token_that_was_good_ends_when_it_says(
    authenticator: OAuth2Authenticator, claims: Claimed, clock: StandingClock
) -> None:
    token = Key().sign(claims(exp=int(clock().timestamp()) + 20))
    await authenticator.identify(token, PEER)
    clock.advance(seconds=20)
    assert "expired" in await refusal(authenticator, token)


async def test_no_change_of_a_single_character_is_let_through(
    authenticator: OAuth2Authenticator, claims: Claimed
) -> None:
    token = Key().sign(claims())
    await authenticator.identify(token, PEER)
    for position, old in enumerate(token):
        for new in {"A", "b", "_", "=", ".", "\n"} - {old}:
            await refusal(authenticator, token[:position] + new + token[position + 1 :])


async def test_claims_that_the_signature_is_not_for_are_refused(
    authenticator: OAuth2Authenticator, claims: Claimed
) -> None:
    mine, admin = Key().sign(claims()), Key(number=2).sign(claims(scope="admin"))
    header, payload, signature = mine.split(".")
    forged = segment(claims(scope="admin"))
    assert "signature" in await refusal(authenticator, f"{header}.{forged}.{signature}")
    assert "signature" in await refusal(authenticator, admin)
    for cut in (
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}",
        f"{header}.{forged}.{encoded(b'0' * 256)}",
    ):
        await refusal(authenticator, cut)


@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["http://example.com/x"], [], "exp", {}, [1]])
async def test_a_header_that_demands_what_we_do_not_understand_is_refused(
    crit: Any, authenticator: OAuth2Authenticator, claims: Claimed
) -> None:
    await refusal(authenticator, Key().sign(claims(), crit=crit, b64=True, exp=1, **{"http://example.com/x": 1}))


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "jwt", None])
async def test_an_access_token_may_say_that_it_is_one(
    typ: str | None, authenticator: OAuth2Authenticator, claims: Claimed
) -> None:
    assert (await authenticator.identify(Key().sign(claims(), typ=typ), PEER)).name == "ana"


@pytest.mark.parametrize("typ", ["logout+jwt", "dpop+jwt", "secevent+jwt", "", 7, ["JWT"]])
async def test_what_is_signed_for_another_purpose_is_refused(
    typ: Any, authenticator: OAuth2Authenticator, claims: Claimed
) -> None:
    assert "(typ)" in await refusal(authenticator, Key().sign(claims(), typ=typ))


@pytest.mark.parametrize("kid", [None, "", 7, ["first"]])
async def test_a_token_that_names_no_key_is_refused(
    kid: Any, authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    issuer.publish(Key().jwk(kid=None), Key().jwk(kid=""), Key().jwk(kid=7))
    await refusal(authenticator, Key().sign(claims(), kid=kid))
    assert issuer.asked == []


async def test_a_key_that_a_token_brings_or_points_to_is_not_looked_at(
    authenticator: OAuth2Authenticator, claims: Claimed, issuer: LocalIssuer
) -> None:
    evil, mine = LocalIssuer(), Key("first", number=2)
    evil.publish(mine.jwk())
    try:
        for header in (
            {"jwk": mine.jwk()},
            {"jku": f"{evil.url}{JWKS}", "kid": "first"},
            {"x5u": f"{evil.url}{JWKS}"},
            {"x5c": [encoded(b"certificate")]},
            {"jku": f"{evil.url}{JWKS}", "kid": "../../first"},
            {"iss": evil.url},
        ):
            await refusal(authenticator, mine.sign(claims(), **header))
        await refusal(authenticator, mine.sign(claims(iss=evil.url)))
    finally:
        evil.stop()
    assert evil.asked == []
    assert set(issuer.asked) == {JWKS}


@pytest.mark.parametrize(
    "token",
    [
        None, "", " ", ".", "..", "...", "a.b.c", "Bearer x", "!!!.###.$$$", "é.é.é", "\ud800.a.b", "\x00.\x00.\x00",
        "eyJhbGciOiJSUzI1NiJ9", "e30.e30.", "bnVsbA.e30.x", "W10.e30.AAAA", "IiI.e30.AAAA", "a.b.c.d.e", "====.====.=",
        segment("[" * 8000) + ".e30.AAAA", segment('{"alg":' * 900) + ".e30.AAAA", "MjAyNi0wNS0yMA", "amk_" + "x" * 43,
    ],
)  # fmt: skip
async def test_what_is_no_token_is_refused_before_anybody_is_asked(
    token: str | None, authenticator: OAuth2Authenticator, issuer: LocalIssuer
) -> None:
    await refusal(authenticator, token)
    assert issuer.asked == []


@pytest.mark.parametrize("payload", ["", "null", "[]", '"ana"', "7", "{", "[" * 9000, '{"a":' * 1500, "{'iss': 1}"])
async def test_a_signed_token_without_claims_is_refused(payload: str, authenticator: OAuth2Authenticator) -> None:
    assert "cannot be read" in await refusal(authenticator, Key().sign(payload))


async def test_a_huge_token_is_refused_before_it_is_read(authenticator: OAuth2Authenticator, claims: Claimed) -> None:
    short = len(Key().sign(claims(more="")))
    room = (LONGEST_TOKEN - short) * 3 // 4 - 4
    fits = Key().sign(claims(more="x" * room))
    assert len(fits) <= LONGEST_TOKEN
    assert (await authenticator.identify(fits, PEER)).name == "ana"
    assert "too long" in await refusal(authenticator, Key().sign(claims(more="x" * (room + 40))))
    assert "too long" in await refusal(authenticator, "a." * 10_000_000)


async def test_as_many_tokens_are_remembered_as_there_is_room_for_and_none_is_kept(
    trusting: Trusting, claims: Claimed, issuer: LocalIssuer
) -> None:
    key = Key(algorithm="EdDSA")
    issuer.publish(key.jwk())
    authenticator = trusting()
    first = key.sign(claims(sub="0"))
    for number in range(MOST_REMEMBERED + 2):
        await authenticator.identify(key.sign(claims(sub=str(number))), PEER)
    assert len(authenticator._known) == MOST_REMEMBERED
    assert (await authenticator.identify(first, PEER)).name == "0"
    kept = repr(vars(authenticator))
    assert first not in kept
    assert first.split(".")[2] not in kept
    assert hashlib.blake2b(first.encode(), digest_size=32).digest() not in authenticator._known


@pytest.mark.parametrize(
    ("changes", "access"),
    [
        ({"scope": "read"}, Access.READ),
        ({"scope": "openid memory:read profile"}, Access.READ),
        ({"scope": ["memory:read", "memory:write"]}, Access.WRITE),
        ({"scope": "read admin write"}, Access.ADMIN),
        ({"scope": None, "scp": ["write"]}, Access.WRITE),
        ({"scope": None, "scp": "memory:admin openid"}, Access.ADMIN),
        ({"scope": None, "permissions": ["memory:read", 7, None]}, Access.READ),
        ({"scope": "read", "permissions": ["memory:write"]}, Access.WRITE),
    ],
)
async def test_the_highest_scope_counts_wherever_it_stands(
    changes: dict[str, Any], access: Access, authenticator: OAuth2Authenticator, claims: Claimed
) -> None:
    assert (await authenticator.identify(Key().sign(claims(**changes)), PEER)).access == access


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": None},
        {"scope": ""},
        {"scope": "openid profile"},
        {"scope": "readwrite,admin"},
        {"scope": "Admin READ"},
        {"scope": "memory:memory:admin memory: other:admin admin:memory"},
        {"scope": {"admin": True}},
        {"scope": [["admin"]]},
        {"scope": None, "roles": ["admin"], "scopes": "admin"},
    ],
)
async def test_a_token_without_our_scopes_may_do_nothing(
    changes: dict[str, Any], authenticator: OAuth2Authenticator, claims: Claimed
) -> None:
    with pytest.raises(NotAllowed, match="memory:read") as refused:
        await authenticator.identify(Key().sign(claims(**changes)), PEER)
    assert refused.value.needs == "read"


async def test_a_caller_is_bound_by_the_claims_that_the_settings_name(trusting: Trusting, claims: Claimed) -> None:
    bound = trusting(user_claim="sub", namespace_claim="https://example.com/tenant")
    token = Key().sign(claims(**{"https://example.com/tenant": "acme"}))
    assert (await bound.identify(token, PEER)).bound == Scope("acme", "ana")
    assert (await trusting().identify(token, PEER)).bound == Scope()


@pytest.mark.parametrize("value", [None, "", " ", 7, True, ["acme"], {"id": "acme"}, "a\x00b", "x" * 513])
async def test_a_token_without_a_claim_that_binds_is_refused(value: Any, trusting: Trusting, claims: Claimed) -> None:
    """It would reach everything."""
    for setting in ("user_claim", "namespace_claim"):
        with pytest.raises(NotAllowed, match="'tenant'"):
            await trusting(**{setting: "tenant"}).identify(Key().sign(claims(tenant=value)), PEER)
