"""``export``, ``import`` and ``copy`` from the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from mcp_memory.cli.main import cli
from mcp_memory.config import Settings

Run: TypeAlias = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command; every call opens the same file anew."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("EMBEDDING_MODEL", "hashing")
    monkeypatch.setenv("MEMORY_STORE_URL", "sqlite:///memory.sqlite3")
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments, prog_name="agent-memory")

    return invoke


def said(result: Result) -> str:
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


def everything(run: Run, *arguments: str) -> list[dict[str, object]]:
    found = json.loads(said(run("search", "--format", "json", *arguments)))["memories"]
    return sorted(({k: v for k, v in hit.items() if k not in {"last_accessed", "access_count"}} for hit in found),
                  key=lambda hit: str(hit["id"]))  # fmt: skip


@pytest.fixture
def filled(run: Run) -> Run:
    said(run("remember", "The harbour opens at six", "-n", "work", "--topics", "harbour,hours"))
    said(run("remember", "Überraschung: der Hafen schließt um neun 🚢", "-u", "ann", "--event-date", "2026-01-31"))
    return run


def test_an_export_is_taken_in_elsewhere_just_as_it_was(filled: Run, tmp_path: Path) -> None:
    assert said(filled("export", "all.jsonl")) == "Exported 2 memories and 0 sessions: all.jsonl\n"
    other = ("--db", "other.sqlite3")
    dry = said(filled("import", "all.jsonl", "--dry-run", *other))
    assert dry == "Would import 2 memories and 0 sessions.\n"
    assert everything(filled, *other) == []
    first, undo = said(filled("import", "all.jsonl", *other)).splitlines()
    assert first == "Imported 2 memories and 0 sessions."
    assert everything(filled, *other) == everything(filled)
    assert said(filled("import", "all.jsonl", *other)).splitlines() == [
        "Imported 0 memories and 0 sessions.",
        "Here already: 2.",
    ]
    said(filled(*undo.removeprefix("Undo: agent-memory ").replace('"', "").split()))
    assert everything(filled, *other) == []
    assert (tmp_path / "all.jsonl").stat().st_mode & 0o077 in {0, 0o066}  # Windows keeps it otherwise


def test_a_file_that_was_cut_off_or_is_none_is_not_taken_in(filled: Run, tmp_path: Path) -> None:
    said(filled("export", "all.jsonl"))
    whole = (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    faults = {
        "".join(whole[:-1]): "its last line is missing: it was cut off",
        "".join([whole[0], *whole[2:]]): "it holds 1 records and says that they are 2",
        "Hello\n": "it does not begin as an archive does",
        "": "it does not begin as an archive does",
        whole[0].replace('"version":1', '"version":9'): "a newer version of mcp-memory wrote it",
    }
    for text, why in faults.items():
        (tmp_path / "broken.jsonl").write_text(text, encoding="utf-8")
        refused = filled("import", "broken.jsonl", "--db", "other.sqlite3")
        assert refused.exit_code == 2
        assert why in refused.stderr
    assert everything(filled, "--db", "other.sqlite3") == []


def test_a_line_that_is_no_record_is_named_and_the_others_are_taken_in(filled: Run, tmp_path: Path) -> None:
    said(filled("export", "all.jsonl"))
    whole = (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "all.jsonl").write_text("".join([whole[0], "{}\n", *whole[2:]]), encoding="utf-8")
    answer = said(filled("import", "all.jsonl", "--db", "other.sqlite3")).splitlines()
    assert answer[:2] == ["Imported 1 memory and 0 sessions.", "Could not be read: 1."]
    assert answer[2].startswith("  line 2: ")


def test_no_file_is_overwritten_and_none_is_left_where_it_cannot_be_written(filled: Run, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine", encoding="utf-8")
    refused = filled("export", "there")
    assert (refused.exit_code, (tmp_path / "there").read_text(encoding="utf-8")) == (2, "mine")
    assert "is there already" in refused.stderr
    assert filled("export", "no/such/folder.jsonl").exit_code == 1
    missing = filled("import", "nothing.jsonl")
    assert (missing.exit_code, "nothing.jsonl cannot be read" in missing.stderr) == (1, True)
    assert {path.name for path in tmp_path.iterdir()} >= {"there", "memory.sqlite3"}
    assert not list(tmp_path.glob("*.part"))


def test_a_store_is_copied_and_compared(filled: Run) -> None:
    copied = said(filled("copy", "--from", "memory.sqlite3", "--to", "other.sqlite3")).splitlines()
    assert copied[0] == "Imported 2 memories and 0 sessions."
    assert (
        copied[-1] == "Compared: all 2 records are in sqlite:///other.sqlite3 as they are in sqlite:///memory.sqlite3."
    )
    assert everything(filled, "--db", "other.sqlite3") == everything(filled)


def test_a_copy_that_differs_is_an_error(filled: Run) -> None:
    said(filled("copy", "--from", "memory.sqlite3", "--to", "other.sqlite3"))
    memory_id = str(everything(filled)[0]["id"])
    said(filled("edit", memory_id, "--text", "The harbour opens at seven", "--db", "other.sqlite3"))
    differing = filled("copy", "--from", "memory.sqlite3", "--to", "other.sqlite3")
    assert differing.exit_code == 1
    assert "1 of 2 records are not in sqlite:///other.sqlite3" in differing.stderr
    same = filled("copy", "--from", "memory.sqlite3", "--to", "sqlite:///memory.sqlite3")
    assert (same.exit_code, "cannot be copied into itself" in same.stderr) == (2, True)


def test_a_copy_goes_into_the_store_in_use(filled: Run) -> None:
    said(filled("copy", "--from", "memory.sqlite3", "--db", "other.sqlite3"))
    assert everything(filled, "--db", "other.sqlite3") == everything(filled)


def test_what_was_taken_in_as_json(filled: Run) -> None:
    """Also where a copy differs, which is an error."""
    copied = json.loads(said(filled("copy", "--from", "memory.sqlite3", "--to", "other.sqlite3", "--format", "json")))
    assert (copied["memories"], copied["there"], copied["dry_run"]) == (2, 0, False)
    assert copied["compared"] == {"records": 2, "missing": 0}
    said(filled("undo", copied["operation"], "--db", "other.sqlite3"))
    said(filled("export", "all.jsonl"))
    dry = json.loads(said(filled("import", "all.jsonl", "--dry-run", "--format", "json")))
    assert (dry["memories"], dry["there"], dry["dry_run"]) == (0, 2, True)
    said(filled("copy", "--from", "memory.sqlite3", "--to", "third.sqlite3"))
    memory_id = str(everything(filled)[0]["id"])
    said(filled("edit", memory_id, "--text", "The harbour opens at seven", "--db", "third.sqlite3"))
    differing = filled("copy", "--from", "memory.sqlite3", "--to", "third.sqlite3", "--format", "json")
    assert (differing.exit_code, json.loads(differing.stdout)["compared"]) == (1, {"records": 2, "missing": 1})
