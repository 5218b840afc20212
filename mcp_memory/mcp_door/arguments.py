"""The arguments of tools where they are not a use case's request as it stands."""

from __future__ import annotations

import json
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError

from mcp_memory.domain.filters import TagFilter
from mcp_memory.domain.requests import Hydrate, Label, Request, Search, SessionScoped, Text, Window
from mcp_memory.domain.scope import Scope
from mcp_memory.errors import InvalidRequest
from mcp_memory.mcp_door.wording import what_is_wrong

TTL_SECONDS = 3600
"""How long a session lives when the tool is not told; other doors keep it until it is deleted."""


class Nothing(Request):
    """No arguments."""


class Scoped(Request):
    """Narrows to one namespace and user."""

    namespace: Label | None = None
    user_id: Label | None = None

    @property
    def scope(self) -> Scope:
        """Where to look."""
        return Scope(self.namespace, self.user_id)


class OneMemory(Scoped):
    """Names one memory."""

    memory_id: Label


class SomeMemories(Scoped):
    """Names memories."""

    memory_ids: list[Label] = Field(min_length=1, max_length=1000)


class Enrich(Search, Window):
    """The flat arguments of ``memory_prompt``: a search, and the session that it goes with."""

    query: Text
    include_long_term_search: bool = True

    def hydrate(self) -> Hydrate:
        """Return the use case's request. The session's messages come along; memories of all sessions are searched."""
        # The filters were checked as part of these arguments; pydantic takes the instance as it is.
        search = self.model_copy(update={"session_id": None}) if self.include_long_term_search else None
        return Hydrate(
            query=self.query,
            session=self._session(),
            long_term_search=search,
            model_name=self.model_name,
            context_window_max=self.context_window_max,
        )

    def _session(self) -> SessionScoped | None:
        if self.session_id is None:
            return None
        named = _one(self.session_id)
        if named is None:
            raise InvalidRequest('session_id: name one session, as plain text or {"eq": "…"}')
        try:
            return SessionScoped(session_id=named, namespace=_one(self.namespace), user_id=_one(self.user_id))
        except ValidationError as error:
            raise InvalidRequest(what_is_wrong(error)) from error


def _one(given: TagFilter | None) -> str | None:
    """Return the value if the filter allows exactly one."""
    if given is None:
        return None
    if given.eq is not None:
        return given.eq
    return given.any[0] if given.any is not None and len(given.any) == 1 else None


def unpacked(model: type[BaseModel], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with JSON that came as text parsed, where an object or a list is expected.

    Some clients (Claude Desktop among them) send nested arguments as strings.
    """
    return {
        name: _parsed(value) if isinstance(value, str) and name in _structured(model) else value
        for name, value in arguments.items()
    }


def _parsed(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


@cache
def _structured(model: type[BaseModel]) -> frozenset[str]:
    """The fields of a model that hold more than one plain value."""
    return frozenset(name for name, field in model.model_fields.items() if _is_structured(field.annotation))


def _is_structured(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in (Union, UnionType, Annotated):
        return any(map(_is_structured, get_args(kind)))
    return origin in (list, dict) or (isinstance(kind, type) and issubclass(kind, BaseModel))
