"""Commands as tests give them, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from click.testing import Result

Run: TypeAlias = Callable[..., Result]


def said(result: Result) -> str:
    """Return what a command printed that did what it was told."""
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


def remembered(run: Run, text: str, memory_id: str, *options: str) -> None:
    """Remember a text under an id."""
    assert said(run("remember", text, "--id", memory_id, *options)) == f"Remembered: {memory_id}\n"


def found(run: Run, *arguments: str) -> dict[str, Any]:
    """Return the answer to a search."""
    answer: dict[str, Any] = json.loads(said(run("search", *arguments, "--format", "json")))
    return answer


def ids(run: Run, *arguments: str) -> list[str]:
    """Return the ids of what a search found."""
    return [hit["id"] for hit in found(run, *arguments)["memories"]]
