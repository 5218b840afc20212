"""``backup``, ``restore``, ``migrate-memories`` and ``reembed`` from the terminal: what they do, ask and print."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from mcp_memory.stores.sqlite.migrations import MIGRATIONS, RELEASED
from tests.doors.commands import Run, said

OLD = Path(__file__).parents[1] / "migrations" / f"v{RELEASED[0]}.sqlite3"


def texts(run: Run, *arguments: str) -> list[str]:
    found = json.loads(said(run("search", *arguments, "--format", "json")))
    return sorted(hit["text"] for hit in found["memories"])


def test_what_was_backed_up_is_restored_and_what_was_there_is_kept(run: Run, tmp_path: Path) -> None:
    said(run("remember", "The harbour opens at six"))
    assert said(run("backup", "kept/first.sqlite3")) == "Backed up 1 memory and 0 sessions: kept/first.sqlite3\n"
    said(run("remember", "The museum opens at nine"))
    answer = said(run("restore", "kept/first.sqlite3", stdin="y\n"))
    asked, restored, before = answer.splitlines()
    assert asked == (
        f"Replace everything in sqlite:///{tmp_path.as_posix()}/memory.sqlite3 by what kept/first.sqlite3 holds? "
        "[y/N]: y"
    )
    assert restored == "Restored 1 memory and 0 sessions."
    assert texts(run, "opens") == ["The harbour opens at six"]
    kept = before.removeprefix("The store as it was before: ")
    assert re.fullmatch(r"memory\.sqlite3\.before-restore-\d{8}T\d{6}Z", Path(kept).name)
    assert texts(run, "opens", "--db", kept) == ["The harbour opens at six", "The museum opens at nine"]


def test_a_restore_that_is_not_confirmed_changes_nothing(run: Run) -> None:
    said(run("remember", "The harbour opens at six"))
    said(run("backup", "first.sqlite3"))
    said(run("remember", "The museum opens at nine"))
    assert said(run("restore", "first.sqlite3", stdin="n\n")).endswith("Nothing was restored.\n")
    assert run("restore", "first.sqlite3").exit_code == 2
    assert len(texts(run, "opens")) == 2


def test_a_file_that_is_there_is_replaced_by_force_alone(run: Run) -> None:
    said(run("remember", "The harbour opens at six"))
    said(run("backup", "first.sqlite3"))
    result = run("backup", "first.sqlite3")
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(
        r"Error: .*first\.sqlite3 exists: name another file, or replace it with --force\n", result.stderr
    )
    said(run("backup", "first.sqlite3", "--force"))


@pytest.mark.parametrize("arguments", [["backup", "copy"], ["restore", "copy", "--force"]])
def test_a_store_that_is_no_file_says_that_there_is_nothing_to_do(run: Run, arguments: list[str]) -> None:
    result = run("--db", "ephemeral://", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ephemeral:// keeps nothing")


def test_a_folder_that_is_synchronised_is_no_place_to_restore_to(run: Run) -> None:
    said(run("remember", "The harbour opens at six"))
    said(run("backup", "first.sqlite3"))
    result = run("--db", "Dropbox/memory.sqlite3", "restore", "first.sqlite3", "-f")
    assert result.exit_code == 1
    assert "MEMORY_ALLOW_SHARED_FOLDER" in result.stderr


def test_pending_migrations_are_listed_and_done_once(run: Run, tmp_path: Path) -> None:
    """The copy that was made before is named."""
    shutil.copy(OLD, tmp_path / "memory.sqlite3")
    names = [f"{step.version:04} {step.name}" for step in MIGRATIONS[1:]]
    result = run("migrate-memories")
    assert result.exit_code == 0
    *lines, last = result.stdout.splitlines()
    assert lines == [f"Pending: {', '.join(names)}", *(f"Applied: {name}" for name in names)]
    assert last == f"The store as it was before: {tmp_path / 'memory.sqlite3'}.before-{MIGRATIONS[1].version}"
    assert said(run("migrate-memories")) == "No migrations are pending.\n"
    assert texts(run, "") == ["Ann drinks tea", "Ann lives in Oslo"]


def test_vectors_are_made_anew_after_a_change_of_the_model(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statistics say that some wait."""
    said(run("remember", "The harbour opens at six"))
    assert said(run("reembed")) == "Every memory has a vector of the present model.\n"
    monkeypatch.setenv("EMBEDDING_MODEL", "all-MiniLM-L6-v2")
    assert "Without a vector  1, agent-memory reembed makes them" in said(run("stats"))
    assert said(run("reembed")) == "Made the vectors of 1 memory.\n"
    assert json.loads(said(run("stats", "--format", "json")))["without_vector"] == 0
    assert texts(run, "When can ships come in?") == ["The harbour opens at six"]
