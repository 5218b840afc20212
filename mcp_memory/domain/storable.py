"""What can be kept and given back: texts that have an encoding, JSON that every reader can read, pages that exist."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue

DEEPEST = 100
"""Lists and objects within one another; parsers of JSON give up somewhere above."""
FARTHEST = 1_000_000_000_000


def storable_text(text: Any) -> Any:
    """Return the text.

    Raises:
        ValueError: it holds what no store and no reader can take.
    """
    if isinstance(text, str):
        if "\x00" in text:
            raise ValueError("text holds a NUL character: remove it")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError("text holds half of a character (a lone surrogate): remove it") from error
    return text


def _storable_json(data: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if _depth(data) > DEEPEST:
        raise ValueError(f"is nested more than {DEEPEST} deep")
    try:
        json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("holds half of a character (a lone surrogate)") from error
    except ValueError as error:
        raise ValueError("holds a number that JSON cannot write") from error
    return data


def _depth(data: JsonValue) -> int:
    depth, level = 0, [data]
    while level:
        depth += 1
        level = [part for value in level for part in _parts(value)]
    return depth


def _parts(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


Data = Annotated[dict[str, JsonValue], AfterValidator(_storable_json)]
"""A client's own JSON."""
Offset = Annotated[int, Field(ge=0, le=FARTHEST)]
"""Where a page begins."""
