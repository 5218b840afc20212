"""A short form of the soak: four servers and a worker on one file, compaction running throughout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 15
PATIENCE = 240


@pytest.mark.skipif(os.name != "posix", reason="Windows ends processes without asking")
def test_four_servers_and_a_worker_lose_and_refuse_nothing() -> None:
    """The program itself checks every acknowledged memory, and ends with 1 if anything was wrong."""
    soak = [sys.executable, "benchmarks/soak.py", "--seconds", str(SECONDS)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        soak, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Wrong: nothing" in done.stdout
