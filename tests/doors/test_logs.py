"""What a server logs of a whole run, refusals and faults too: what was done, never what is remembered, nor a secret."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette

from mcp_memory.auth.attempts import Attempts
from mcp_memory.auth.secrets import BcryptSecrets
from mcp_memory.auth.tokens import TokenAuthenticator
from mcp_memory.domain.access import Access
from mcp_memory.domain.forgetting import Forget, Policy
from mcp_memory.domain.records import MemoryRecord
from mcp_memory.domain.requests import NewMemory
from mcp_memory.http_door.identity import Identity
from mcp_memory.machine import now
from mcp_memory.mcp_door.background import Traffic
from mcp_memory.mcp_door.network import NetworkMcp
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, Opened
from mcp_memory.services.memory import Memory
from mcp_memory.services.tokens import AddToken, Issued
from tests.doors import rest_app
from tests.doors.serving import client, http, served

pytestmark = pytest.mark.anyio

KEPT = "zebrafish"
"""In everything that is remembered, asked for or refused."""
GUESS = "guessed-0123456789-0123456789-0123456789"
DONE: list[tuple[str, dict[str, Any]]] = [
    (
        "create_long_term_memories",
        {"memories": [{"text": f"The {KEPT} lives in tank {tank}", "id": f"m{tank}"} for tank in (1, 2)]},
    ),
    ("create_long_term_memories", {"memories": [{"text": f"The {KEPT} lives in tank 1"}], "deduplicate": False}),
    ("search_long_term_memory", {"text": f"where does the {KEPT} live"}),
    ("get_long_term_memory", {"memory_id": "m1"}),
    ("edit_long_term_memory", {"memory_id": "m2", "text": f"The {KEPT} moved to tank 3", "topics": [KEPT]}),
    ("set_working_memory", {"session_id": "s", "messages": [{"role": "user", "content": f"Feed the {KEPT}"}]}),
    ("append_working_memory", {"session_id": "s", "messages": [{"role": "user", "content": f"No {KEPT} today"}]}),
    ("get_working_memory", {"session_id": "s"}),
    ("memory_prompt", {"query": f"which {KEPT}", "session": {"session_id": "s"}}),
    ("compact_long_term_memories", {}),
    ("delete_long_term_memories", {"memory_ids": ["m2"]}),
]
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("create_long_term_memories", {"memories": f"a {KEPT}, in no list"}),
    ("create_long_term_memories", {"memories": [{"text": [f"a {KEPT}, in a list"]}]}),
    ("create_long_term_memories", {"memories": [{"text": "x", "memory_type": KEPT, "event_date": KEPT}]}),
    ("search_long_term_memory", {"text": "x", "limit": KEPT, KEPT: 1, "namespace": {KEPT: KEPT}}),
    ("edit_long_term_memory", {"memory_id": "nobody", "text": f"a {KEPT}"}),
    ("set_working_memory", {"session_id": "s", "messages": [{"role": KEPT, "content": [f"a {KEPT}"]}]}),
]
_FED = {"messages": [{"role": "user", "content": f"Feed the {KEPT}"}]}
OVER_REST: list[tuple[int, str, str, Any]] = [
    (200, "POST", "/v1/long-term-memory/", DONE[0][1]),
    (200, "POST", "/v1/long-term-memory/", DONE[1][1]),
    (200, "POST", "/v1/long-term-memory/search", {"text": f"where does the {KEPT} live"}),
    (200, "PATCH", "/v1/long-term-memory/m2", {"text": f"The {KEPT} moved to tank 3"}),
    (200, "PUT", "/v1/working-memory/s", _FED),
    (200, "POST", "/v1/memory/prompt", {"query": KEPT, "session": {"session_id": "s"}}),
    (200, "POST", "/v1/long-term-memory/compact", None),
    (200, "DELETE", "/v1/long-term-memory?memory_ids=m2", None),
    (422, "POST", "/v1/long-term-memory/", {"memories": f"a {KEPT}, in no list"}),
    (422, "POST", "/v1/long-term-memory/search", {"text": [KEPT], "limit": KEPT}),
    (422, "PUT", "/v1/working-memory/s", {"messages": [{"role": "user", "content": [KEPT]}]}),
    (404, "PATCH", "/v1/long-term-memory/nobody", {"text": f"a {KEPT}"}),
]


@pytest.fixture
async def issued(opened: Opened) -> Issued:
    return await opened.memory.tokens.add(AddToken(description="laptop", access=Access.ADMIN))


@pytest.fixture
async def door(opened: Opened) -> AsyncIterator[str]:
    """The address of a server that lets in who has a token."""

    async def open_it() -> Opened:
        return opened

    mcp = NetworkMcp(MemoryOnDemand(open_it), Traffic(), body_bytes=1_000_000)
    knows = TokenAuthenticator(opened.memory.store, BcryptSecrets(), now, Attempts(now))
    async with mcp.running(), served(Identity(Starlette(routes=mcp.routes), knows)) as address:
        yield address
        mcp.hang_up()


def above_debug(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged, tracebacks too; who asks for DEBUG gets all of it."""
    form = logging.Formatter()
    return "\n".join(form.format(record) for record in caplog.records if record.levelno > logging.DEBUG)


async def test_neither_memories_nor_secrets_are_logged(
    door: str, opened: Opened, issued: Issued, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with client(f"{door}/mcp", issued.secret) as connected:
        for tool, arguments in DONE:
            result = await connected.call_tool(tool, arguments)
            assert not result.is_error, result.content
        for tool, arguments in REFUSED:
            assert (await connected.call_tool(tool, arguments)).is_error, arguments
        await connected.get_prompt("recall", {"query": KEPT})
        await connected.read_resource("memory://recent")
    async with http(GUESS) as stranger:
        assert (await stranger.post(f"{door}/mcp")).status_code == 401
    await opened.memory.forgetting.forget(Forget(policy=Policy(budget=0), dry_run=False))
    renewed = await opened.memory.tokens.rotate(issued.token.id)
    told = above_debug(caplog)
    assert "token rotated" in told
    assert "compacted" in told
    assert "create_long_term_memories: InvalidRequest" in told
    for kept in (KEPT, GUESS, issued.secret, renewed.secret, issued.token.token_hash, issued.token.lookup):
        assert kept not in told


async def test_the_door_over_rest_logs_no_more(
    memory: Memory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    issued = await memory.tokens.add(AddToken(description="laptop", access=Access.ADMIN))
    knows = TokenAuthenticator(memory.store, BcryptSecrets(), now, Attempts(now))
    async with rest_app.client_of(rest_app.settings_in(tmp_path), memory, knows) as web:
        for status, method, path, body in OVER_REST:
            shown = {"authorization": f"Bearer {issued.secret}"}
            answer = await web.request(method, path, json=body, headers=shown)
            assert answer.status_code == status, (path, answer.text)
        answer = await web.get("/v1/long-term-memory/m1%0Amade%20up", headers={"x-api-key": GUESS})
        assert answer.status_code == 401
    told = above_debug(caplog)
    assert "/v1/long-term-memory/search" in told
    assert "compacted" in told
    for kept in (KEPT, GUESS, issued.secret, issued.token.token_hash, issued.token.lookup, "\nmade up"):
        assert kept not in told


@pytest.mark.parametrize("model", [MemoryRecord, NewMemory])
def test_a_traceback_does_not_quote_what_could_not_be_read(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as unread:
        model.model_validate({"id": "m1", "text": [KEPT]})
    assert KEPT not in "".join(traceback.format_exception(unread.value))
