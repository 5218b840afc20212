"""Tests use the small real implementations that the package ships, and wait for events, never for time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

MOCKING_MODULES = {"mock", "pytest_mock", "unittest.mock"}
MOCKING_NAMES = {"AsyncMock", "MagicMock", "Mock", "mocker", "patch"}


def shortcuts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of everything that replaces our code or waits for time to pass."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names if name.name in MOCKING_MODULES)
        elif isinstance(node, ast.ImportFrom):
            if node.module in MOCKING_MODULES or (node.module == "unittest" and "mock" in {n.name for n in node.names}):
                yield node.lineno, f"{node.module}"
        elif isinstance(node, ast.arg) and node.arg in MOCKING_NAMES:
            yield node.lineno, node.arg
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, said) for said in called(node))


def called(node: ast.Call) -> Iterator[str]:
    """Yield the name of what is called, if it is one of the shortcuts."""
    function = node.func
    if isinstance(function, ast.Name) and function.id in {*MOCKING_NAMES, "sleep"}:
        yield function.id
    if isinstance(function, ast.Attribute):
        owner = function.value.id if isinstance(function.value, ast.Name) else ""
        if function.attr == "sleep" or (owner == "monkeypatch" and function.attr == "setattr"):
            yield f"{owner}.{function.attr}"


def test_no_test_replaces_our_code_or_sleeps(root: Path) -> None:
    found = [
        f"{path.relative_to(root).as_posix()}:{line} {name}"
        for path in sorted((root / "tests").rglob("*.py"))
        for line, name in shortcuts(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found


def test_a_shortcut_is_found() -> None:
    text = "import time\nfrom unittest.mock import patch\n\ndef test(monkeypatch):\n    time.sleep(1)\n"
    text += '    monkeypatch.setattr("mcp_memory.x", 1)\n    monkeypatch.setenv("A", "b")\n'
    assert [name for _, name in shortcuts(ast.parse(text))] == ["unittest.mock", "time.sleep", "monkeypatch.setattr"]
