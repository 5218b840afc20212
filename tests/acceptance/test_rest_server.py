"""A started sidecar answers over both versions of HTTP, lets in whom it should, and leaves with nothing lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp import Client

from tests.acceptance.sidecar import Sidecar, environment_in, started
from tests.patience import PATIENCE

pytestmark = pytest.mark.anyio

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows ends processes without asking")
SEATS = {"memories": [{"id": "seats", "text": "Ana Ruiz prefers aisle seats"}]}
LEAVES = "leaves when what was asked is answered"
WITHOUT_FASTAPI = "import sys; sys.modules['fastapi'] = None; from mcp_memory.cli.main import main; main()"


class Asking:
    """A request of which a part is sent; the rest comes when the test sends it."""

    def __init__(self, sidecar: Sidecar) -> None:
        place = urlsplit(sidecar.wait_until_it_serves())
        body = json.dumps(SEATS).encode()
        head = f"POST /v1/long-term-memory HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        self._rest = body[20:]
        self._wire = socket.create_connection((place.hostname, place.port), PATIENCE)
        self._wire.sendall(f"{head}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        # It is being answered from now on.
        assert self._wire.recv(4096).startswith(b"HTTP/1.1 100")
        self._wire.sendall(body[:20])

    def __enter__(self) -> tuple[socket.socket, bytes]:
        return self._wire, self._rest

    def __exit__(self, *_: object) -> None:
        self._wire.close()


async def test_both_versions_of_http_are_spoken_at_one_port(tmp_path: Path) -> None:
    with started(tmp_path) as sidecar:
        address = sidecar.wait_until_it_serves()
        for version in (1, 2):
            async with httpx2.AsyncClient(http1=version == 1, http2=version == 2, timeout=PATIENCE) as client:
                response = await client.get(f"{address}/v1/ready")
                assert (response.status_code, response.http_version[:6]) == (200, f"HTTP/{version}")
        assert sidecar.leave() == 0


async def test_mcp_and_rest_are_one_memory(tmp_path: Path) -> None:
    with started(tmp_path) as sidecar:
        address = sidecar.wait_until_it_serves()
        async with Client(f"{address}/mcp") as client:
            await client.call_tool("create_long_term_memories", SEATS)
        assert (
            httpx2.get(f"{address}/v1/long-term-memory/seats", timeout=PATIENCE).json()["text"]
            == SEATS["memories"][0]["text"]
        )


@posix_only
def test_what_was_asked_before_is_answered_when_it_is_told_to_leave(tmp_path: Path) -> None:
    with started(tmp_path) as sidecar:
        with Asking(sidecar) as (wire, rest):
            sidecar.process.send_signal(signal.SIGTERM)
            sidecar.wait_until_it_says(LEAVES)
            wire.sendall(rest)
            assert b" 200 " in wire.recv(4096).splitlines()[0]
        assert sidecar.ended() == 0
    with started(tmp_path) as again:
        assert (
            httpx2.get(f"{again.wait_until_it_serves()}/v1/long-term-memory/seats", timeout=PATIENCE).status_code == 200
        )


@posix_only
@pytest.mark.parametrize("told", ["SIGTERM", "SIGINT"])
def test_told_twice_it_leaves_at_once(tmp_path: Path, told: str) -> None:
    with started(tmp_path) as sidecar, Asking(sidecar) as (wire, _):
        sidecar.process.send_signal(getattr(signal, told))
        sidecar.wait_until_it_says(LEAVES)
        sidecar.process.send_signal(getattr(signal, told))
        assert sidecar.ended() == 0
        with suppress(ConnectionResetError):
            assert wire.recv(4096) == b""
    assert "Traceback" not in "".join(sidecar.said)


def test_whoever_has_no_token_is_not_let_in(tmp_path: Path) -> None:
    environment = environment_in(tmp_path)
    add = [sys.executable, "-m", "mcp_memory", "token", "add", "-d", "test", "--format", "json"]
    added = subprocess.run(add, env=environment, cwd=tmp_path, capture_output=True, check=True)
    token = json.loads(added.stdout)["token"]
    with started(tmp_path, AUTH_MODE="token") as sidecar:
        address = sidecar.wait_until_it_serves()
        path = f"{address}/v1/working-memory/"
        assert httpx2.get(path, timeout=PATIENCE).status_code == 401
        assert httpx2.get(path, headers={"Authorization": f"Bearer {token[:-1]}"}, timeout=PATIENCE).status_code == 401
        for header in ({"Authorization": f"Bearer {token}"}, {"X-API-Key": token}):
            assert httpx2.get(path, headers=header, timeout=PATIENCE).json() == {"sessions": [], "total": 0}
        assert httpx2.get(f"{address}/v1/health", timeout=PATIENCE).status_code == 200
        assert sidecar.leave() == 0
    assert token not in "".join(sidecar.said)


def test_other_machines_are_not_let_in_without_authentication_unless_that_is_said(tmp_path: Path) -> None:
    with started(tmp_path, "--host", "0.0.0.0") as sidecar:  # noqa: S104 -- it is refused before it listens
        assert sidecar.ended() == 2
    assert "API_HOST=0.0.0.0 lets other machines in" in sidecar.said[-1]
    assert len(sidecar.said) == 1


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with started(tmp_path, "--port", port) as sidecar:
            assert sidecar.ended() == 2
    assert f"PORT={port}: cannot listen there" in sidecar.said[-1]


def test_without_what_it_needs_it_says_what_to_install(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_FASTAPI, "api"]
    done = subprocess.run(
        command, env=environment_in(tmp_path), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, 'Error: fastapi is not installed: pip install "mcp-memory[rest]"\n')


@pytest.mark.parametrize("options", [("--no-worker",), ("--task-backend", "docket")], ids=" ".join)
def test_what_older_scripts_say_is_accepted(tmp_path: Path, options: tuple[str, ...]) -> None:
    with started(tmp_path, *options) as sidecar:
        assert httpx2.get(f"{sidecar.wait_until_it_serves()}/v1/ready", timeout=PATIENCE).status_code == 200


@posix_only
def test_it_starts_again_when_a_file_changes(tmp_path: Path) -> None:
    with started(tmp_path, "--reload") as sidecar:
        first = sidecar.wait_until_it_serves()
        (tmp_path / ".env").write_text("LOG_LEVEL=INFO\n", encoding="utf-8")
        sidecar.wait_until_it_says("starting again")
        sidecar.wait_until_it_says("serves REST", times=2)
        assert httpx2.get(f"{sidecar.address}/v1/health", timeout=PATIENCE).status_code == 200
        assert sidecar.address != first
        assert sidecar.leave() == 0
