"""Reads the texts of this folder, wherever the package is installed (a folder or a zip file)."""

from __future__ import annotations

from importlib.resources import files


def text(name: str) -> str:
    """Return the text file ``name`` of this folder, without the line break at its end."""
    return files(__package__ or "mcp_memory.prompts").joinpath(name).read_text(encoding="utf-8").rstrip("\n")
