"""``agent-memory views`` over a store in a file: made, summed up, read and deleted, for people and for programs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.doors.commands import answered, printed, run

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture(autouse=True)
def memories(new_store: Path) -> None:
    printed("remember", "Ann sings", "-u", "ann", "--event-date", "2026-05-01")
    printed("remember", "Bob \x1b[31mpaints", "-u", "bob", "-t", "art", "--event-date", "2026-05-02")


def created(*arguments: str) -> str:
    view_id: str = answered("views", "create", *arguments)["id"]
    return view_id


def test_a_view_is_made_summed_up_and_read() -> None:
    lines = printed("views", "create", "Weekly", "--group-by", "user_id").splitlines()
    view_id = lines[0].removeprefix("Created: ")
    assert lines[1] == f"Sum it up: agent-memory views run {view_id}"
    assert printed("views", "show", view_id).endswith(f"\n\nNo summaries yet: agent-memory views run {view_id}\n")
    assert printed("views", "run", view_id).splitlines() == [
        "Summed up 2 of 2 groups.",
        f"Read: agent-memory views show {view_id}",
    ]
    assert printed("views", "run", view_id).splitlines()[0] == "Summed up 0 of 2 groups."
    assert printed("views", "run", view_id, "--force").splitlines()[0] == "Summed up 2 of 2 groups."
    head, anns, bobs = printed("views", "show", view_id).rstrip().split("\n\n")
    assert [line.split(maxsplit=1) for line in head.splitlines()] == [
        ["View", view_id],
        ["Name", "Weekly"],
        ["Groups", "user_id"],
        ["Memories", "all"],
        ["Summed", "up  when it is run"],
    ]
    assert re.fullmatch(f"== user_id ann, {MOMENT}\n1 memory:\n- 2026-05-01: Ann sings", anns)
    assert bobs.endswith("- 2026-05-02: Bob \N{REPLACEMENT CHARACTER}[31mpaints")
    assert "ann" not in printed("views", "show", view_id, "-u", "bob")


def test_groups_that_are_no_more_are_said_to_be_removed() -> None:
    view_id = created("--group-by", "user_id")
    assert "No memories." in printed("views", "run", view_id, "-g", "user_id=carl")
    assert "Removed 1 summary of groups that are no more." in printed("views", "run", view_id)


def test_options_say_which_memories() -> None:
    view_id = created("-u", "bob", "-t", "art,food", "--type", "semantic", "--days", "9999", "--continuous")
    shown = printed("views", "show", view_id)
    assert 'user_id bob, memory_type semantic, topics ["art", "food"], last 9999 days' in shown
    assert "by itself" in shown
    assert answered("views", "run", view_id) == {"view_id": view_id, "partitions": 1, "computed": 1, "removed": 0}
    told = answered("views", "show", view_id)
    assert (told["filters"]["user_id"], told["partitions"][0]["group"]) == ("bob", {})
    assert printed("views", "show", view_id).splitlines()[-3].startswith("== all, ")


def test_one_group_is_summed_up_by_itself() -> None:
    view_id = created("--group-by", "user_id,memory_type")
    done = answered("views", "run", view_id, "-g", "user_id=ann", "-g", "memory_type=semantic")
    assert (done["view_id"], done["memory_count"], done["group"]) == (
        view_id, 1, {"user_id": "ann", "memory_type": "semantic"},
    )  # fmt: skip
    assert len(answered("views", "show", view_id)["partitions"]) == 1


def test_views_are_listed_newest_first_and_deleted() -> None:
    assert printed("views") == "Found 0 views.\n"
    first, second = created("First"), created("Second", "--group-by", "namespace", "-n", "work")
    lines = printed("views").splitlines()
    assert lines[0] == "Found 2 views:"
    assert [line.split()[:2] for line in lines[4:]] == [[second, "Second"], [first, "First"]]
    assert "namespace work" in lines[4]
    assert [view["id"] for view in answered("views")] == [second, first]
    assert printed("views", "delete", second) == f"Deleted: {second}\n"
    assert [view["id"] for view in answered("views", "list")] == [first]


@pytest.mark.parametrize("verb", ["show", "run", "delete"])
def test_a_view_that_is_not_there_is_one_line_and_exit_code_1(verb: str) -> None:
    result = run("views", verb, "none")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: SummaryView none not found\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["create", "--group-by", "topics"], "Unsupported group_by fields: topics"),
        (["create", "--days", "0"], "--days: Input should be greater than or equal to 1"),
        (["run", "x", "-g", "user_id"], "--group: 'user_id' is not FIELD=VALUE"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(arguments: list[str], complaint: str) -> None:
    result = run("views", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {complaint}")
    assert result.stderr.count("\n") == 1
