"""A stdio server, spoken to in bare lines: no client library stands between it and the clock. Not a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

Message: TypeAlias = Mapping[str, Any]

OURS = (sys.executable, "-m", "mcp_memory", "mcp")
BARE = (sys.executable, "-c", 'from mcp.server.mcpserver import MCPServer\nMCPServer("bare").run("stdio")')
"""The least that the SDK can be asked for: what it takes itself, no server on it can do without."""

FIRST_REQUESTS: Mapping[str, Message] = {
    "initialize": {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
    },
    "server/discover": {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "server/discover",
        "params": {
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        },
    },
}
"""The first request of each era of the protocol."""


class RawServer:
    """A server process, from its start to the end of its stdin."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        # Without compiled modules on disk every start would pay for compiling them.
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**inherited, **(environment or {})},
        )

    def ask(self, request: Message) -> dict[str, Any]:
        """Send a request and return the next line that comes back.

        Raises:
            RuntimeError: the server went away, or answered with an error.
        """
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the server was started without pipes")
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"no answer to {request['method']}; exit code {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{request['method']}: {answer['error']}")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The end of stdin is how a client says goodbye.
        self.process.communicate(timeout=30)
