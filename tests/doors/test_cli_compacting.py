"""``compact`` and ``suggestions``: what they print, and that it is so."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.doors.commands import Run, said

SAME = ("Ann likes green tea", "Ann likes the green tea")
WIDE = ("--threshold", "0.9")


def remember(run: Run, *texts: str) -> None:
    for number, text in enumerate(texts):
        said(run("remember", text, "--id", f"m{number}"))


def stored(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said(run("search", "--format", "json")))["memories"]
    return found


def test_a_plan_shows_what_would_become_of_what(run: Run) -> None:
    remember(run, *SAME, "Milk is in the fridge")
    plan = said(run("compact", "--dry-run", *WIDE))
    assert re.search(r"\[1\] .+\n    - Ann likes .+\(m\d, .+\)\n    - Ann likes .+\n    = Ann likes ", plan)
    assert plan.endswith(
        "Would have merged 2 memories into 1, ended 0, suggested 0.\nMemories: 3 (nothing was changed)\n"
    )
    assert len(stored(run)) == 3


def test_it_is_done_and_says_how_to_undo_it(run: Run) -> None:
    remember(run, *SAME)
    done = said(run("compact", *WIDE))
    assert "Merged 2 memories into 1, ended 0, suggested 0.\nMemories: 1\n" in done
    assert re.search(r"\nUndo: agent-memory undo \w{26}\n$", done)
    assert len(stored(run)) == 1


def test_what_to_type_next_names_the_store_that_was_named(run: Run) -> None:
    """In another store neither the operation nor the suggestion would be found."""
    remember(run, *SAME)
    said(run("remember", "Bob likes tea", "--id", "dated", "--event-date", "2026-01-01"))
    said(run("remember", "Bob likes the tea", "--id", "undated"))
    undo, decide = said(run("compact", *WIDE, "--db", "memory.sqlite3")).splitlines()[-2:]
    assert re.fullmatch(r'Undo: agent-memory undo \w{26} --db "sqlite:///memory.sqlite3"', undo)
    assert decide == 'Decide: agent-memory suggestions --db "sqlite:///memory.sqlite3"'


def test_hash_only_leaves_other_words_alone(run: Run) -> None:
    remember(run, *SAME)
    assert "Merged 0 memories" in said(run("compact", "--hash-only", *WIDE))


def test_one_owner_is_compacted_alone(run: Run) -> None:
    for who in ("ann", "bob"):
        for number, text in enumerate(SAME):
            said(run("remember", text, "--id", f"{who}{number}", "-u", who))
    assert "Merged 2 memories into 1," in said(run("compact", "-u", "ann", *WIDE))
    assert len(stored(run)) == 3


def test_json_holds_the_steps(run: Run) -> None:
    remember(run, *SAME)
    done = json.loads(said(run("compact", "--dry-run", "--format", "json", *WIDE)))
    assert [(step["kind"], len(step["before"])) for step in done["steps"]] == [("merge", 2)]
    assert done["status"] == "ok, 2 memories remaining after compaction"


@pytest.mark.parametrize("threshold", ["2", "-0.5"])
def test_a_threshold_that_is_none_is_refused(run: Run, threshold: str) -> None:
    refused = run("compact", "--threshold", threshold)
    assert (refused.exit_code, refused.stderr.startswith("Error: --threshold: ")) == (2, True)


def suggested(run: Run) -> str:
    """Leave one suggestion and return its id."""
    said(run("remember", "Ann likes tea", "--id", "Dated", "--event-date", "2026-01-01"))
    said(run("remember", "Ann likes the tea", "--id", "undated"))
    assert "Decide: agent-memory suggestions" in said(run("compact", *WIDE))
    listed = said(run("suggestions"))
    assert listed.startswith("Found 1 suggestion (showing 1):\n\nID: ")
    assert "\n    - Ann likes tea  (Dated, " in listed
    (suggestion,) = json.loads(said(run("suggestions", "--format", "json")))["suggestions"]
    return str(suggestion["id"])


def test_a_suggestion_is_applied(run: Run) -> None:
    done = said(run("suggestions", "apply", suggested(run), "--text", "Ann likes tea a lot"))
    assert re.search(r"^Memory Dated is at version 2\.\nUndo: agent-memory undo \w{26}\n$", done)
    assert [memory["text"] for memory in stored(run)] == ["Ann likes tea a lot"]


def test_a_suggestion_is_dismissed_for_good(run: Run) -> None:
    suggestion = suggested(run)
    assert said(run("suggestions", "dismiss", suggestion)) == "Both memories stay as they are.\n"
    assert "suggested 0" in said(run("compact", "--full", *WIDE))
    gone = run("suggestions", "apply", suggestion)
    assert (gone.exit_code, gone.stderr.startswith(f"Error: Suggestion {suggestion} not found")) == (1, True)


def test_a_decision_as_json_says_how_it_is_taken_back(run: Run) -> None:
    done = json.loads(said(run("suggestions", "apply", suggested(run), "--format", "json")))
    assert done["status"] == "ok, memory undated is at version 2"
    said(run("undo", done["operation"]))


def test_a_dismissal_as_json_changes_nothing(run: Run) -> None:
    done = json.loads(said(run("suggestions", "dismiss", suggested(run), "--format", "json")))
    assert done == {"status": "ok, both memories stay as they are", "operation": None}
