"""The settings as a list to be shown: each with its value, where it came from, and whether it does anything."""

from __future__ import annotations

from typing import NamedTuple

from mcp_memory.config import Settings
from mcp_memory.settings_text import Origin, shown, variable


class Source(NamedTuple):
    """One setting as it is shown: secrets masked, empty if not set."""

    field: str
    variable: str
    value: str
    origin: Origin
    effect: bool
    """False for a setting that is only accepted."""


def sources(settings: Settings) -> list[Source]:
    """Return every setting with its value and where it came from."""
    return [
        Source(
            field=field,
            variable=variable(field),
            value=_shown(field, settings),
            origin=settings.origin(field),
            effect=(info.json_schema_extra or {}) != {"effect": "none"},
        )
        for field, info in Settings.model_fields.items()
    ]


def _shown(field: str, settings: Settings) -> str:
    value = settings.store_shown() if field == "memory_store_url" else getattr(settings, field)
    return shown(value, address=field == "redis_url")
