"""``delete memory``: what is looked at, asked and told before and after memories go."""

from __future__ import annotations

import json

import pytest

from tests.doors.commands import Run, found, ids, remembered, said


def test_deleting_asks_first(run: Run) -> None:
    remembered(run, "Tea", "1")
    refused = run("delete", "memory", "1", stdin="n\n")
    assert refused.exit_code == 0
    assert refused.stdout.splitlines() == ["  1  Tea", "Delete 1 memory? [y/N]: n", "Nothing was deleted."]
    assert ids(run) == ["1"]
    assert "Deleted 1 memories.\n" in said(run("delete", "memory", "1", stdin="y\n"))
    assert ids(run) == []


def test_nobody_to_ask_is_an_error_that_says_how_to_go_on(run: Run) -> None:
    remembered(run, "Tea", "1")
    result = run("delete", "memory", "1")
    assert result.exit_code == 2
    assert "Nobody answered; --force goes on without asking." in result.stderr
    assert ids(run) == ["1"]


def test_a_deletion_as_json_is_the_memories_and_how_to_take_it_back(run: Run) -> None:
    """What people are shown and asked goes to stderr."""
    remembered(run, "Tea", "1")
    told = json.loads(run("delete", "memory", "1", "2", "--dry-run", "--format", "json").stdout)
    assert (told["status"], told["dry_run"], told["operation"]) == ("Would delete 1 memory", True, None)
    assert ([one["id"] for one in told["memories"]], told["missing"]) == (["1"], ["2"])
    asked = run("delete", "memory", "1", "--format", "json", stdin="n\n")
    assert json.loads(asked.stdout)["status"] == "Nothing was deleted"
    assert asked.stderr.startswith("  1  Tea\nDelete 1 memory?")
    told = json.loads(said(run("delete", "memory", "1", "-f", "--format", "json")))
    assert told["status"] == "ok, deleted 1 memories"
    assert said(run("undo", told["operation"])).startswith("Undone: 1 memory")
    told = json.loads(said(run("delete", "memory", "1", "--purge", "-f", "--format", "json")))
    assert (told["status"], told["operation"]) == ("ok, erased 1 memories", None)


def test_a_dry_run_deletes_nothing(run: Run) -> None:
    for number in range(25):
        remembered(run, f"Fact {number}", f"id-{number}")
    lines = said(run("delete", "memory", *(f"id-{number}" for number in range(25)), "--dry-run")).splitlines()
    assert lines[0] == "Would delete 25 memories:"
    assert lines[1] == "  id-0   Fact 0"
    assert lines[-1] == "  ... and 5 more"
    assert len(lines) == 22
    assert found(run)["total"] == 25


def test_ids_that_are_not_there_are_named_and_the_others_deleted(run: Run) -> None:
    remembered(run, "Tea", "1")
    result = run("delete", "memory", "1", "1", "2", "-f")
    assert (result.exit_code, result.stderr) == (0, "Not found: 2\n")
    assert result.stdout.startswith("Deleted 1 memories.\n")


@pytest.mark.parametrize("options", [["-f"], [], ["--dry-run"], ["-f", "--format", "json"]])
def test_deleting_what_is_not_there_is_not_found(run: Run, options: list[str]) -> None:
    """As for show and edit; to erase is to clean up as well, and may be called again."""
    result = run("delete", "memory", "1", "2", *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: Memory with ID 1 not found\nError: Memory with ID 2 not found\n"
    assert run("show", "1").exit_code == 1


def test_the_owner_restricts_what_is_deleted(run: Run) -> None:
    remembered(run, "Tea", "1", "-n", "home")
    assert run("delete", "memory", "1", "-n", "work", "-f").exit_code == 1
    assert ids(run) == ["1"]


@pytest.mark.parametrize(
    ("option", "answer"),
    [
        ("--empty-text", "There are no memories with empty text.\n"),
        ("--invalid", "There are no invalid memories.\n"),
        ("--force", "No memories to delete: name their ids, or use --empty-text or --invalid.\n"),
    ],
)
def test_memories_that_cannot_be_are_looked_for(run: Run, option: str, answer: str) -> None:
    remembered(run, "Tea", "1")
    assert said(run("delete", "memory", option)) == answer
