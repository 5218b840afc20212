"""The first answer waits for nothing that it does not need: what is loaded by then is counted, not timed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.raw_server import FIRST_REQUESTS, RawServer

LIST_AT_EXIT = """
import atexit, sys
listed, sys.argv = sys.argv[1], ["agent-memory", "mcp"]
atexit.register(lambda: open(listed, "w").write("\\n".join(sys.modules)))
"""
BARE = 'from mcp.server.mcpserver import MCPServer\nMCPServer("bare").run("stdio")\n'
OURS = "from mcp_memory.cli.main import main\nmain()\n"

NEEDED = {"anyio.from_thread", "click"}
"""What the first answer may load beyond a bare server of the same SDK and the small modules of the standard library."""
HEAVY = {
    "apsw",
    "bcrypt",
    "fastapi",
    "huey",
    "hypercorn",
    "keyring",
    "numpy",
    "ollama",
    "onnxruntime",
    "openai",
    "prometheus_client",
    "pydantic_settings",
    "redis",
    "redisvl",
    "simsimd",
    "sqlite3",
    "textual",
    "tokenizers",
}


def loaded(program: str, method: str, folder: Path) -> set[str]:
    """Return the modules that a server has loaded when it has answered its first request and its stdin has ended."""
    listed = folder / "modules.txt"
    command = [sys.executable, "-c", LIST_AT_EXIT + program, str(listed)]
    with RawServer(command, {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data")}) as server:
        server.ask(FIRST_REQUESTS[method])
    return set(listed.read_text(encoding="utf-8").splitlines())


def package(module: str) -> str:
    """Return the package that a module is in."""
    return module.partition(".")[0]


@pytest.mark.parametrize("method", FIRST_REQUESTS)
def test_the_first_answer_loads_the_sdk_and_ourselves(method: str, tmp_path: Path) -> None:
    ours, bare = loaded(OURS, method, tmp_path), loaded(BARE, method, tmp_path)
    assert sorted({package(module) for module in ours} & HEAVY) == []
    free = {*sys.stdlib_module_names, "__main__", "mcp_memory"}
    added = {module for module in ours - bare if package(module) not in free}
    assert sorted(module for module in added if not {module, package(module)} & NEEDED) == []


def test_the_first_answer_makes_no_file(tmp_path: Path) -> None:
    loaded(OURS, "initialize", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["modules.txt"]
