"""Whom we trust: the issuer, for whom its tokens must be made, and how they must be signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class KeyKind(NamedTuple):
    """What a key must be for an algorithm, in the words of a JWK."""

    kty: str
    crv: str | None = None


ALGORITHMS: Mapping[str, KeyKind] = {
    **{f"{family}{bits}": KeyKind("RSA") for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": KeyKind("EC", "P-256"),
    "ES384": KeyKind("EC", "P-384"),
    "ES512": KeyKind("EC", "P-521"),
    "ES256K": KeyKind("EC", "secp256k1"),
    "EdDSA": KeyKind("OKP", "Ed25519"),
}
"""Every algorithm that may be accepted. All use a key pair: an issuer publishes no secret that both sides know."""


@dataclass(frozen=True, slots=True)
class Trust:
    """An issuer, and what its tokens must say to count here."""

    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...] = ("RS256",)
    jwks_url: str | None = None
    """Where its keys are; if None, the issuer says it itself."""
    user_claim: str | None = None
    """The claim that holds the only user whose memories the token reaches."""
    namespace_claim: str | None = None
    """The claim that holds the only namespace that it reaches."""
