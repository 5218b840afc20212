"""``python -m mcp_memory`` is ``agent-memory``."""

from __future__ import annotations

from mcp_memory.cli.main import main

if __name__ == "__main__":
    main()
