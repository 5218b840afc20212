"""What the claims of a token mean, once its signature is known to be the issuer's: until when, for whom, and what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias, TypeGuard

from mcp_memory.auth.trust import Trust
from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import NotAllowed, NotAuthenticated

Claims: TypeAlias = Mapping[str, Any]

SKEW = timedelta(seconds=30)
"""How far the issuer's clock may be ahead of ours."""
LONGEST_NAME = 512
SCOPE_CLAIMS = ("scope", "scp", "permissions")
PREFIX = "memory:"
_LAST_MOMENT = 253_402_300_799
"""The end of the year 9999, in seconds."""


class Accepted(NamedTuple):
    """Whom a token names, and the second at which it ends."""

    caller: Caller
    expires: float


def accept(claims: Claims, trust: Trust, now: datetime) -> Accepted:
    """Return whom a token with these claims names.

    Raises:
        NotAuthenticated: the token is not for us, or not for now.
        NotAllowed: it lets nobody do anything here.
    """
    if claims.get("iss") != trust.issuer:
        raise _invalid("it comes from another issuer")
    if not set(_texts(claims.get("aud"))) & set(trust.audiences):
        raise _invalid("it is not made for this server (aud)")
    expires = _expiry(claims, now)
    name = claims.get("sub")
    if not _is_name(name):
        raise _invalid("it does not say whose it is (sub)")
    bound = Scope(_bound(claims, trust.namespace_claim), _bound(claims, trust.user_claim))
    return Accepted(Caller(name, _access(claims), bound), expires)


def _expiry(claims: Claims, now: datetime) -> float:
    """Return the second at which a token ends that is valid now."""
    at, early = now.timestamp(), (now + SKEW).timestamp()
    expires = _moment(claims, "exp")
    if expires <= at:
        raise NotAuthenticated("Token has expired")
    if _moment(claims, "iat") > early or ("nbf" in claims and _moment(claims, "nbf") > early):
        raise _invalid("it is not valid yet")
    return expires


def _moment(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid(f"it has no moment in {name}")
    # Neither endless nor not a number is between these two.
    if not 0 <= value <= _LAST_MOMENT:
        raise _invalid(f"its {name} is no moment")
    return value


def _access(claims: Claims) -> Access:
    """Return the most that the scopes of a token allow."""
    given = {scope.removeprefix(PREFIX) for claim in SCOPE_CLAIMS for scope in _scopes(claims.get(claim))}
    for access in reversed(Access):
        if access in given:
            return access
    names = ", ".join(f"{access} or {PREFIX}{access}" for access in Access)
    raise NotAllowed(f"Insufficient permissions. The token has none of the scopes {names}", needs=Access.READ)


def _bound(claims: Claims, claim: str | None) -> str | None:
    """Return what a token is bound to by a claim; None if the settings name no claim."""
    if claim is None:
        return None
    value = claims.get(claim)
    if not _is_name(value):
        raise NotAllowed(f"The token has no usable claim {claim!r}, and this server binds callers by it")
    return value


def _scopes(value: Any) -> Iterator[str]:
    for text in _texts(value):
        yield from text.split()


def _texts(value: Any) -> list[str]:
    """Return the texts of a claim that is a text or a list of them."""
    if isinstance(value, str):
        return [value]
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _is_name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= len(value) <= LONGEST_NAME


def _invalid(why: str) -> NotAuthenticated:
    return NotAuthenticated(f"Invalid JWT: {why}")
