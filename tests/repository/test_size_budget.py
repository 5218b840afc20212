"""A module is read in one sitting, a function on one screen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

MODULE_LINES = 400
FUNCTION_LINES = 50
PARAMETERS = 6
ALLOWED: dict[str, str] = {
    "mcp_memory/long_term_memory.py:compact_long_term_memories": "the signature that users' programs call",
}
"""What may be larger, as ``path:name`` or ``path``, each with its reason."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("mcp_memory", "tui", "tests", "benchmarks", "scripts", "examples")
MODULES = [ROOT / "make.py", *sorted(path for folder in PROGRAMS for path in (ROOT / folder).rglob("*.py"))]


def functions(path: Path) -> Iterator[Function]:
    """Yield every function and method of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def parameters(function: Function) -> int:
    """Count the parameters that a caller sees."""
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_is_short_and_so_are_its_functions(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    lines = len(path.read_text(encoding="utf-8").splitlines())
    too_large = [f"{name} has {lines} lines"] if lines > MODULE_LINES and name not in ALLOWED else []
    for function in functions(path):
        if f"{name}:{function.name}" in ALLOWED:
            continue
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES:
            too_large.append(f"{function.name} has {length} lines")
        if parameters(function) > PARAMETERS:
            too_large.append(f"{function.name} has {parameters(function)} parameters")
    assert not too_large


def test_every_exception_is_still_there() -> None:
    gone = [name for name in ALLOWED if not (ROOT / name.partition(":")[0]).exists()]
    assert not gone
