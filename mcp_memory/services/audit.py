"""The audit log: what was done that needs an admin, where and by whom, a line each; no secret, and no memory's text."""

from __future__ import annotations

import logging

from mcp_memory.domain.access import Caller
from mcp_memory.domain.scope import Scope

audit = logging.getLogger("mcp_memory.audit")


def note(caller: Caller, act: str, scope: Scope) -> None:
    """Say what was done; what others chose stands in ``act`` as ``repr`` writes it, so that it cannot make up lines."""
    audit.info("%s; %s; by %s", act, _where(scope), "this machine" if caller.name is None else repr(caller.name))


def _where(scope: Scope) -> str:
    parts = {"namespace": scope.namespace, "user": scope.user_id, "session": scope.session_id}
    return ", ".join(f"{part} {name!r}" for part, name in parts.items() if name is not None) or "everywhere"
