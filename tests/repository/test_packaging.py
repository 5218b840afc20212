"""What is installed: few packages, pinned by hash, from no particular place; the model is in the wheel."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mcp_memory import __version__

MOST_PACKAGES = 52
LOCKS = ("build", "core", "dev")


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def pinned(root: Path, lock: str) -> dict[str, set[str]]:
    """Return the versions of each package that a lock file lists, for all systems together."""
    versions: dict[str, set[str]] = {}
    for line in (root / "requirements" / f"{lock}.lock").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([a-z0-9.-]+)==(\S+)", line):
            versions.setdefault(found[1], set()).add(found[2])
    return versions


def test_the_program_needs_few_packages(root: Path) -> None:
    assert len(pinned(root, "core")) + 1 <= MOST_PACKAGES


def test_every_dependency_is_locked(root: Path, project: dict[str, Any]) -> None:
    names = {re.split(r"[<>=\[]", requirement)[0] for requirement in project["dependencies"]}
    assert names <= set(pinned(root, "core"))


def test_the_tests_run_with_the_versions_that_users_get(root: Path) -> None:
    core, dev = pinned(root, "core"), pinned(root, "dev")
    assert core == {name: versions for name, versions in dev.items() if name in core}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_hashes_and_names_no_place(root: Path, lock: str) -> None:
    text = (root / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert text.count("==") <= text.count("--hash=sha256:")


def test_weight_that_not_everybody_wants_is_an_extra(project: dict[str, Any]) -> None:
    extras = project["optional-dependencies"]
    assert set(extras) == {"redis", "rest", "tui", "keyring", "openai", "ollama", "all"}
    assert extras["all"] == ["mcp-memory[redis,rest,tui,keyring,openai,ollama]"]


def test_both_programs_are_the_same_one(project: dict[str, Any]) -> None:
    assert set(project["scripts"]) == {"agent-memory", "mcp-memory"}
    assert len(set(project["scripts"].values())) == 1


def test_the_wheel_holds_the_model_its_licence_and_every_text(root: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    model = "mcp_memory/embedders/minilm"
    wanted = {f"{model}/{name}" for name in ("model.onnx", "model.json", "tokenizer.json", "LICENSE", "NOTICE")}
    for suffix in ("*.py", "*.md", "*.txt", "*.sql", "py.typed"):
        wanted |= {path.relative_to(root).as_posix() for path in (root / "mcp_memory").rglob(suffix)}
    assert wanted <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "scripts/"))]


def test_the_registry_entry_starts_the_program(root: Path, project: dict[str, Any]) -> None:
    entry = json.loads((root / "server.json").read_text(encoding="utf-8"))
    assert f"<!-- mcp-name: {entry['name']} -->" in (root / "README.md").read_text(encoding="utf-8")
    package = entry["packages"][0]
    assert package["identifier"] == project["name"]
    assert package["transport"] == {"type": "stdio"}
    assert entry["version"] == package["version"] == __version__
