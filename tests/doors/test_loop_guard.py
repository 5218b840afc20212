"""The loop guard across programs: what one process returned is known when it comes back through another."""

from __future__ import annotations

from pathlib import Path

import anyio.to_thread
import pytest
from click.testing import CliRunner
from mcp import Client

from mcp_memory.cli.main import cli
from mcp_memory.config import Settings

TEA = "Ann drinks green tea every morning"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("MEMORY_STORE_URL", f"sqlite:///{(tmp_path / 'memory.db').as_posix()}")
    monkeypatch.setenv("EMBEDDING_MODEL", "hashing")
    monkeypatch.chdir(tmp_path)


def said(*arguments: str, stdin: str = "") -> str:
    """Every command is a process of its own, or opens the store as one."""
    result = CliRunner().invoke(cli, arguments, input=stdin, prog_name="agent-memory")
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


@pytest.mark.parametrize("layout", ["text", "json"])
def test_a_hook_that_files_away_what_it_looked_up_adds_nothing(layout: str) -> None:
    said("remember", TEA, "--id", "tea", "-s", "monday")
    said("remember", "Ann has a dog\ncalled Rex", "--id", "dog", "-s", "monday")
    answer = said("search", "What does Ann drink, and has she a dog?", "--format", layout)
    for session in ("monday", "tuesday"):
        assert said("remember", "-", "-s", session, stdin=answer).startswith("Already remembered: ")
    assert said("remember", TEA, "-s", "tuesday") == "Already remembered: tea\n"
    assert said("search").startswith("Found 2 memories")


@pytest.mark.anyio
async def test_what_an_agent_was_answered_over_mcp_is_known_everywhere(client: Client) -> None:
    new = {"memories": [{"id": "tea", "text": TEA, "session_id": "monday"}]}
    await client.call_tool("create_long_term_memories", new)
    answer = await client.call_tool("search_long_term_memory", {"text": "tea"})
    (content,) = answer.content
    assert content.type == "text"
    for text in (TEA, content.text, f"- {TEA}"):
        again = await client.call_tool("create_long_term_memories", {"memories": [{"text": text, "session_id": "x"}]})
        assert again.structured_content is not None
        assert (again.structured_content["ids"], again.structured_content["duplicates"]) == (["tea"], 1)
    shown = await anyio.to_thread.run_sync(lambda: said("remember", TEA, "-s", "tuesday"))
    assert shown == "Already remembered: tea\n"
