"""What a model reads: replies as short JSON, errors as one or two lines that say what to do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

BOOKKEEPING = frozenset(
    {
        "memory_hash",
        "discrete_memory_extracted",
        "persisted_at",
        "last_accessed",
        "access_count",
        "extraction_strategy",
        "extraction_strategy_config",
        "extracted_from",
        "long_term_memory_strategy",
    }
)
"""Fields that programs may want and a conversation does not; they stay in the structured content."""
_ALWAYS = frozenset({"memories", "messages", "sessions", "ids", "next_offset", "total"})
_OPAQUE = frozenset({"metadata", "data"})
"""The client's own JSON: nothing in it is left out."""
_USUAL: dict[str, Any] = {"pinned": False, "version": 1, "memory_type": "semantic"}
_SHOWN_ERRORS = 5


def spoken(reply: Any) -> str:
    """Return the JSON of a reply without nulls, empty lists and bookkeeping."""
    return json.dumps(_brief(reply), ensure_ascii=False, separators=(",", ":"))


def _brief(value: Any) -> Any:
    if isinstance(value, list):
        return [_brief(item) for item in value]
    if not isinstance(value, dict):
        return round(value, 4) if isinstance(value, float) else value
    unchanged = value.get("updated_at") == value.get("created_at") or ("text" in value and value.get("version") == 1)
    return {
        name: part if name in _OPAQUE else _brief(part)
        for name, part in value.items()
        if name in _ALWAYS
        or not (
            part is None
            or part in ([], {})
            or name in BOOKKEEPING
            or (name in _USUAL and part == _USUAL[name] and "text" in value)
            or (name == "updated_at" and unchanged)
        )
    }


def what_is_wrong(error: ValidationError, unknown: Iterable[str] = ()) -> str:
    """Return what to change in the arguments, without the input itself."""
    said = [
        f"{place}: {message}" if (place := ".".join(map(str, fault["loc"]))) else message
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
        if (message := fault["msg"].removeprefix("Value error, "))
    ]
    more = [f"and {len(said) - _SHOWN_ERRORS} more"] if len(said) > _SHOWN_ERRORS else []
    return "; ".join(said[:_SHOWN_ERRORS] + more) + _ignored(unknown)


def missing(names: Iterable[str], unknown: Iterable[str]) -> str:
    """Return that these arguments are needed."""
    return "; ".join(f"{name}: required" for name in names) + _ignored(unknown)


def _ignored(unknown: Iterable[str]) -> str:
    names = sorted(unknown)
    return f" (not a parameter here: {', '.join(names)})" if names else ""
