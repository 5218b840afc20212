"""``agent-memory token`` from the terminal: what it prints is what scripts for agent-memory-server read."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import bcrypt
import pytest

from tests.doors.commands import Run, said

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"
A_SECRET = r"[\w-]{43}"  # noqa: S105 -- how one looks


@pytest.fixture
def run(run: Run) -> Run:
    """Run a command of tokens."""
    return partial(run, "token")


def added(run: Run, description: str, *arguments: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(said(run("add", "-d", description, "--format", "json", *arguments)))
    return made


def test_a_new_token_is_shown_once(run: Run) -> None:
    lines = said(run("add", "--description", "CI server", "--expires-days", "30", "-n", "work")).splitlines()
    assert lines[0] == "Token created successfully!"
    assert re.fullmatch(f"Token: {A_SECRET}", lines[1])
    assert lines[2] == "Description: CI server"
    assert re.fullmatch(f"Expires: {MOMENT}", lines[3])
    assert lines[4:] == [
        "Scope: write",
        "Namespace: work",
        "",
        "WARNING: Save this token securely. It will not be shown again.",
    ]
    assert "Expires: Never" in said(run("add", "-d", "for ever"))


def test_json_has_the_keys_that_scripts_read_in_their_order_and_ours_behind(run: Run) -> None:
    printed = said(run("add", "-d", "CI", "--format", "json", "--scope", "admin", "-u", "ann"))
    assert printed.count("\n") == 1
    made = json.loads(printed)
    assert list(made)[:5] == ["token", "description", "created_at", "expires_at", "hash"]
    assert (made["expires_at"], made["scope"], made["user_id"]) == (None, "admin", "ann")
    assert bcrypt.checkpw(made["token"].encode(), made["hash"].encode())
    assert made["hash"].startswith("$2b$12$")
    (listed,) = json.loads(said(run("list", "--format", "json")))
    assert list(listed)[:5] == ["hash", "description", "created_at", "expires_at", "status"]
    assert (listed["hash"], listed["status"]) == (made["hash"], "Never Expires")
    shown = json.loads(said(run("show", made["hash"], "--format", "json")))
    assert list(shown)[:5] == ["hash", "description", "created_at", "expires_at", "status"]
    assert shown["status"] == "Active"


def test_tokens_are_listed_with_masked_hashes_and_are_still_there_afterwards(run: Run) -> None:
    assert said(run("list")) == "No tokens found.\n"
    assert json.loads(said(run("list", "--format", "json"))) == []
    made = added(run, "laptop")
    for _ in range(2):
        lines = said(run("list")).splitlines()
        assert lines[:3] == ["Authentication Tokens:", "=" * 50, f"Token: {made['hash'][:8]}...{made['hash'][-8:]}"]
        assert lines[3] == "Description: laptop"
        assert re.fullmatch(f"Created: {MOMENT}", lines[4])
        assert lines[5:] == ["Expires: Never", "Scope: write", "-" * 30]


def test_a_token_is_shown_by_its_hash_its_id_or_how_they_begin(run: Run) -> None:
    made = added(run, "laptop")
    added(run, "other")
    for named in (made["hash"], made["id"], made["hash"][7:17]):
        lines = said(run("show", named)).splitlines()
        assert lines[:4] == ["Token Details:", "=" * 30, f"Hash: {made['hash']}", "Description: laptop"]
        assert "Status: Active" in lines


def test_what_names_none_or_several_is_an_error(run: Run) -> None:
    made = added(run, "laptop"), added(run, "other")
    unknown = run("show", "nothing")
    assert (unknown.exit_code, unknown.stderr) == (1, "Error: No token found matching 'nothing'\n")
    whole = run("show", "$2b$12$nothing-at-all", "--format", "json")
    assert (whole.exit_code, json.loads(whole.stdout)) == (1, {"error": "Token not found: $2b$12$nothing-at-all"})
    several = run("show", "$2b$12$", "--format", "json")
    assert several.exit_code == 1
    masked = [f"{one['hash'][:8]}...{one['hash'][-8:]}" for one in made]
    assert json.loads(several.stdout) == {"error": "Multiple tokens match '$2b$12$'", "matches": masked}
    for act in ("remove", "rotate"):
        refused = run(act, "nothing", "-f")
        assert (refused.exit_code, refused.stderr) == (1, "Error: No token found matching 'nothing'\n")
    assert len(json.loads(said(run("list", "--format", "json")))) == 2


def test_a_token_is_removed_when_that_is_confirmed(run: Run) -> None:
    made = added(run, "laptop")
    kept = said(run("remove", made["hash"], stdin="n\n")).splitlines()
    assert kept[:2] == ["Token to remove:", "Description: laptop"]
    assert kept[-1] == "Token removal cancelled."
    assert said(run("remove", made["hash"], "--force")).splitlines()[-1] == "Token removed successfully."
    assert said(run("list")) == "No tokens found.\n"


def test_a_removal_as_json_is_the_token_and_what_is_asked_stands_aside(run: Run) -> None:
    made = added(run, "laptop")
    kept = run("remove", made["hash"], "--format", "json", stdin="n\n")
    assert (kept.exit_code, kept.stdout) == (0, "")
    assert kept.stderr.startswith("Token to remove:\nDescription: laptop\n")
    removed = run("remove", made["hash"], "--force", "--format", "json")
    assert json.loads(removed.stdout)["id"] == made["id"]
    unknown = run("remove", made["hash"], "--force", "--format", "json")
    assert (unknown.exit_code, list(json.loads(unknown.stdout))) == (1, ["error"])


def test_a_renewed_token_keeps_all_but_its_secret(run: Run) -> None:
    made = added(run, "laptop", "--scope", "read", "-n", "work", "-e", "3")
    renewed = json.loads(said(run("rotate", made["id"], "--force", "--format", "json")))
    assert renewed["token"] != made["token"]
    changed = {name for name, value in renewed.items() if value != made[name]}
    assert changed == {"token", "hash"}
    assert said(run("rotate", made["id"], stdin="n\n")).splitlines()[-1] == "Nothing was renewed."


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["-d", "x", "--token", "short"], "--token: "),
        (["-d", "x", "-e", "0"], "--expires-days: "),
        (["-d", ""], "--description: "),
        ([], "--description"),
        (["-d", "x", "--scope", "everything"], "everything"),
    ],
)
def test_a_token_that_cannot_be_made_says_which_option_to_change(run: Run, arguments: list[str], why: str) -> None:
    refused = run("add", *arguments)
    assert refused.exit_code == 2
    assert why in refused.stderr
    assert said(run("list")) == "No tokens found.\n"
