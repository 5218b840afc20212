"""The installed program as a client starts it: a process, its three streams, and nothing else in its environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE

CLIENT = {"name": "acceptance", "version": "1"}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}


def patiently() -> Iterator[None]:
    """Yield as long as a test may look whether something has come about.

    Python 3.11 now and then forgets to cancel what Redis' client sends, so a loop of looks has to end by itself.
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        yield
    raise TimeoutError(f"it did not come about in {PATIENCE} seconds")


class Wire:
    """A started server, spoken to line by line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._requests = 0
        self._watchdog = threading.Timer(PATIENCE, process.kill)
        self._watchdog.start()

    def send(self, line: bytes) -> None:
        """Write a line as it is."""
        assert self.process.stdin
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def request(self, method: str, **params: Any) -> None:
        """Write a request."""
        self._requests += 1
        message = {"jsonrpc": "2.0", "id": self._requests, "method": method, "params": params}
        self.send(json.dumps(message).encode())

    def receive(self) -> dict[str, Any]:
        """Read the next message; an empty one when there is none to come."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        return json.loads(line) if line else {}

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Write a request of the newer era and return the result."""
        self.request(method, _meta=ENVELOPE, **params)
        answer = self.receive()
        assert answer.get("id") == self._requests, answer
        return dict(answer.get("result", answer))

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed and return its structured content."""
        result = self.ask("tools/call", name=tool, arguments=arguments)
        assert not result.get("isError"), result
        return dict(result["structuredContent"])

    def leave(self) -> tuple[int, str, bytes]:
        """Close stdin and return the exit code, what stands on stderr, and what else came on stdout."""
        out, err = self.process.communicate(timeout=PATIENCE)
        self._watchdog.cancel()
        return self.process.returncode, err.decode(), out

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._watchdog.cancel()
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def command() -> list[str]:
    """What a client's configuration says."""
    return [sys.executable, "-m", "mcp_memory", "mcp"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """As little as a client hands on, a new store, and vectors that need no model."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT", "LANG") if name in os.environ}
    return kept | {
        "HOME": str(tmp_path),
        "MEMORY_STORE_URL": f"sqlite:///{tmp_path / 'memory.db'}",
        "EMBEDDING_MODEL": "hashing",
    }


class Starter:
    """Starts servers, and ends those that a test leaves behind."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        self.command = command
        self.environment = environment
        self._folder = folder
        self._started: list[Wire] = []

    def __call__(self, *command: str, stdin: int = subprocess.PIPE, **environment: str) -> Wire:
        process = subprocess.Popen(
            command or self.command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment | environment,
            cwd=self._folder,
        )
        self._started.append(Wire(process))
        return self._started[-1]

    def end_all(self) -> None:
        """End what was started."""
        for wire in self._started:
            wire.kill()


@pytest.fixture
def start(command: list[str], environment: dict[str, str], tmp_path: Path) -> Iterator[Starter]:
    """Start a server."""
    starter = Starter(command, environment, tmp_path)
    yield starter
    starter.end_all()
