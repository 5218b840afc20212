"""A process that was told to leave ends, whatever its threads do."""

from __future__ import annotations

import subprocess
import sys


def test_a_process_ends_though_a_thread_goes_on() -> None:
    """Python itself would wait for the thread."""
    program = """
import threading
from mcp_memory.leaving import leave_within
threading.Thread(target=threading.Event().wait).start()
leave_within(0.01)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
