"""Commands as tests give them, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from click.testing import CliRunner, Result

from mcp_memory.cli.main import cli

Run: TypeAlias = Callable[..., Result]


def run(*arguments: str, stdin: str | bytes = "") -> Result:
    """Run a command as the environment says; every call opens the store anew."""
    return CliRunner().invoke(cli, arguments, input=stdin, prog_name="agent-memory")


def said(result: Result) -> str:
    """Return what a command printed that did what it was told."""
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


def printed(*arguments: str, stdin: str | bytes = "") -> str:
    """Run a command, and return what it printed."""
    return said(run(*arguments, stdin=stdin))


def answered(*arguments: str) -> Any:
    """Run a command, and return what it answers to a program."""
    return json.loads(printed(*arguments, "--format", "json"))


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
