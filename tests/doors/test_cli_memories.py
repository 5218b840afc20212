"""The commands over a store in a file: what they do, what they print, and that the next call finds it."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from mcp_memory.bootstrap import open_memory
from mcp_memory.config import read_settings
from mcp_memory.domain.requests import PutSession
from tests.doors.commands import Run, found, ids, remembered, said

ULID = "[0-9A-HJKMNP-TV-Z]{26}"


def test_what_is_remembered_is_found_by_the_next_call(run: Run) -> None:
    assert re.fullmatch(f"Remembered: {ULID}\n", said(run("remember", "I prefer aisle seats")))
    assert found(run, "aisle seats")["memories"][0]["text"] == "I prefer aisle seats"


def test_a_text_needs_no_quotes(run: Run) -> None:
    said(run("remember", "I", "prefer", "aisle", "seats", "-n", "travel"))
    assert found(run, "aisle", "seats", "-n", "travel")["memories"][0]["text"] == "I prefer aisle seats"


def test_a_text_may_begin_with_a_dash(run: Run) -> None:
    said(run("remember", "--id", "1", "--", "-5 degrees outside"))
    assert said(run("show", "1")).endswith("\n\n-5 degrees outside\n")


def test_the_same_text_is_remembered_once_for_each_owner(run: Run) -> None:
    remembered(run, "Likes tea", "1", "-u", "ana")
    assert said(run("remember", "likes  TEA.", "-u", "ana")) == "Already remembered: 1\n"
    remembered(run, "Likes tea", "2", "-u", "bo")
    assert said(run("remember", "Likes green tea", "--id", "1", "-u", "ana")).startswith("Replaced: 1\n")


def test_every_option_of_remember_reaches_the_memory(run: Run) -> None:
    options = ["-n", "home", "-u", "ana", "-s", "s1", "--topics", "tea, drinks,", "--entities", "Ana"]
    options += ["--type", "episodic", "--event-date", "2026-01-31", "--source", "Bo"]
    remembered(run, "Ana drank tea", "1", *options)
    record = json.loads(said(run("show", "1", "--format", "json")))
    wanted = {
        "namespace": "home",
        "user_id": "ana",
        "session_id": "s1",
        "topics": ["tea", "drinks"],
        "entities": ["Ana"],
        "memory_type": "episodic",
        "event_date": "2026-01-31T00:00:00Z",
        "source": "Bo",
    }
    assert {name: record[name] for name in wanted} == wanted


def test_a_text_is_read_from_stdin(run: Run) -> None:
    said(run("remember", "-", "--id", "1", stdin="\ufeffTwo lines\nof räksmörgås 記憶\r\n"))
    assert said(run("show", "1")).endswith("\n\nTwo lines\nof räksmörgås 記憶\n")


@pytest.mark.parametrize(
    ("stdin", "complaint"),
    [
        (b"\xff\xfe", "stdin is not UTF-8 text"),
        (b"\r\n", "text: text is empty: say what to remember"),
        (b"a\x00b", "text: text holds a NUL character: remove it"),
        (b"x" * 1_048_577, "text: text has 1,048,577 characters, at most 1,048,576 are kept in one: split it"),
    ],
)
def test_a_stdin_that_is_no_memory_is_bad_input(run: Run, stdin: bytes, complaint: str) -> None:
    result = run("remember", "-", stdin=stdin)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {complaint}\n")


def test_remember_as_json(run: Run) -> None:
    created = json.loads(said(run("remember", "Tea", "--id", "1", "--format", "json")))
    assert created == {"status": "ok", "ids": ["1"], "stored": 1, "duplicates": 0, "replaced": 0, "note": None}


def test_found_memories_are_written_in_the_documented_layout(run: Run) -> None:
    remembered(
        run, "The harbour opens at nine", "1", "-n", "work", "-u", "ana", "-s", "s1", "-t", "sea,time", "-e", "Harbour"
    )
    remembered(run, "The harbour " + "x" * 300, "2")
    lines = said(run("search", "harbour")).splitlines()
    assert lines[:2] == ["Found 2 memories (showing 2):", "=" * 60]
    blocks = {block.split("\n")[0].split()[-1]: block.split("\n") for block in "\n".join(lines[3:]).split("\n\n")}
    first = blocks["1"]
    assert re.fullmatch(r"\[[12]\] ID: 1", first[0])
    assert re.fullmatch(r"    Score: \d\.\d{4} \(hybrid\)", first[1])
    assert re.fullmatch(r"    Distance: \d\.\d{4}", first[2])
    assert first[3:] == [
        "    Namespace: work",
        "    Session: s1",
        "    User: ana",
        "    Topics: sea, time",
        "    Entities: Harbour",
        "    Text: The harbour opens at nine",
    ]
    assert blocks["2"][3:] == ["    Text: The harbour " + "x" * 188 + "..."]


@pytest.mark.parametrize("mode", ["semantic", "keyword", "hybrid"])
def test_a_hit_says_by_which_mode_it_was_found(run: Run, mode: str) -> None:
    remembered(run, "The harbour opens at nine", "1")
    assert f" ({mode})\n" in said(run("search", "harbour", "--search-mode", mode))
    assert found(run, "harbour", "--search-mode", mode)["memories"][0]["score_type"] == mode


def test_a_hit_says_why_it_was_found_when_asked(run: Run) -> None:
    remembered(run, "The harbour opens at nine", "1")
    assert re.search(r"^    Why: \w+ -?\d", said(run("search", "harbour", "--explain")), re.MULTILINE)
    assert "Why:" not in said(run("search", "harbour"))


def test_without_a_query_the_newest_are_listed_page_by_page(run: Run) -> None:
    for number in range(5):
        remembered(run, f"Fact {number}", str(number))
    first = said(run("search", "-l", "2"))
    assert first.startswith("Found 5 memories (showing 2):\n")
    assert first.endswith("\nMore results: --offset 2\n")
    assert "Score:" not in first
    last = said(run("search", "-l", "2", "-o", "4"))
    assert "\n[5] ID: 0\n" in last
    assert "More results" not in last


def test_json_is_the_page_of_results(run: Run) -> None:
    remembered(run, "Fact", "1")
    text = said(run("search", "--format", "json"))
    assert text.startswith('{\n  "memories": [\n    {\n      "id": "1",')
    assert {name: value for name, value in json.loads(text).items() if name != "memories"} == {
        "total": 1,
        "next_offset": None,
        "note": None,
    }


def test_filters_restrict_and_are_never_relaxed(run: Run) -> None:
    remembered(run, "The harbour at home", "1", "-n", "home", "-u", "ana", "-t", "sea,home")
    remembered(run, "The harbour at work", "2", "-n", "work", "-u", "ana", "-s", "s1", "-e", "Boss")
    assert ids(run, "harbour", "-n", "home") == ["1"]
    assert ids(run, "harbour", "-s", "s1") == ["2"]
    assert sorted(ids(run, "harbour", "-u", "ana")) == ["1", "2"]
    assert ids(run, "harbour", "-t", "sea,other") == ["1"]
    assert ids(run, "harbour", "-e", "boss") == ["2"]
    assert ids(run, "harbour", "-n", "elsewhere") == []
    assert ids(run, "harbour", "-n", "") == []


def test_the_defaults_of_mcp_do_not_narrow_the_command_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered(run, "The harbour", "1", "-n", "home")
    monkeypatch.setenv("DEFAULT_MCP_NAMESPACE", "work")
    monkeypatch.setenv("DEFAULT_MCP_USER_ID", "ana")
    assert ids(run, "harbour") == ["1"]
    remembered(run, "The pier", "2")
    assert "Namespace" not in said(run("show", "2"))


def test_a_distance_threshold_leaves_out_what_is_further(run: Run) -> None:
    remembered(run, "harbour opens at nine", "near")
    remembered(run, "entirely different words", "far")
    assert ids(run, "harbour opens at nine", "--search-mode", "semantic", "-d", "0.1") == ["near"]


def test_a_memory_is_shown_whole_and_aligned(run: Run) -> None:
    remembered(run, "Ana drank tea", "1", "-n", "home", "-t", "tea")
    lines = said(run("show", "1")).splitlines()
    assert lines[:4] == ["ID             1", "Type           semantic", "Namespace      home", "Topics         tea"]
    assert lines[-2:] == ["", "Ana drank tea"]


def test_an_edit_changes_what_is_given_and_nothing_else(run: Run) -> None:
    remembered(run, "Ana drank tea", "1", "-n", "home", "-t", "tea", "-e", "Ana")
    options = ["--text", "Ana drank coffee", "--topics", "", "--type", "episodic", "--pin", "--valid-to", "2036-01-01"]
    assert said(run("edit", "1", *options)).startswith("Changed: 1 (version 2)\n")
    record = json.loads(said(run("show", "1", "--format", "json")))
    assert (record["text"], record["topics"], record["memory_type"]) == ("Ana drank coffee", [], "episodic")
    assert (record["pinned"], record["valid_to"]) == (True, "2036-01-01T00:00:00Z")
    assert (record["namespace"], record["entities"]) == ("home", ["Ana"])
    assert said(run("edit", "1", "--no-pin")).startswith("Changed: 1 (version 3)\n")
    assert ids(run, "coffee") == ["1"]


def test_an_edit_of_another_version_is_refused(run: Run) -> None:
    remembered(run, "Tea", "1")
    result = run("edit", "1", "--text", "Coffee", "--expected-version", "7")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert "version 1, not 7" in result.stderr


def test_an_id_of_two_owners_needs_the_owner(run: Run) -> None:
    remembered(run, "Tea", "1", "-u", "ana")
    remembered(run, "Coffee", "1", "-u", "bo")
    result = run("show", "1")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert said(run("show", "1", "-u", "bo")).endswith("\nCoffee\n")
    assert run("delete", "memory", "1", "-f").exit_code == 1
    assert said(run("delete", "memory", "1", "-u", "bo", "-f")).startswith("Deleted 1 memories.\n")
    assert ids(run) == ["1"]


def test_the_beginning_of_an_id_is_enough_where_it_names_one(run: Run) -> None:
    """Eight characters at least; what names several is an error that lists them, and nothing is done."""
    for memory_id in ("harbour-hours", "harbour-ferry", "harbourmaster"):
        remembered(run, f"What {memory_id} is", memory_id)
    assert said(run("show", "harbourm")).startswith("ID             harbourmaster\n")
    assert said(run("edit", "harbour-f", "--text", "The ferry leaves at six")).startswith("Changed: harbour-ferry ")
    assert "The ferry leaves at six" in said(run("history", "harbour-f"))
    for command in (["show"], ["edit", "--pin"], ["delete", "memory", "-f"], ["history"]):
        several = run(*command, "harbour-")
        assert several.exit_code == 1
        assert several.stderr == "Error: 2 memories begin with harbour-: harbour-ferry, harbour-hours\n"
    assert run("show", "harbour").stderr == "Error: Memory with ID harbour not found\n"
    assert run("show", "harbour-f", "-u", "bob").exit_code == 1
    assert said(run("delete", "memory", "harbour-h", "-f")).startswith("Deleted 1 memories.\n")
    assert ids(run) == ["harbourmaster", "harbour-ferry"]


def test_a_whole_id_is_meant_where_others_begin_so(run: Run) -> None:
    remembered(run, "Opens at six", "harbour-1")
    remembered(run, "Closes at nine", "harbour-12")
    assert said(run("show", "harbour-1")).endswith("\nOpens at six\n")
    assert ids(run) == ["harbour-12", "harbour-1"]


def test_an_edit_as_json_is_the_memory_and_how_to_take_it_back(run: Run) -> None:
    remembered(run, "Tea", "1")
    told = json.loads(said(run("edit", "1", "--text", "Milk", "--format", "json")))
    assert (told["id"], told["text"], told["version"]) == ("1", "Milk", 2)
    assert said(run("undo", told["operation"])).startswith("Undone: 1 memory")


async def put_sessions(*session_ids: str) -> None:
    """Begin sessions as another door would: the command line only looks at them."""
    memory = await open_memory(read_settings())
    for session_id in session_ids:
        message = {"role": "user", "content": "Hello"}
        await memory.working.put(PutSession.model_validate({"session_id": session_id, "messages": [message]}))
    await memory.close()


def test_sessions_are_listed_page_by_page(run: Run) -> None:
    assert said(run("sessions")) == "Found 0 sessions (showing 0):\n"
    asyncio.run(put_sessions("one", "two", "three"))
    assert said(run("sessions", "-l", "2")) == (
        "Found 3 sessions (showing 2):\n  three\n  two\n\nMore results: --offset 2\n"
    )
    assert said(run("sessions", "-l", "2", "-o", "2")) == "Found 3 sessions (showing 1):\n  one\n"
    assert json.loads(said(run("sessions", "--format", "json"))) == {"sessions": ["three", "two", "one"], "total": 3}
    assert said(run("sessions", "-n", "elsewhere")) == "Found 0 sessions (showing 0):\n"


def test_a_session_is_deleted_after_a_question(run: Run) -> None:
    asyncio.run(put_sessions("one"))
    answer = said(run("delete", "session", "one", stdin="n\n"))
    assert answer == "Delete session one with 1 messages? [y/N]: n\nNothing was deleted.\n"
    assert said(run("delete", "session", "one", "-f")) == "Deleted working memory session: one\n"
    result = run("delete", "session", "one", "-f")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: Session one not found\n")


def test_stats_are_aligned_tables(run: Run, tmp_path: Path) -> None:
    remembered(run, "Tea", "1", "-n", "home")
    remembered(run, "Coffee", "2", "-n", "home", "--type", "episodic")
    remembered(run, "Milk", "3")
    summary, namespaces, types = said(run("stats")).split("\n\n")
    assert summary.splitlines()[0] == "Memories          3"
    assert str(tmp_path / "memory.sqlite3") in summary
    assert namespaces.splitlines() == ["Namespace  Memories", "---------  --------", "home       2", "(none)     1"]
    assert types.strip().splitlines()[2:] == ["semantic  2", "episodic  1"]
    counted = json.loads(said(run("stats", "-n", "home", "--format", "json")))
    assert (counted["memories"], counted["by_type"]) == (2, {"semantic": 1, "episodic": 1})


def test_the_index_is_made_anew(run: Run) -> None:
    remembered(run, "The harbour", "1")
    assert said(run("rebuild-index")) == "Rebuilt the index of 1 memory.\n"
    assert said(run("rebuild_index")) == "Rebuilt the index of 1 memory.\n"
    assert ids(run, "harbour") == ["1"]


def test_a_new_embedder_needs_only_a_new_index(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered(run, "The harbour", "1")
    monkeypatch.setenv("EMBEDDING_MODEL", "all-MiniLM-L6-v2")
    assert json.loads(said(run("stats", "--format", "json")))["without_vector"] == 1
    said(run("rebuild-index"))
    assert json.loads(said(run("stats", "--format", "json")))["without_vector"] == 0


def test_migrations_have_nothing_to_do_on_a_new_store(run: Run) -> None:
    remembered(run, "Tea", "1")
    assert said(run("migrate-memories")) == "No migrations are pending.\n"
    assert said(run("migrate-working-memory", "--batch-size", "10", "--dry-run")).startswith("Nothing to do: ")


def test_long_term_memory_that_is_turned_off_says_how_to_turn_it_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONG_TERM_MEMORY", "false")
    result = run("remember", "Tea")
    assert result.exit_code == 2
    assert result.stderr == "Error: Long-term memory is disabled; set LONG_TERM_MEMORY=true to use it\n"


def test_a_store_that_cannot_be_used_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("These are notes, not a database. " * 100, encoding="utf-8")
    for command in (["stats"], ["remember", "Tea"], ["search", "tea"]):
        result = run("--db", "notes.txt", *command)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1


def test_wide_letters_keep_columns_aligned(run: Run) -> None:
    remembered(run, "Tea", "1", "-n", "記憶")
    remembered(run, "Milk", "2", "-n", "home")
    namespaces = said(run("stats")).split("\n\n")[1]
    assert namespaces.splitlines()[2:] == ["home       1", "記憶       1"]
