"""``copy`` of a store in which much was done: what can be asked of it, is answered there as here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import redis_server
from tests.doors.commands import Run, said

WIDE = ("--threshold", "0.9")
HERE = "memory.sqlite3"
KNOWN = "known-to-a-client-0123456789-abcdefgh"
"""The secret of the token."""


@pytest.fixture
def redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A store in Redis that no other test uses."""
    place = redis_server.place(redis_url)
    monkeypatch.setenv("REDISVL_INDEX_NAME", place.index)
    monkeypatch.setenv("REDISVL_INDEX_PREFIX", place.prefix)
    yield place.url
    redis_server.erase(place)


def answered(run: Run, *arguments: str) -> Any:
    return json.loads(said(run(*arguments, "--format", "json")))


@pytest.fixture
def lived(run: Run) -> Run:
    """A store in which everything was done that people do."""
    for name, text in (("tea", "Ann likes green tea"), ("tea2", "Ann likes the green tea"), ("sea", "Bob sails")):
        said(run("remember", text, "--id", name, "-n", "work", "-u", "ann"))
    said(run("compact", *WIDE))
    merged = answered(run, "operations")["operations"][0]["id"]
    said(run("undo", merged))
    said(run("edit", "sea", "--text", "Bob sails on Sundays"))
    said(run("delete", "memory", "sea", "--force"))
    said(run("remember", "Bob keeps a secret", "--id", "erased"))
    said(run("delete", "memory", "erased", "--force"))
    said(run("delete", "memory", "erased", "--purge", "--force"))
    for which in ("one", "two"):
        said(
            run(
                "remember", f"Cy likes {which} tea", "--id", f"dated-{which}", "-u", which, "--event-date", "2026-01-01"
            )
        )
        said(run("remember", f"Cy likes the {which} tea", "--id", f"undated-{which}", "-u", which))
    said(run("compact", *WIDE))
    first, _ = answered(run, "suggestions")["suggestions"]
    said(run("suggestions", "dismiss", first["id"]))
    view = answered(run, "views", "create", "Who", "--group-by", "user_id", "--continuous")["id"]
    said(run("views", "run", view))
    said(run("token", "add", "-d", "laptop", "--scope", "admin", "-n", "work", "--token", KNOWN))
    return run


IDS = ("tea", "tea2", "sea", "dated-one", "dated-two")


def everything(run: Run, store: str) -> dict[str, Any]:
    """Return all that a person can ask of a store, but for when it was used."""
    where = ("--db", store)
    operations = answered(run, "operations", *where)
    found = {
        "memories": sorted(map(json.dumps, map(unused, answered(run, "search", *where)["memories"]))),
        "operations": operations,
        "changes": [answered(run, "operations", "show", one["id"], *where) for one in operations["operations"]],
        "histories": [answered(run, "history", name, *where) for name in IDS],
        "suggestions": answered(run, "suggestions", *where),
        "views": answered(run, "views", *where),
        "tokens": answered(run, "token", "list", *where),
    }
    found["summaries"] = [answered(run, "views", "show", view["id"], *where) for view in found["views"]]
    return found


def unused(hit: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hit.items() if name not in {"last_accessed", "access_count"}}


def test_all_that_was_done_is_told_there_as_here_and_back_again(lived: Run, redis: str) -> None:
    here = everything(lived, HERE)
    copied = said(lived("copy", "--from", HERE, "--to", redis)).splitlines()
    assert copied[0].split() == ["copied", "here", "already", "left", "behind", "compared"]
    counts = {line.split()[0]: line.split()[1:] for line in copied[2:-1]}
    assert list(counts) == ["operations", "changes", "memories", "suggestions", "views", "summaries", "tokens"]
    assert all(taken == compared for taken, compared in counts.values())
    total = sum(int(taken) for taken, _ in counts.values())
    assert copied[-1].startswith(f"Compared: all {total} records are in redis://")
    assert everything(lived, redis) == here

    said(lived("copy", "--from", redis, "--to", "again.sqlite3"))
    assert everything(lived, "again.sqlite3") == here
    back = said(lived("copy", "--from", "again.sqlite3", "--to", HERE)).splitlines()
    assert {line.split()[0]: line.split()[1:] for line in back[2:-1]} == counts
    assert everything(lived, HERE) == here


