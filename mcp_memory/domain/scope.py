"""Scope: whose a record is. A scope can be narrowed, never widened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """Namespace, user and session; None means "not narrowed by this part"."""

    namespace: str | None = None
    user_id: str | None = None
    session_id: str | None = None

    def covers(self, other: Scope) -> bool:
        """Say whether what belongs to the other scope is within this one."""
        return (
            self.namespace in {None, other.namespace}
            and self.user_id in {None, other.user_id}
            and self.session_id in {None, other.session_id}
        )

    def or_default(self, default: Scope) -> Scope:
        """Return this scope with the parts that it leaves open filled from ``default``."""
        return Scope(
            self.namespace if self.namespace is not None else default.namespace,
            self.user_id if self.user_id is not None else default.user_id,
            self.session_id if self.session_id is not None else default.session_id,
        )


OPEN = Scope()
"""Everything."""
