"""The MCP door over stdio: one client, whose process this is. It holds no rules of its own."""

from __future__ import annotations

from mcp_memory.mcp_door.memory_server import MemoryServer
from mcp_memory.mcp_door.on_demand import MemoryOnDemand, Open, from_environment
from mcp_memory.mcp_door.stdio import announce, configure_logging, run_until_told_to_leave


def build_server(open_it: Open = from_environment) -> MemoryServer:
    """Return a server over the memory that ``open_it`` opens at the first call that needs it."""
    return MemoryServer(MemoryOnDemand(open_it))


def run_stdio(open_it: Open = from_environment, *, log_level: str | None = None) -> None:
    """Serve stdin and stdout until stdin ends or the process is told to leave; then close what was opened.

    Args:
        open_it: opens memory, at the first call that needs it.
        log_level: what to log on stderr; the environment's LOG_LEVEL if not given.
    """
    # First of all: the SDK would configure logging in its own way.
    configure_logging(log_level)
    announce()
    run_until_told_to_leave(build_server(open_it).run_stdio_async)
