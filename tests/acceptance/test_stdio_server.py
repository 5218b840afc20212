"""A started server answers, keeps stdout clean, and leaves when it is told to, with nothing lost."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Starter

INITIALIZE: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "acceptance", "version": "1"},
}
ENVELOPE: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "acceptance", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
NOISY = """
import os, subprocess, sys
from mcp_memory.mcp_door.on_demand import from_environment
from mcp_memory.server import run_stdio

async def open_it():
    print("printed noise")
    os.write(1, b"written noise\\n")
    subprocess.run([sys.executable, "-c", "print('noise of a child')"], check=True)
    return await from_environment()

run_stdio(open_it)
"""
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows ends processes without asking")


def test_clients_of_both_eras_are_answered(start: Starter) -> None:
    legacy = start()
    legacy.request("initialize", **INITIALIZE)
    assert legacy.receive()["result"]["serverInfo"]["name"] == "mcp-memory"
    modern = start()
    discovered = modern.ask("server/discover")
    assert "2026-07-28" in discovered["supportedVersions"]
    assert modern.leave()[0] == legacy.leave()[0] == 0


def test_what_was_remembered_is_recalled_after_a_restart(start: Starter) -> None:
    first = start()
    first.call("create_long_term_memories", memories=[{"text": "Ana Ruiz prefers aisle seats"}])
    assert first.leave()[0] == 0
    second = start()
    found = second.call("search_long_term_memory", text="which seats does Ana prefer")
    assert [hit["text"] for hit in found["memories"]] == ["Ana Ruiz prefers aisle seats"]


@posix_only
def test_what_was_acknowledged_survives_a_kill(start: Starter) -> None:
    first = start()
    created = first.call("create_long_term_memories", memories=[{"text": "Ana Ruiz prefers aisle seats"}])
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    second = start()
    assert second.call("get_long_term_memory", memory_id=created["ids"][0])["text"] == "Ana Ruiz prefers aisle seats"


@posix_only
@pytest.mark.parametrize("told", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
def test_a_signal_closes_what_is_open_and_leaves_with_zero(start: Starter, told: str, *, used: bool) -> None:
    wire = start()
    wire.ask("server/discover")
    if used:
        wire.call("create_long_term_memories", memories=[{"text": "Ana Ruiz prefers aisle seats"}])
    wire.process.send_signal(getattr(signal, told))
    code, err, _ = wire.leave()
    assert (code, "Traceback" in err) == (0, False)


@posix_only
def test_a_signal_in_the_middle_of_a_call_leaves_all_of_it_or_nothing(start: Starter) -> None:
    wire = start()
    memories = [{"text": f"Fact {number} about the harbour"} for number in range(1000)]
    meta = ENVELOPE | {"progressToken": "p"}
    wire.request("tools/call", _meta=meta, name="create_long_term_memories", arguments={"memories": memories})
    assert wire.receive()["method"] == "notifications/progress"
    wire.process.send_signal(signal.SIGTERM)
    assert wire.leave()[0] == 0
    assert start().call("search_long_term_memory", text="")["total"] in {0, len(memories)}


@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
def test_the_end_of_stdin_leaves_with_zero_and_without_a_word(start: Starter, *, used: bool) -> None:
    wire = start(LOG_LEVEL="WARNING")
    wire.ask("server/discover")
    if used:
        wire.call("create_long_term_memories", memories=[{"text": "Ana Ruiz prefers aisle seats"}])
    assert wire.leave() == (0, "", b"")


def test_what_was_asked_before_stdin_ended_is_still_answered(start: Starter) -> None:
    wire = start()
    wire.request("initialize", **INITIALIZE)
    memories = [{"text": f"Fact {number}"} for number in range(50)]
    wire.request("tools/call", name="create_long_term_memories", arguments={"memories": memories})
    wire.request("tools/list")
    wire.request("tools/call", name="get_current_datetime", arguments={})
    code, _, out = wire.leave()
    answers = {answer["id"]: answer["result"] for answer in map(json.loads, out.splitlines())}
    assert code == 0
    assert answers.keys() == {1, 2, 3, 4}
    assert answers[2]["structuredContent"]["stored"] == 50


def test_nothing_but_the_protocol_comes_out_of_stdout(start: Starter) -> None:
    wire = start(sys.executable, "-c", NOISY)
    wire.call("create_long_term_memories", memories=[{"text": "Ana Ruiz prefers aisle seats"}])
    code, err, out = wire.leave()
    assert (code, out) == (0, b"")
    assert [noise in err for noise in ("printed noise", "written noise", "noise of a child")] == [True] * 3


@pytest.mark.parametrize("line", [b"{", b"\xff\xfe not text", b"[]", b'{"jsonrpc": "2.0", "id": 7}', b"", b"null"])
def test_a_line_that_is_no_message_does_not_stop_the_server(start: Starter, line: bytes) -> None:
    wire = start()
    wire.ask("server/discover")
    wire.send(line)
    wire.request("tools/call", _meta={}, name="get_current_datetime", arguments={})
    answer: dict[str, Any] = {}
    while "id" not in answer or answer["id"] != 2:
        answer = wire.receive()
        assert answer, "the server left"
    assert wire.leave()[0] == 0


def test_a_line_of_a_megabyte_is_read_whole(start: Starter) -> None:
    wire = start()
    text = "Ärger " * 170_000
    created = wire.call("create_long_term_memories", memories=[{"text": text}])
    assert wire.call("get_long_term_memory", memory_id=created["ids"][0])["text"] == text


@posix_only
def test_a_client_that_goes_away_is_no_fault(start: Starter) -> None:
    wire = start(LOG_LEVEL="WARNING")
    wire.ask("server/discover")
    assert wire.process.stdout
    assert wire.process.stdin
    wire.process.stdout.close()
    wire.request("tools/list")
    assert wire.process.wait() == 0
    assert wire.process.stderr
    assert wire.process.stderr.read() == b""


def test_the_log_goes_to_stderr_at_the_level_asked_for(start: Starter) -> None:
    chatty = start(LOG_LEVEL="debug")
    chatty.ask("server/discover")
    assert "DEBUG" in chatty.leave()[1]
    mistaken = start(LOG_LEVEL="loud")
    mistaken.ask("server/discover")
    assert "LOG_LEVEL" in mistaken.leave()[1]


@pytest.mark.parametrize("value", ["carrier-pigeon://coop", "sqlite:////dev/null/nowhere/memory.db"])
def test_a_setting_that_cannot_be_used_is_said_in_the_answer_and_the_server_goes_on(start: Starter, value: str) -> None:
    wire = start(MEMORY_STORE_URL=value)
    result = wire.ask("tools/call", name="search_long_term_memory", arguments={"text": "x"})
    assert result["isError"]
    assert len(result["content"][0]["text"]) > 20
    assert wire.call("get_current_datetime")["unix_ts"]


@pytest.mark.skipif(sys.platform == "win32", reason="terminals are made another way there")
def test_a_person_at_a_terminal_is_told_what_this_is(start: Starter) -> None:
    import pty  # noqa: PLC0415 -- not on Windows

    terminal, its_end = pty.openpty()
    wire = start(stdin=its_end)
    os.close(its_end)
    assert wire.process.stderr
    told = b""
    while b"agent-memory" not in told or b"Ctrl-D" not in told:
        line = wire.process.stderr.readline()
        assert line, told
        told += line
    os.write(terminal, b"\x04")
    assert wire.process.wait() == 0
    os.close(terminal)
