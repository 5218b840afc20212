"""``agent-memory forget`` over a store in a file: a look by default, and what it did when it was told to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.doors.commands import answered, printed, run

ULID = "[0-9A-HJKMNP-TV-Z]{26}"


@pytest.fixture(autouse=True)
def memories(new_store: Path) -> None:
    """Three of nobody's, a pinned one and one of Ann's."""
    for number in range(3):
        printed("remember", f"Fact {number}", "--id", str(number))
    printed("remember", "Pinned", "--id", "pinned")
    printed("edit", "pinned", "--pin")
    printed("remember", "Ann's", "--id", "ann", "-u", "ann", "--type", "episodic")


def left() -> list[str]:
    return sorted(hit["id"] for hit in answered("search")["memories"])


def test_a_look_shows_what_would_be_forgotten_and_why() -> None:
    lines = printed("forget", "--budget", "1").splitlines()
    assert lines[0] == "Would forget 2 of 5 memories."
    assert re.fullmatch(r"Memory +Created +Last used +Why +Text", lines[2])
    why = "not among the 1 most recent of its namespace and user"
    assert re.fullmatch(rf"0 +\d{{4}}-\d\d-\d\d +\d{{4}}-\d\d-\d\d +{why} +Fact 0", lines[4])
    assert lines[-1] == "Nothing was changed. Forget them: the same with --yes"
    assert left() == ["0", "1", "2", "ann", "pinned"]


@pytest.mark.parametrize("option", ["--yes", "-y", "--no-dry-run"])
def test_told_to_it_forgets_and_says_how_it_is_taken_back(option: str) -> None:
    lines = printed("forget", "--budget", "1", option).splitlines()
    assert lines[0] == "Forgot 2 of 5 memories."
    assert left() == ["2", "ann", "pinned"]
    undo = re.fullmatch(f"Undo: agent-memory (undo {ULID})", lines[-1])
    assert undo
    printed(*undo[1].split())
    assert left() == ["0", "1", "2", "ann", "pinned"]


def test_every_option_reaches_the_policy() -> None:
    def ids(*options: str) -> list[str]:
        return sorted(answered("forget", *options)["deleted_ids"])

    assert ids("--max-age-days", "0") == ids("--max-inactive-days", "0") == ["0", "1", "2", "ann"]
    assert ids("--max-age-days", "1") == ids("--max-inactive-days", "1") == []
    assert ids("--budget", "0", "--type", "episodic") == ids("--budget", "0", "-u", "ann") == ["ann"]
    assert ids("--budget", "0", "-n", "home") == ids("--budget", "0", "-s", "s") == []
    assert ids("--budget", "0", "--keep", "0", "--keep", "ann") == ["1", "2"]
    assert len(ids("--budget", "0", "--limit", "3")) == 3


def test_the_operation_tells_what_was_asked() -> None:
    limits = ["--max-age-days", "10", "--max-inactive-days", "5", "--hard-age-multiplier", "2", "--budget", "0"]
    operation = answered("forget", *limits, "--yes")["operation"]
    assert "Asked      older than 10 days and unused for 5 days; older than 20 days; more than 0 of one" in printed(
        "operations", "show", operation
    )


def test_the_answer_as_json_has_the_documented_fields() -> None:
    answer = answered("forget", "--budget", "2", "--yes")
    (listed,) = answer.pop("listed")
    assert re.fullmatch(ULID, answer.pop("operation"))
    assert answer == {"scanned": 5, "deleted": 1, "deleted_ids": ["0"], "dry_run": False, "kept": 0}
    assert (listed["id"], listed["rule"], listed["text"]) == ("0", "budget", "Fact 0")


def test_without_limits_those_of_the_settings_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("forget", "--yes")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "FORGETTING_BUDGET_KEEP_TOP_N" in result.stderr
    monkeypatch.setenv("FORGETTING_BUDGET_KEEP_TOP_N", "2")
    monkeypatch.setenv("FORGETTING_MAX_AGE_DAYS", "30")
    assert printed("forget").startswith("Would forget 1 of 5 memories.\n")
    assert printed("forget", "--max-age-days", "1") == "Would forget 0 of 5 memories.\n"


def test_a_limit_that_makes_no_sense_is_refused() -> None:
    result = run("forget", "--max-age-days", "-1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: --max-age-days: ")


def test_a_long_list_is_shown_in_part() -> None:
    for number in range(30):
        printed("remember", f"More {number}")
    assert printed("forget", "--budget", "0").splitlines()[-3] == "... and 14 more"
