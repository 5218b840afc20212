"""MCP over HTTP: whose request it is stands in the request, so that nobody ever meets what is another's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, TextContent
from starlette.applications import Starlette

from mcp_memory.http_door.identity import Identity
from mcp_memory.http_door.metadata import ProtectedResource
from mcp_memory.mcp_door.background import Traffic
from mcp_memory.mcp_door.network import NetworkMcp
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, Opened
from tests.doors.serving import GuestList, client, http, older_client, served
from tests.patience import PATIENCE

pytestmark = pytest.mark.anyio

ERAS = ["legacy", "auto"]
MOST_BYTES = 4_194_304
DISCOVER = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "server/discover",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
}
MODERN = {
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "server/discover",
    "accept": "application/json, text/event-stream",
}


@pytest.fixture
def resource() -> ProtectedResource | None:
    return None


@pytest.fixture
def mcp(opened: Opened, resource: ProtectedResource | None) -> NetworkMcp:
    async def open_it() -> Opened:
        return opened

    return NetworkMcp(MemoryOnDemand(open_it), Traffic(), resource, body_bytes=MOST_BYTES)


@pytest.fixture
def guests() -> GuestList:
    return GuestList()


@pytest.fixture
async def door(mcp: NetworkMcp, resource: ProtectedResource | None, guests: GuestList) -> AsyncIterator[str]:
    """The address of a server that knows the guests."""
    async with mcp.running(), served(Identity(Starlette(routes=mcp.routes), guests, resource)) as address:
        yield address
        mcp.hang_up()


async def call(connected: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await connected.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content or {}


async def refusal(connected: Client, tool: str, **arguments: Any) -> str:
    result = await connected.call_tool(tool, arguments)
    assert result.is_error
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def remember(connected: Client, text: str, **more: Any) -> None:
    await call(connected, "create_long_term_memories", memories=[{"text": text} | more])


async def texts(connected: Client) -> set[str]:
    found = await call(connected, "search_long_term_memory", text="", limit=100)
    return {hit["text"] for hit in found["memories"]}


@pytest.mark.parametrize("mode", ERAS)
async def test_what_a_caller_does_stays_within_their_bound(door: str, mode: str) -> None:
    async with client(f"{door}/mcp", "ana", mode) as ana, client(f"{door}/mcp", "bo", mode) as bo:
        await remember(ana, "The ferry leaves at six", id="ferry")
        await remember(bo, "Rye needs two days", id="rye")
        assert (await texts(ana), await texts(bo)) == ({"The ferry leaves at six"}, {"Rye needs two days"})
        assert (await call(ana, "get_long_term_memory", memory_id="ferry"))["user_id"] == "ana"
        assert "not found" in await refusal(bo, "get_long_term_memory", memory_id="ferry")
        assert "outside" in await refusal(bo, "search_long_term_memory", text="", namespace="harbour")
        assert "outside" in await refusal(ana, "create_long_term_memories", memories=[{"text": "x", "user_id": "bo"}])


@pytest.mark.parametrize("mode", ERAS)
async def test_resources_prompts_and_completions_know_the_caller_as_well(door: str, mode: str) -> None:
    async with client(f"{door}/mcp", "ana", mode) as ana, client(f"{door}/mcp", "bo", mode) as bo:
        await remember(ana, "The ferry leaves at six", id="ferry")
        await remember(bo, "Rye needs two days", id="rye")
        for mine, theirs, connected in (("ferry", "rye", ana), ("rye", "ferry", bo)):
            recent = str((await connected.read_resource("memory://recent")).contents)
            assert (mine in recent, theirs in recent) == (True, False)
            with pytest.raises(MCPError, match="not found"):
                await connected.read_resource(f"memory://{theirs}")
            recalled = str((await connected.get_prompt("recall", {"query": "ferry rye"})).messages)
            assert (f"id {mine}" in recalled, f"id {theirs}" in recalled) == (True, False)
        with pytest.raises(MCPError, match="outside"):
            await bo.read_resource("memory://namespace/harbour")
        namespaces = await bo.complete(PromptReference(name="recall"), {"name": "namespace", "value": ""})
        assert namespaces.completion.values == ["bakery"]


@pytest.mark.parametrize("mode", ERAS)
async def test_the_namespace_of_the_address_holds_for_its_requests(door: str, mode: str) -> None:
    async with client(f"{door}/north/mcp", "writer", mode) as north, client(f"{door}/mcp", "writer", mode) as all_of_it:
        await remember(north, "Snow until May")
        await remember(all_of_it, "Figs in June", namespace="south")
        assert await texts(north) == {"Snow until May"}
        assert await texts(all_of_it) == {"Snow until May", "Figs in June"}
        assert "outside" in await refusal(north, "search_long_term_memory", text="", namespace="south")
        session = await call(north, "set_working_memory", session_id="s")
        assert session["namespace"] == "north"


async def test_an_address_may_end_with_a_slash(door: str) -> None:
    """As clients of agent-memory-server and of the SDK write it."""
    async with client(f"{door}/north/mcp/", "writer") as mine, older_client(f"{door}/sse/", "writer") as older:
        await remember(mine, "Snow until May")
        assert await texts(mine) == {"Snow until May"}
        assert (await older.list_tools()).tools


async def test_a_namespace_may_have_any_name_that_a_path_can_say(door: str) -> None:
    below = f"{door}/caf%C3%A9%207%7C%7Bx%7D"
    async with client(f"{below}/mcp", "writer") as mine, older_client(f"{below}/sse", "writer") as older:
        await remember(mine, "Snow until May")
        found = await call(older, "search_long_term_memory", text="")
    assert [(hit["text"], hit["namespace"]) for hit in found["memories"]] == [("Snow until May", "café 7|{x}")]


async def test_a_namespace_beyond_the_callers_own_is_refused_before_anything_is_read(door: str) -> None:
    async with http("bo", **MODERN) as web:
        answers = {name: await web.post(f"{door}/{name}/mcp", json=DISCOVER) for name in ("bakery", "harbour", "a%00b")}
        streams = await web.get(f"{door}/harbour/sse")
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "bakery": 200,
        "harbour": 403,
        "a%00b": 400,
    }
    assert "harbour" in answers["harbour"].json()["error"]["message"]
    assert streams.status_code == 403


async def test_clients_of_many_namespaces_at_once_never_mix(door: str) -> None:
    """The other server kept the namespace of whoever came last."""
    names = [f"tenant-{number}" for number in range(6)]
    told: dict[str, set[str]] = {}

    async def live(name: str, mode: str, *, older: bool) -> None:
        who = f"{name} {mode} {older}"
        address = f"{door}/{name}/sse" if older else f"{door}/{name}/mcp"
        async with older_client(address, "writer") if older else client(address, "writer", mode) as mine:
            for number in range(8):
                await remember(mine, f"{name} says {mode} {older} {number}")
                told.setdefault(who, set()).update(await texts(mine))
                recent = (await mine.read_resource("memory://recent")).contents[0]
                told[who].update(hit["text"] for hit in json.loads(getattr(recent, "text", "[]")))

    async with anyio.create_task_group() as tasks:
        for name in names:
            for mode, older in (("legacy", False), ("auto", False), ("legacy", True)):
                tasks.start_soon(lambda name, mode, older: live(name, mode, older=older), name, mode, older)
    assert len(told) == len(names) * 3
    strangers = {(who, text) for who, heard in told.items() for text in heard if not text.startswith(who.split()[0])}
    assert strangers == set()


@pytest.mark.parametrize("mode", ERAS)
async def test_too_little_access_is_said_with_what_would_be_enough(door: str, mode: str) -> None:
    async with client(f"{door}/mcp", "reader", mode) as reader, client(f"{door}/mcp", "writer", mode) as writer:
        assert await texts(reader) == set()
        assert "Required scope: write" in await refusal(reader, "create_long_term_memories", memories=[{"text": "x"}])
        assert "Required scope: write" in await refusal(reader, "delete_long_term_memories", memory_ids=["x"])
        assert "Required scope: write" in await refusal(reader, "set_working_memory", session_id="s")
        await remember(writer, "x")
        assert "Required scope: admin" in await refusal(writer, "compact_long_term_memories")
    async with client(f"{door}/mcp", "root", mode) as root:
        await call(root, "compact_long_term_memories")


async def test_a_subscriber_hears_only_of_what_they_could_read(door: str) -> None:
    uris = ["memory://recent", "memory://rye", "memory://ferry"]
    heard = set()
    async with (
        client(f"{door}/mcp", "ana") as ana,
        client(f"{door}/mcp", "bo") as bo,
        ana.listen(resource_subscriptions=uris) as changes,
    ):
        await remember(bo, "Rye needs two days", id="rye")
        await call(bo, "edit_long_term_memory", memory_id="rye", text="Rye needs three days")
        await call(bo, "delete_long_term_memories", memory_ids=["rye"])
        await remember(ana, "The ferry leaves at six", id="ferry")
        await call(ana, "edit_long_term_memory", memory_id="ferry", text="The ferry leaves at seven")
        with anyio.fail_after(PATIENCE):
            async for change in changes:
                heard.add(getattr(change, "uri", None))
                if "memory://ferry" in heard:
                    break
    assert heard == {"memory://recent", "memory://ferry"}


async def test_a_program_that_forgot_to_ask_who_it_is_answers_nobody(mcp: NetworkMcp) -> None:
    async with mcp.running(), served(Starlette(routes=mcp.routes)) as address, http("root", **MODERN) as web:
        for path in ("/mcp", "/bakery/mcp"):
            assert (await web.post(f"{address}{path}", json=DISCOVER)).status_code == 500
        for path in ("/sse", "/bakery/sse"):
            assert (await web.get(f"{address}{path}")).status_code == 500


async def test_older_clients_remember_and_recall(door: str) -> None:
    async with older_client(f"{door}/sse", "ana") as ana, older_client(f"{door}/bakery/sse", "bo") as bo:
        await remember(ana, "The ferry leaves at six")
        await remember(bo, "Rye needs two days")
        assert (await texts(ana), await texts(bo)) == ({"The ferry leaves at six"}, {"Rye needs two days"})


async def test_only_who_opened_a_stream_may_post_to_it(door: str) -> None:
    sessions: list[str] = []
    stream = sse_client(
        f"{door}/bakery/sse", headers={"authorization": "Bearer bo"}, on_session_created=sessions.append
    )
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(Client(stream, mode="legacy"))

        async def status(token: str, below: str) -> int:
            web = await stack.enter_async_context(http(token))
            answer = await web.post(f"{door}{below}/messages/?session_id={sessions[0]}", json=ping)
            return answer.status_code

        assert await status("bo", "/bakery") == 202
        assert await status("root", "/bakery") == 404
        assert await status("writer", "") == 404


async def test_a_client_gets_json_or_events_as_it_accepts(door: str) -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    kinds = {}
    async with http("root") as web:
        for accept in ("application/json", "application/json, text/event-stream"):
            answer = await web.post(f"{door}/mcp", json=asked, headers={"accept": accept})
            kinds[accept] = answer.headers["content-type"].partition(";")[0]
    assert kinds == {"application/json": "application/json", "application/json, text/event-stream": "text/event-stream"}


@pytest.mark.parametrize("mode", ERAS)
async def test_long_calls_tell_how_far_they_are(door: str, mode: str) -> None:
    heard: list[tuple[Any, ...]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    memories = [{"text": f"Fact {number} about the harbour"} for number in range(600)]
    async with client(f"{door}/mcp", "writer", mode) as writer:
        await writer.call_tool("create_long_term_memories", {"memories": memories}, progress_callback=listen)
    assert heard


async def test_what_is_too_long_is_refused_and_the_next_request_is_answered(door: str) -> None:
    async with http("root", **MODERN) as web:
        assert (await web.post(f"{door}/mcp", content=b"x" * (MOST_BYTES + 1))).status_code == 413
        assert (await web.post(f"{door}/mcp", content=b"{")).status_code == 400
        assert (await web.get(f"{door}/mcp")).status_code == 405
        assert (await web.post(f"{door}/mcp", json=DISCOVER)).status_code == 200


@pytest.mark.parametrize("change", ["removed", "bound otherwise"])
async def test_a_stream_ends_when_its_token_lets_nobody_in_any_more(door: str, guests: GuestList, change: str) -> None:
    """Of either kind, and what is posted beside it is refused; others go on listening."""
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(http("bo"))
        older = await stack.enter_async_context(web.stream("GET", f"{door}/sse"))
        lines = older.aiter_lines()
        told = [await anext(lines), await anext(lines)]
        bo = await stack.enter_async_context(client(f"{door}/mcp", "bo"))
        ana = await stack.enter_async_context(client(f"{door}/mcp", "ana"))
        changes = await stack.enter_async_context(bo.listen(resource_subscriptions=["memory://recent"]))
        others = await stack.enter_async_context(ana.listen(resource_subscriptions=["memory://recent"]))
        if change == "removed":
            del guests.guests["bo"]
        else:
            guests.guests["bo"] = guests.guests["ana"]
        with anyio.fail_after(PATIENCE):
            assert [line async for line in lines if line.startswith("data")] == []
            assert [event async for event in changes] == []
        posted = await web.post(door + told[1].removeprefix("data: "), json=ping)
        assert posted.status_code == (401 if change == "removed" else 404)
        await remember(ana, "The ferry leaves at six")
        with anyio.fail_after(PATIENCE):
            assert await anext(aiter(others)) is not None


async def test_a_stream_goes_on_while_nobody_can_be_asked(door: str, guests: GuestList) -> None:
    """The issuer of a token may be away for a while."""
    async with client(f"{door}/mcp", "bo") as bo, bo.listen(resource_subscriptions=["memory://recent"]) as changes:
        guests.silent["bo"] = anyio.Event()
        with anyio.fail_after(PATIENCE):
            await guests.silent["bo"].wait()
        del guests.silent["bo"]
        await remember(bo, "Rye needs two days")
        with anyio.fail_after(PATIENCE):
            assert await anext(aiter(changes)) is not None


async def test_those_who_only_listen_are_told_when_the_server_leaves(door: str, mcp: NetworkMcp) -> None:
    async with (
        client(f"{door}/mcp", "ana") as ana,
        older_client(f"{door}/sse", "ana"),
        ana.listen(resource_subscriptions=["memory://recent"]) as changes,
    ):
        mcp.hang_up()
        with anyio.fail_after(PATIENCE):
            assert [change async for change in changes] == []


class TestWithAnIssuer:
    """Clients that can get a token are told where, and which."""

    @pytest.fixture
    def resource(self) -> ProtectedResource:
        return ProtectedResource("https://issuer.example", "https://memory.example.com")

    async def test_a_client_without_a_token_learns_where_there_are_some(self, door: str) -> None:
        async with http(**MODERN) as web:
            for path, document in (("/mcp", "/mcp"), ("/bakery/mcp", "/bakery/mcp"), ("/sse", "/sse"), ("/other", "")):
                refused = await web.post(f"{door}{path}", json=DISCOVER)
                told = f"https://memory.example.com/.well-known/oauth-protected-resource{document}"
                assert refused.status_code == 401
                assert refused.headers["www-authenticate"] == f'Bearer resource_metadata="{told}"'
                described = (await web.get(told.replace("https://memory.example.com", door))).json()
                assert described["resource"] == f"https://memory.example.com{document}"
                assert described["authorization_servers"] == ["https://issuer.example"]
                assert described["scopes_supported"] == ["memory:read", "memory:write", "memory:admin"]
            assert (await web.get(f"{door}/.well-known/oauth-protected-resource/v1/sessions")).status_code == 404

    @pytest.mark.parametrize("era", ERAS)
    async def test_a_token_that_may_too_little_is_refused_with_what_to_get(self, door: str, era: str) -> None:
        """Whether a client says in its headers what it calls, or only in the body."""
        called = {"name": "compact_long_term_memories", "arguments": {}}
        asked: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": called}
        headers = {"accept": MODERN["accept"]}
        if era == "auto":
            asked["params"] = DISCOVER["params"] | called  # type: ignore[operator]  # an object of JSON
            headers = MODERN | {"mcp-method": "tools/call", "mcp-name": "compact_long_term_memories"}
        async with http("writer", **headers) as web:
            refused = await web.post(f"{door}/mcp", json=asked)
        assert refused.status_code == 403
        assert refused.headers["www-authenticate"] == (
            'Bearer error="insufficient_scope", scope="memory:admin", '
            'resource_metadata="https://memory.example.com/.well-known/oauth-protected-resource/mcp"'
        )

    @pytest.mark.parametrize("mode", ERAS)
    async def test_a_client_is_told_what_it_would_need_and_goes_on(self, door: str, mode: str) -> None:
        async with client(f"{door}/mcp", "writer", mode) as writer:
            with pytest.raises(MCPError, match="Required scope: admin"):
                await writer.call_tool("compact_long_term_memories", {})
            await remember(writer, "The ferry leaves at six")
            assert await texts(writer) == {"The ferry leaves at six"}

    async def test_on_the_older_stream_the_answer_says_it(self, door: str) -> None:
        """Its clients wait for the stream, whatever their post is answered."""
        async with older_client(f"{door}/sse", "writer") as writer:
            assert "Required scope: admin" in await refusal(writer, "compact_long_term_memories")

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b'{"method": "tools/call", "params": 1}'])
    async def test_what_is_no_call_is_left_to_the_protocol(self, door: str, body: bytes) -> None:
        async with http("writer", accept=MODERN["accept"], **{"content-type": "application/json"}) as web:
            assert (await web.post(f"{door}/mcp", content=body)).status_code == 400
            assert (await web.post(f"{door}/mcp", content=b"x" * (MOST_BYTES + 1))).status_code == 413
