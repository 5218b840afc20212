"""``export``, ``import`` and ``copy`` from the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.doors.commands import Run, said


def everything(run: Run, *arguments: str) -> list[dict[str, object]]:
    found = json.loads(said(run("search", "--format", "json", *arguments)))["memories"]
    return sorted(({k: v for k, v in hit.items() if k not in {"last_accessed", "access_count"}} for hit in found),
                  key=lambda hit: str(hit["id"]))  # fmt: skip


@pytest.fixture
def filled(run: Run) -> Run:
    said(run("remember", "The harbour opens at six", "-n", "work", "--topics", "harbour,hours"))
    said(run("remember", "Überraschung: der Hafen schließt um neun 🚢", "-u", "ann", "--event-date", "2026-01-31"))
    return run


WOULD = ["would", "copy", "here", "already", "left", "behind", "compared"]
ALL = "2 memories, 0 sessions, 2 operations and 2 changes"


def test_an_export_is_taken_in_elsewhere_just_as_it_was(filled: Run, tmp_path: Path) -> None:
    assert said(filled("export", "all.jsonl")) == f"Exported {ALL}: all.jsonl\n"
    other = ("--db", "other.sqlite3")
    assert said(filled("import", "all.jsonl", "--dry-run", *other)) == f"Would import {ALL}.\n"
    assert everything(filled, *other) == []
    assert said(filled("import", "all.jsonl", *other)) == f"Imported {ALL}.\n"
    assert everything(filled, *other) == everything(filled)
    again = "Imported 0 memories and 0 sessions.\nHere already: 6.\n"
    assert said(filled("import", "all.jsonl", *other)) == again
    assert said(filled("import", "all.jsonl", "--dry-run", *other)) == f"Would {again[0].lower()}{again[1:]}".replace(
        "imported", "import"
    )
    assert (tmp_path / "all.jsonl").stat().st_mode & 0o077 in {0, 0o066}  # Windows keeps it otherwise


def test_what_comes_among_others_comes_without_its_history_as_one_operation(filled: Run) -> None:
    said(filled("export", "all.jsonl"))
    other = ("--db", "other.sqlite3")
    said(filled("remember", "The lighthouse is red", *other))
    first, left, undo = said(filled("import", "all.jsonl", *other)).splitlines()
    assert first == "Imported 2 memories and 0 sessions."
    assert left == "History left behind: 2 operations. It comes only into a store in which nothing else is."
    assert len(everything(filled, *other)) == 3
    again = said(filled("import", "all.jsonl", *other)).splitlines()
    assert again[:2] == ["Imported 0 memories and 0 sessions.", "Here already: 2."]
    said(filled(*undo.removeprefix("Undo: agent-memory ").replace('"', "").split()))
    assert [hit["text"] for hit in everything(filled, *other)] == ["The lighthouse is red"]


def test_a_file_of_the_first_version_is_still_taken_in(filled: Run, tmp_path: Path) -> None:
    said(filled("export", "all.jsonl"))
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()]
    head = {"format": "mcp-memory archive", "version": 1, "exported_at": lines[0]["exported_at"]}
    memories = [
        {name: line[name] for name in ("kind", "record", "names")} for line in lines if line.get("kind") == "memory"
    ]
    end = {"kind": "end", "memories": 2, "sessions": 0}
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (head, *memories, end))
    (tmp_path / "first.jsonl").write_text(text, encoding="utf-8")
    first, undo = said(filled("import", "first.jsonl", "--db", "other.sqlite3")).splitlines()
    assert first == "Imported 2 memories and 0 sessions."
    assert undo.startswith("Undo: agent-memory undo ")
    assert everything(filled, "--db", "other.sqlite3") == everything(filled)


def test_a_file_that_was_cut_off_or_is_none_is_not_taken_in(filled: Run, tmp_path: Path) -> None:
    said(filled("export", "all.jsonl"))
    whole = (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    faults = {
        "".join(whole[:-1]): "its last line is missing: it was cut off",
        "".join([whole[0], *whole[2:]]): "it holds 5 records and says that they are 6",
        "Hello\n": "it does not begin as an archive does",
        "": "it does not begin as an archive does",
        whole[0].replace('"version":2', '"version":9'): "a newer version of mcp-memory wrote it",
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
    assert answer[:3] == [
        "Imported 2 memories, 0 sessions, 1 operation and 1 change.",
        "Left behind: 1 change.",
        "Could not be read: 1.",
    ]
    assert answer[3].startswith("  line 2: ")
    # What the operation did that could not be read has no place without it.
    assert len(everything(filled, "--db", "other.sqlite3")) == 2
    assert said(filled("operations", "--db", "other.sqlite3")).count("create") == 1


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
    ways = ("copy", "--from", "memory.sqlite3", "--to", "other.sqlite3")
    assert said(filled(*ways, "--dry-run")).splitlines()[0].split() == WOULD
    copied = said(filled(*ways)).splitlines()
    assert [line.split() for line in copied[2:-1]] == [
        [kind, "2", "2"] for kind in ("operations", "changes", "memories")
    ]
    assert (
        copied[-1] == "Compared: all 6 records are in sqlite:///other.sqlite3 as they are in sqlite:///memory.sqlite3."
    )
    assert everything(filled, "--db", "other.sqlite3") == everything(filled)


def test_a_copy_that_differs_is_an_error(filled: Run) -> None:
    said(filled("copy", "--from", "memory.sqlite3", "--to", "other.sqlite3"))
    memory_id = str(everything(filled)[0]["id"])
    said(filled("edit", memory_id, "--text", "The harbour opens at seven", "--db", "other.sqlite3"))
    differing = filled("copy", "--from", "memory.sqlite3", "--to", "other.sqlite3")
    assert differing.exit_code == 1
    assert (
        "1 of 2 records are not in sqlite:///other.sqlite3 as they are in sqlite:///memory.sqlite3 (1 memories)"
        in differing.stderr
    )
    same = filled("copy", "--from", "memory.sqlite3", "--to", "sqlite:///memory.sqlite3")
    assert (same.exit_code, "cannot be copied into itself" in same.stderr) == (2, True)


def test_a_copy_goes_into_the_store_in_use(filled: Run) -> None:
    said(filled("copy", "--from", "memory.sqlite3", "--db", "other.sqlite3"))
    assert everything(filled, "--db", "other.sqlite3") == everything(filled)


def test_what_was_taken_in_as_json(filled: Run) -> None:
    """Also where a copy differs, which is an error."""
    copied = json.loads(said(filled("copy", "--from", "memory.sqlite3", "--to", "other.sqlite3", "--format", "json")))
    assert copied["kinds"]["memories"] == {"taken": 2, "there": 0, "left": 0}
    assert (copied["history"], copied["operation"], copied["dry_run"]) == ("whole", None, False)
    assert (copied["compared"]["records"]["memories"], sum(copied["compared"]["missing"].values())) == (2, 0)
    said(filled("export", "all.jsonl"))
    dry = json.loads(said(filled("import", "all.jsonl", "--dry-run", "--format", "json")))
    assert (dry["kinds"]["memories"], dry["dry_run"]) == ({"taken": 0, "there": 2, "left": 0}, True)
    memory_id = str(everything(filled)[0]["id"])
    said(filled("edit", memory_id, "--text", "The harbour opens at seven", "--db", "other.sqlite3"))
    differing = filled("copy", "--from", "memory.sqlite3", "--to", "other.sqlite3", "--format", "json")
    assert (differing.exit_code, json.loads(differing.stdout)["compared"]["missing"]["memories"]) == (1, 1)
