"""Names are the domain's words: a name that says nothing hides that a thing has no place."""

from __future__ import annotations

import ast
from pathlib import Path

EMPTY_MODULES = {
    "base",
    "common",
    "core",
    "helper",
    "helpers",
    "manager",
    "misc",
    "shared",
    "tools_util",
    "util",
    "utils",
}
EMPTY_ENDINGS = ("Base", "Helper", "Manager", "Util", "Utils")


def test_no_module_is_called_by_a_word_that_says_nothing(root: Path) -> None:
    names = [path.relative_to(root).as_posix() for path in (root / "mcp_memory").rglob("*.py")]
    names += [path.relative_to(root).as_posix() for path in (root / "tui").rglob("*.py")]
    said = [name for name in names if set(name.removesuffix(".py").split("/")) & EMPTY_MODULES]
    assert not said


def test_no_class_is_called_by_a_word_that_says_nothing(root: Path) -> None:
    said = [
        f"{path.relative_to(root).as_posix()}: {node.name}"
        for path in sorted((root / "mcp_memory").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and (node.name.startswith("Base") or node.name.endswith(EMPTY_ENDINGS))
    ]
    assert not said
