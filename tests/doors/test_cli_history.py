"""``history``, ``operations``, ``undo`` and ``delete --purge`` over a store in a file, as people call them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.doors.commands import answered, printed, run

pytestmark = pytest.mark.usefixtures("new_store")

ULID = "[0-9A-HJKMNP-TV-Z]{26}"
WHEN = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def last_operation() -> str:
    return str(answered("operations", "list")["operations"][0]["id"])


def text_of(memory_id: str) -> str:
    return str(answered("show", memory_id)["text"])


def remember(text: str, memory_id: str, *options: str) -> None:
    printed("remember", text, "--id", memory_id, *options)


def test_a_change_says_how_it_is_taken_back_and_that_does_it() -> None:
    remember("I prefer aisle seats", "1")
    for change in (
        ["edit", "1", "--text", "Window"],
        ["remember", "Window", "--id", "1"],
        ["delete", "memory", "1", "-f"],
    ):
        line = printed(*change).splitlines()[-1]
        found = re.fullmatch(f"Undo: agent-memory (undo {ULID})", line)
        assert found
        assert printed(*found[1].split()).startswith("Undone: 1 memory is as it was before.\n")
        assert text_of("1") == "I prefer aisle seats"


def test_the_line_names_the_store_that_was_named() -> None:
    printed("--db", "other.sqlite3", "remember", "Tea", "--id", "1")
    line = printed("edit", "1", "--text", "Milk", "--db", "other.sqlite3").splitlines()[-1]
    assert re.fullmatch(f'Undo: agent-memory undo {ULID} --db "sqlite:///other.sqlite3"', line)
    assert run(*line.replace('"', "").split()[2:]).exit_code == 0


def test_the_history_of_a_memory_shows_what_it_was_and_became() -> None:
    remember("I prefer aisle seats", "1", "-t", "travel")
    printed("edit", "1", "--text", "I prefer window seats", "-t", "travel,seats", "--pin")
    printed("delete", "memory", "1", "-f")
    printed("undo", last_operation())
    created, edited, deleted, undone = printed("history", "1").strip().split("\n\n")
    assert re.fullmatch(f"{WHEN}  create  {ULID}\n  text  \\+  I prefer aisle seats", created)
    assert re.fullmatch(
        f"{WHEN}  edit  {ULID}\n"
        "  text    -  I prefer aisle seats\n"
        "          \\+  I prefer window seats\n"
        "  pinned  -  false\n"
        "          \\+  true\n"
        "  topics  -  travel\n"
        "          \\+  travel, seats",
        edited,
    )
    assert re.fullmatch(f"{WHEN}  delete  {ULID}  \\(undone\\)\n  text  -  I prefer window seats", deleted)
    assert re.fullmatch(f"{WHEN}  undo  {ULID}\n  text  \\+  I prefer window seats", undone)
    assert [change["kind"] for change in answered("history", "1")["changes"]] == ["create", "edit", "delete", "undo"]
    assert run("history", "2").stderr == "Error: Memory with ID 2 not found\n"


def test_the_history_of_a_memory_that_was_merged_away_names_the_one_that_took_it_in() -> None:
    """In both layouts, until the merge is taken back."""
    for memory_id, text in (("short", "Ann likes green tea"), ("long", "Ann likes green tea. She has it at four.")):
        remember(text, memory_id)
    printed("compact", "--threshold", "0.9")
    assert printed("history", "short").splitlines()[0] == "Merged into: long"
    assert answered("history", "short")["merged_into"] == ["long"]
    assert answered("history", "long")["merged_into"] == []
    printed("undo", last_operation())
    assert "Merged into" not in printed("history", "short")
    assert answered("history", "short")["merged_into"] == []


def test_the_beginning_of_an_operation_is_enough_where_it_names_one() -> None:
    """Also beyond the first page of operations."""
    remember("Tea", "1")
    first = last_operation()
    for number in range(102):
        remember(f"Fact {number}", f"f{number}")
    begins = first[:25]
    assert printed("operations", "show", begins).startswith(f"Operation  {first}\n")
    assert run("undo", "01ARZ3NDEK").stderr.startswith("Error: Operation 01ARZ3NDEK not found")
    assert printed("undo", begins).startswith("Undone: 1 memory is as it was before.\n")


def test_operations_are_listed_page_by_page() -> None:
    assert printed("operations") == printed("history") == "Found 0 operations (showing 0):\n"
    for number in range(3):
        remember(f"Fact {number}", str(number), "-n", "home")
    printed("delete", "memory", "0", "1", "-f")
    undone = last_operation()
    printed("undo", undone)
    by = last_operation()
    assert printed("operations") == printed("operations", "list") == printed("history")
    assert printed("operations", "-l", "4") == printed("history", "-l", "4")
    assert printed("operations", "--db", "sqlite:///memory.sqlite3", "show", by) == printed("operations", "show", by)
    head, _, headings, _, undo, delete, *created = printed("history", "-l", "4").splitlines()
    assert head == "Found 5 operations (showing 4):"
    assert headings.split("  ")[0] == "Operation"
    assert re.fullmatch(f"{by}  {WHEN}  undo +2", undo)
    assert re.fullmatch(f"{undone}  {WHEN}  delete +2 +{by}", delete)
    assert [re.sub(f"{ULID}  {WHEN}", "", line).split() for line in created[:2]] == [["create", "1"]] * 2
    assert created[2:] == ["", "More results: --offset 4"]
    assert answered("operations", "list", "-n", "work") == {"operations": [], "total": 0}
    assert printed("operations", "list", "-o", "4", "-n", "home").startswith("Found 5 operations (showing 1):\n")


def test_one_operation_is_shown_with_what_it_did() -> None:
    remember("Tea", "1")
    remember("Milk", "2")
    printed("delete", "memory", "1", "2", "-f")
    operation = last_operation()
    printed("undo", operation, "--only", "2")
    head, one, two = printed("operations", "show", operation).strip().split("\n\n")
    assert [line.split()[0] for line in head.splitlines()] == ["Operation", "When", "What", "Undone", "Removed"]
    assert (one, two) == ("1  removed\n  text  -  Tea", "2  removed  (undone)\n  text  -  Milk")
    assert [change["memory_id"] for change in answered("operations", "show", operation)["changes"]] == ["1", "2"]


def test_a_long_operation_is_shown_in_part() -> None:
    ids = [f"id-{number}" for number in range(25)]
    for memory_id in ids:
        remember(f"Fact {memory_id}", memory_id)
    printed("delete", "memory", *ids, "-f")
    operation = last_operation()
    assert printed("operations", "show", operation).endswith("\n\n... and 5 more (--offset 20)\n")
    shown = answered("operations", "show", operation, "--limit", "10", "--offset", "18")
    assert (len(shown["changes"]), shown["changes"][0]["memory_id"], shown["total"]) == (7, "id-18", 25)
    assert "more" not in printed("operations", "show", operation, "-o", "20")
    assert run("operations", "show", operation, "-l", "101").exit_code == 2
    assert printed("undo", operation).splitlines()[-2] == "  ... and 5 more"


def test_undo_brings_back_what_it_can_and_says_what_it_left() -> None:
    remember("Tea", "1")
    remember("Milk", "2")
    printed("delete", "memory", "1", "2", "-f")
    operation = last_operation()
    remember("Coffee", "1")
    lines = printed("undo", operation).splitlines()
    assert lines[:-1] == [
        "Undone: 1 memory is as it was before.",
        "  2  back  Milk",
        "Left as they are: 1",
        "  1  another memory has its id now",
    ]
    assert re.fullmatch(f"Undo: agent-memory undo {ULID}", lines[-1])
    assert (text_of("1"), text_of("2")) == ("Coffee", "Milk")


def test_undo_of_some_memories_leaves_the_others() -> None:
    remember("Tea", "1")
    remember("Milk", "2")
    printed("delete", "memory", "1", "2", "-f")
    operation = last_operation()
    reply = answered("undo", operation, "--only", "2")
    assert (reply["restored"], reply["kept"], reply["operation"]) == (1, [], last_operation())
    assert run("show", "1").exit_code == 1
    assert printed("undo", operation).splitlines()[1] == "  1  back  Tea"
    printed("undo", reply["operation"])
    assert run("show", "2").exit_code == 1


def test_undoing_nothing_is_a_failure() -> None:
    remember("Tea", "1")
    created = last_operation()
    printed("edit", "1", "--text", "Milk")
    result = run("undo", created)
    assert (result.exit_code, result.stderr) == (1, "Error: Nothing was undone: 1: it was changed since\n")
    edited = last_operation()
    printed("undo", edited)
    assert "was undone already" in run("undo", edited).stderr
    unknown = run("undo", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert run("undo", edited, "-n", "elsewhere").exit_code == 1
    assert run("undo", edited, "--only", "2").exit_code == 1


def test_purging_asks_for_a_word_and_says_what_it_erases(new_store: Path) -> None:
    remember("A trip to Zanzibar", "1")
    printed("edit", "1", "--text", "A trip to Quetzaltenango")
    refused = printed("delete", "memory", "1", "--purge", stdin="y\n")
    assert refused.splitlines()[0] == "  1  A trip to Quetzaltenango"
    assert "no undo brings them back" in refused
    assert refused.endswith("\nNothing was erased.\n")
    assert printed("delete", "memory", "1", "--purge", "--dry-run").startswith("Would erase 1 memory:\n  1  A trip")
    assert b"Zanzibar" in new_store.read_bytes()
    erased = printed("delete", "memory", "1", "--purge", stdin="erase\n")
    assert "\nNot touched: backups, " in erased
    assert "Erased 1 memories, and the traces of what was deleted before." in erased
    assert not [word for word in (b"Zanzibar", b"Quetzal", b"quetzal") if word in new_store.read_bytes()]
    assert printed("operations") == "Found 0 operations (showing 0):\n"


def test_what_was_deleted_can_still_be_purged(new_store: Path) -> None:
    remember("A trip to Zanzibar", "1")
    printed("delete", "memory", "1", "-f")
    listed = printed("delete", "memory", "1", "--purge", "--dry-run")
    assert listed == "Would erase 1 memory:\n  1  A trip to Zanzibar  (deleted)\n"
    printed("delete", "memory", "1", "--purge", "--force")
    assert b"Zanzibar" not in new_store.read_bytes()
    result = run("delete", "memory", "1", "--purge")
    assert (result.exit_code, result.stderr) == (0, "Not found: 1\n")
    assert result.stdout.startswith("Erased 0 memories, and the traces of what was deleted before.\n")


def test_purging_by_an_id_of_two_owners_needs_the_owner() -> None:
    remember("Tea", "1", "-u", "ana")
    printed("delete", "memory", "1", "-f")
    remember("Coffee", "1", "-u", "bo")
    assert run("delete", "memory", "1", "--purge", "-f").exit_code == 1
    assert printed("delete", "memory", "1", "--purge", "-f", "-u", "ana").startswith("Erased 1 memories,")
    assert text_of("1") == "Coffee"


def test_whose_a_memory_is_stands_beside_an_id_of_several_owners() -> None:
    remember("Tea", "1", "-n", "home", "-u", "ana")
    remember("Coffee", "1", "-u", "bo")
    heads = [part.splitlines()[0] for part in printed("history", "1").split("\n\n")]
    assert [head.split("  ")[3] for head in heads] == ["(namespace home, user ana)", "(user bo)"]
    assert "ana" not in printed("history", "1", "-u", "ana")
    assert printed("operations", "show", last_operation()).splitlines()[-2] == "1  created  (user bo)"
    printed("delete", "memory", "1", "-f", "-u", "bo")
    assert printed("delete", "memory", "1", "--purge", "--dry-run").splitlines()[1:] == [
        "  1  Tea     (namespace home, user ana)",
        "  1  Coffee  (user bo) (deleted)",
    ]


def test_what_a_merge_leaves_as_it_was_is_said() -> None:
    remember("Ann likes green tea", "1")
    remember("Ann likes the green tea", "2")
    printed("compact", "--threshold", "0.9")
    assert "changed\n  only its dates, counts or former ids" in printed("operations", "show", last_operation())


def test_a_text_does_not_steer_the_terminal() -> None:
    """Agents write what they were told by strangers."""
    remember("Red \x1b[31malert\x07\tand more", "1")
    for command in (["show", "1"], ["search"], ["history", "1"], ["delete", "memory", "1", "--dry-run"]):
        assert "Red \ufffd[31malert\ufffd\tand more" in printed(*command)
