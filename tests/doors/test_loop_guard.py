"""The loop guard across programs: what one process returned is known when it comes back through another."""

from __future__ import annotations

import anyio.to_thread
import pytest
from mcp import Client

from tests.doors.commands import printed

pytestmark = pytest.mark.usefixtures("new_store")

TEA = "Ann drinks green tea every morning"


@pytest.mark.parametrize("layout", ["text", "json"])
def test_a_hook_that_files_away_what_it_looked_up_adds_nothing(layout: str) -> None:
    printed("remember", TEA, "--id", "tea", "-s", "monday")
    printed("remember", "Ann has a dog\ncalled Rex", "--id", "dog", "-s", "monday")
    answer = printed("search", "What does Ann drink, and has she a dog?", "--format", layout)
    for session in ("monday", "tuesday"):
        assert printed("remember", "-", "-s", session, stdin=answer).startswith("Already remembered: ")
    assert printed("remember", TEA, "-s", "tuesday") == "Already remembered: tea\n"
    assert printed("search").startswith("Found 2 memories")


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
    shown = await anyio.to_thread.run_sync(lambda: printed("remember", TEA, "-s", "tuesday"))
    assert shown == "Already remembered: tea\n"
