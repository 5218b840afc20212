"""What tests of single modules share."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_memory.config import Settings


@pytest.fixture
def empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set, and the working folder is empty."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
