"""Access: who asks, what they may do, and the scope that they cannot leave."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from mcp_memory.domain.scope import OPEN, Scope
from mcp_memory.errors import NotAllowed


class Access(StrEnum):
    """What somebody may do; each includes those before it."""

    READ = "read"
    """Search, get, list, prompts."""
    WRITE = "write"
    """Create, edit, delete, sessions, undo of one's own."""
    ADMIN = "admin"
    """Compact, forget, tokens, jobs, views, metrics; undo of what others did."""

    def includes(self, other: Access) -> bool:
        """Say whether whoever has this one may do what the other one allows."""
        order = list(Access)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. No request of theirs gets beyond ``bound``, whatever it names."""

    name: str | None = None
    """Who it is, as it is recorded of what they do; None for whoever sits at this machine."""
    access: Access = Access.ADMIN
    bound: Scope = OPEN
    default: Scope = OPEN
    """Fills the parts of a scope that a request leaves open."""

    def scope(self, asked: Scope = OPEN) -> Scope:
        """Return the scope that a request means which names ``asked``.

        Raises:
            NotAllowed: it names what lies outside ``bound``.
        """
        self.check(asked)
        return asked.or_default(self.bound).or_default(self.default)

    def check(self, asked: Scope) -> None:
        """Refuse a scope that names what lies outside ``bound``.

        Raises:
            NotAllowed: it does.
        """
        for part in ("namespace", "user_id", "session_id"):
            mine, theirs = getattr(self.bound, part), getattr(asked, part)
            if mine is not None and theirs not in {None, mine}:
                raise NotAllowed(f"{part} {theirs!r} is outside of what you may reach: your {part} is {mine!r}")

    def require(self, access: Access) -> None:
        """Refuse what needs more than this caller has.

        Raises:
            NotAllowed: it does.
        """
        if not self.access.includes(access):
            raise NotAllowed(f"Insufficient permissions. Required scope: {access}", needs=access)

    def defaulting_to(self, scope: Scope) -> Caller:
        """Return the caller, whose requests are about this scope where they leave it open."""
        return replace(self, default=scope)

    def bound_to(self, scope: Scope) -> Caller:
        """Return the caller bound to what both allow: their own bound, and this scope.

        Raises:
            NotAllowed: the two name different things.
        """
        self.check(scope)
        return replace(self, bound=self.bound.or_default(scope))


LOCAL = Caller()
"""Whoever sits at this machine: nothing is closed to them."""
