"""Access tokens: what is kept of one, which is never the secret itself."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from mcp_memory.domain.access import Access, Caller
from mcp_memory.domain.moments import Moment
from mcp_memory.domain.records import Record
from mcp_memory.domain.scope import Scope

SHORTEST, LONGEST = 32, 72
"""Characters of a secret: fewer could be guessed, and bcrypt reads no more bytes."""
_LOOKUP_BYTES = 8
_SHOWN = 8
"""Characters of a hash at either end that are shown."""
_NAMED = 6
"""Characters of its id by which a token is told from others of the same description."""


class TokenStatus(StrEnum):
    """Whether a token lets anybody in."""

    ACTIVE = "Active"
    EXPIRED = "EXPIRED"
    NEVER_EXPIRES = "Never Expires"


class Token(Record):
    """What is kept of an access token."""

    id: str
    description: str
    lookup: str
    """By this it is found when its secret is shown; it tells too little of the secret to guess it."""
    token_hash: str
    """The secret's bcrypt hash."""
    access: Access = Access.WRITE
    namespace: str | None = None
    user_id: str | None = None
    created_at: Moment
    expires_at: Moment | None = None
    created_by: str | None = None
    """Who made it; None for whoever sat at this machine."""

    @property
    def scope(self) -> Scope:
        """What its bearer cannot leave."""
        return Scope(self.namespace, self.user_id)

    @property
    def caller(self) -> Caller:
        """Who its bearer is."""
        return Caller(f"{self.description} ({self.id[-_NAMED:]})", self.access, bound=self.scope)

    @property
    def masked(self) -> str:
        """The hash as it is shown to people."""
        return f"{self.token_hash[:_SHOWN]}...{self.token_hash[-_SHOWN:]}"

    def expired_by(self, moment: datetime) -> bool:
        """Say whether it lets nobody in any more at that moment."""
        return self.expires_at is not None and self.expires_at <= moment

    def status(self, moment: datetime) -> TokenStatus:
        """Return whether it lets anybody in at that moment, and whether that ends."""
        if self.expires_at is None:
            return TokenStatus.NEVER_EXPIRES
        return TokenStatus.EXPIRED if self.expired_by(moment) else TokenStatus.ACTIVE


def lookup_of(secret: str) -> str:
    """Return by what the token of a secret is found."""
    return blake2b(secret.encode(), digest_size=_LOOKUP_BYTES, person=b"mcp-mem token").hexdigest()
