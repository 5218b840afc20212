"""Doors ask use cases, which know who may see what: none reaches around them into what these stand on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

DOORS = ("cli", "mcp_door", "rest_door", "http_door", "server", "network", "rest", "worker", "long_term_memory")
STOOD_ON = ("store", "embedder", "queue")
"""What ``services.memory.Memory`` holds beside the use cases."""
ADAPTERS = tuple(f"mcp_memory.{folder}." for folder in ("stores", "embedders", "llms", "queues", "auth"))
"""What only ``bootstrap`` loads by name; that they are not imported either, import-linter sees."""


def _doors(root: Path) -> Iterator[tuple[str, ast.AST]]:
    package = root / "mcp_memory"
    paths = [*(root / "tui").rglob("*.py")]
    for name in DOORS:
        paths += [package / f"{name}.py"] if (package / f"{name}.py").exists() else [*(package / name).rglob("*.py")]
    for path in sorted(paths):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield f"{path.relative_to(root).as_posix()}:{getattr(node, 'lineno', 0)}", node


def test_no_door_asks_what_the_use_cases_stand_on(root: Path) -> None:
    asked = [where for where, node in _doors(root) if isinstance(node, ast.Attribute) and node.attr in STOOD_ON]
    assert not asked


def test_no_door_loads_an_adapter(root: Path) -> None:
    loaded = [
        where
        for where, node in _doors(root)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(ADAPTERS)
    ]
    assert not loaded