def test_what_was_done_before_is_taken_back_there(lived: Run, redis: str) -> None:
    operations = answered(lived, "operations")["operations"]
    deleted = next(one["id"] for one in operations if one["kind"] == "delete")
    compaction = [one["id"] for one in operations if one["kind"] == "compact"]
    undone = next(one["id"] for one in operations if one["kind"] == "undo")
    said(lived("copy", "--from", HERE, "--to", redis))
    for store in (HERE, redis):
        for done in (undone, deleted):
            said(lived("undo", done, "--db", store))
        refused = lived("undo", undone, "--db", store)
        assert (refused.exit_code, "was undone already" in refused.stderr) == (1, True)
    assert len(compaction) == 1
    here, there = (answered(lived, "search", "--db", store)["memories"] for store in (HERE, redis))
    assert sorted(map(json.dumps, map(unused, here))) == sorted(map(json.dumps, map(unused, there)))
    assert {hit["id"] for hit in here} == {"tea2", "sea", "dated-one", "dated-two", "undated-one", "undated-two"}


def test_what_was_erased_or_dismissed_or_summed_up_stays_so(lived: Run, redis: str) -> None:
    said(lived("copy", "--from", HERE, "--to", redis))
    assert lived("history", "erased", "--db", redis).exit_code == 1
    compacted = said(lived("compact", "--full", *WIDE, "--db", redis))
    assert "Merged 0 memories into 0, ended 0, suggested 0." in compacted
    (view,) = answered(lived, "views", "--db", redis)
    assert "Summed up 0 of " in said(lived("views", "run", view["id"], "--db", redis))


def test_tokens_stay_where_they_are_if_that_is_wanted(lived: Run) -> None:
    ways = ("copy", "--from", HERE, "--to", "other.sqlite3")
    assert "tokens" not in said(lived(*ways, "--without-tokens"))
    assert answered(lived, "token", "list", "--db", "other.sqlite3") == []
    assert "tokens" in said(lived(*ways))
    (token,) = answered(lived, "token", "list", "--db", "other.sqlite3")
    assert token["description"] == "laptop"


def test_a_file_holds_no_hash_of_a_token_unless_it_is_asked_for(lived: Run, tmp_path: Path) -> None:
    (token,) = answered(lived, "token", "list")
    said(lived("export", "all.jsonl"))
    assert '"token' not in (tmp_path / "all.jsonl").read_text(encoding="utf-8")
    said(lived("export", "with.jsonl", "--with-tokens"))
    assert said(lived("import", "with.jsonl", "--db", "other.sqlite3")).count("1 token") == 1
    assert answered(lived, "token", "list", "--db", "other.sqlite3") == [token]


def test_a_file_brings_all_that_a_copy_brings(lived: Run) -> None:
    said(lived("export", "all.jsonl", "--with-tokens"))
    said(lived("import", "all.jsonl", "--db", "other.sqlite3"))
    assert everything(lived, "other.sqlite3") == everything(lived, HERE)
    deleted = next(one["id"] for one in answered(lived, "operations")["operations"] if one["kind"] == "delete")
    said(lived("undo", deleted, "--db", "other.sqlite3"))
    assert answered(lived, "stats", "--db", "other.sqlite3")["without_vector"] == 0


def test_among_others_history_is_left_behind_and_what_was_dismissed_stays_so(lived: Run, redis: str) -> None:
    said(lived("remember", "The lighthouse is red", "--db", redis))
    copied = said(lived("copy", "--from", HERE, "--to", redis)).splitlines()
    assert copied[-3].startswith("History left behind: ")
    assert copied[-2].startswith("Undo: agent-memory undo ")
    assert copied[-1].startswith("Compared: all ")
    assert len(answered(lived, "search", "--db", redis)["memories"]) == 7
    assert len(answered(lived, "suggestions", "--db", redis)["suggestions"]) == 1
    assert "suggested 0" in said(lived("compact", "--full", *WIDE, "--db", redis))
    said(lived(*copied[-2].removeprefix("Undo: agent-memory ").replace('"', "").split()))
    assert len(answered(lived, "search", "--db", redis)["memories"]) == 1
