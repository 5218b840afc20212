"""The command line around its commands: help that loads nothing, errors in one line, exit codes, settings shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mcp_memory import __version__
from mcp_memory.cli.main import COMMANDS
from mcp_memory.cli.options import store_url
from mcp_memory.config import Settings
from mcp_memory.loading import load
from tests.doors.commands import run
from tests.patience import PATIENCE

HEAVY = {
    "apsw",
    "asyncio",
    "mcp",
    "numpy",
    "onnxruntime",
    "platformdirs",
    "pydantic",
    "pydantic_settings",
    "tokenizers",
}
PROGRAM = [sys.executable, "-m", "mcp_memory"]


@pytest.fixture(autouse=True)
def environment(new_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("MEMORY_STORE_URL", "ephemeral://")


def started(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*PROGRAM, *arguments], input=stdin, capture_output=True, check=False, timeout=PATIENCE)


def test_help_lists_every_command() -> None:
    result = run("--help")
    assert result.exit_code == 0
    listed = result.stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert max(map(len, result.stdout.splitlines())) <= 80


WITHOUT_RECORDS = {
    *("mcp", "api", "task-worker", "version", "backup", "restore", "export", "rebuild-index", "reembed"),
    *("migrate-memories", "migrate-working-memory", "delete session", "views delete"),
    *("secrets set", "secrets get", "secrets delete"),
}
"""Commands that run on, print one value, or only say that it is done."""


def test_every_command_that_answers_with_records_answers_in_json() -> None:
    found = {name: load(place) for name, (place, _) in COMMANDS.items()}
    for name, command in list(found.items()):
        if isinstance(command, click.Group):
            found |= {f"{name} {word}": one for word, one in found.pop(name).commands.items()}
    without = {name for name, one in found.items() if "layout" not in {parameter.name for parameter in one.params}}
    assert without == WITHOUT_RECORDS


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["version"], ["mcp", "--help"], ["no-such"]])
def test_the_front_page_loads_nothing_that_it_does_not_show(arguments: list[str]) -> None:
    program = f"""
import sys
from click.testing import CliRunner
from mcp_memory.cli.main import cli
before = set(sys.modules)
CliRunner().invoke(cli, {arguments!r})
print(*sys.modules)
"""
    listed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=PATIENCE).stdout
    assert not {name.partition(".")[0] for name in listed.decode().split()} & (HEAVY - {"asyncio"})


NO_STORE = "is not a store; use sqlite:///PATH, redis://HOST:PORT or ephemeral://"


@pytest.mark.parametrize("name", [*COMMANDS, "rebuild_index", "delete memory", "delete session", "jobs wait"])
def test_every_command_has_its_help(name: str) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: agent-memory {name} ")
    assert result.stderr == ""


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "version"])
def test_every_command_takes_the_store(name: str) -> None:
    pages = {
        "delete": ["delete memory", "delete session"],
        "suggestions": ["suggestions", "suggestions list", "suggestions apply", "suggestions dismiss"],
        "jobs": ["jobs", "jobs list", "jobs show", "jobs cancel", "jobs wait"],
    }.get(name, [name])
    assert all("--db PATH_OR_URL" in run(*page.split(), "--help").stdout for page in pages)


@pytest.mark.parametrize(("name", "entry"), COMMANDS.items())
def test_the_table_names_what_there_is(name: str, entry: tuple[str, str]) -> None:
    assert load(entry[0]).name == name


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_version_is_one_line(arguments: list[str]) -> None:
    assert run(*arguments).stdout == f"mcp-memory version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["serch"], "No such command 'serch'. Did you mean 'search'? See: agent-memory --help"),
        (["--frobnicate"], "No such option '--frobnicate'. See: agent-memory --help"),
        (["search", "--lmit", "3"], "No such option '--lmit'. Did you mean '--limit'? See: agent-memory search --help"),
        (["show", "a", "b"], "Got unexpected extra argument (b) See: agent-memory show --help"),
        (["search", "-l", "1000"], "--limit: Input should be less than or equal to 100"),
        (["search", "-l", "0"], "--limit: Input should be greater than or equal to 1"),
        (["search", "-o", "-1"], "--offset: Input should be greater than or equal to 0"),
        (
            ["search", "-l", "ten"],
            "Invalid value for '-l' / '--limit': 'ten' is not a valid integer. See: agent-memory search --help",
        ),
        (["search", "x", "-d", "3"], "--distance-threshold: Input should be less than or equal to 2"),
        (
            ["search", "x", "-d", "0.3", "--search-mode", "keyword"],
            "distance_threshold is only supported for semantic search mode",
        ),
        (
            ["search", "x", "-d", "0.3", "--search-mode", "hybrid"],
            "distance_threshold is only supported for semantic search mode",
        ),
        (["search", "x", "--hybrid-alpha", "2"], "--hybrid-alpha: Input should be less than or equal to 1"),
        (["remember"], "Missing argument 'TEXT'. See: agent-memory remember --help"),
        (["remember", " "], "text: text is empty: say what to remember"),
        (["show"], "Missing argument 'ID'. See: agent-memory show --help"),
        (["edit", "x"], "No fields provided for update"),
        (["sessions", "-l", "1000"], "--limit: Input should be less than or equal to 100"),
        (
            ["mcp", "--mode", "http"],
            (
                "Invalid value for '--mode': 'http' is not one of 'stdio', 'sse', 'streamable-http'. "
                "See: agent-memory mcp --help"
            ),
        ),
        (
            ["mcp", "--mode", "sse", "--host", "192.0.2.1"],
            (
                "MCP_HOST=192.0.2.1 lets other machines in, and nobody is asked who they are: set AUTH_MODE=token or "
                "AUTH_MODE=oauth2, or give --allow-unauthenticated"
            ),
        ),
        (
            ["--db", "mysql://x", "stats"],
            f"MEMORY_STORE_URL: 'mysql://x' {NO_STORE} (from the command line)",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: list[str], line: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: {line}\n"


def test_a_date_that_is_no_date_is_bad_input() -> None:
    result = run("remember", "x", "--event-date", "yesterday")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: --event-date: Input should be a valid datetime")
    assert result.stderr.count("\n") == 1


def test_no_command_shows_the_help() -> None:
    result = run()
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: agent-memory")


@pytest.mark.parametrize(
    "arguments", [["show", "none"], ["edit", "none", "--text", "x"], ["delete", "session", "none"]]
)
def test_what_is_not_there_is_one_line_and_exit_code_1(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr in {"Error: Memory with ID none not found\n", "Error: Session none not found\n"}


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("notes.db", "sqlite:///notes.db"),
        ("/data/x.db", "sqlite:////data/x.db"),
        ("~/x.db", "sqlite:///~/x.db"),
        ("C:\\x.db", "sqlite:///C:\\x.db"),
        ("ephemeral://", "ephemeral://"),
    ],
)
def test_a_person_may_name_a_store_by_its_path(written: str, url: str) -> None:
    assert store_url(written) == url


@pytest.mark.parametrize("arguments", [["--db", "x.db", "config"], ["config", "--db", "x.db"]])
def test_the_store_is_named_before_or_after_the_command(arguments: list[str], tmp_path: Path) -> None:
    lines = run(*arguments).stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("MEMORY_STORE_URL ")]
    assert line.split() == ["MEMORY_STORE_URL", f"sqlite:///{(tmp_path / 'x.db').as_posix()}", "command", "line"]


def test_config_shows_every_setting_aligned_and_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hunter2")
    monkeypatch.setenv("LOG_LEVEL", "error")
    result = run("config")
    assert result.exit_code == 0
    working, accepted = result.stdout.split("\n\n")
    for part, heading in ((working, "Setting"), (accepted, "Accepted, no effect in this version")):
        lines = part.strip().splitlines()
        assert lines[0].startswith(heading)
        assert len({line.index(word) for line in lines if (word := line.split()[-1]) in {"From", "default"}}) == 1
    first = [line.split()[0] for part in (working, accepted) for line in part.strip().splitlines()]
    assert {word for word in first if word.isupper()} == {field.upper() for field in Settings.model_fields}
    assert "hunter2" not in result.stdout
    assert ["OPENAI_API_KEY", "********", "environment"] in [line.split() for line in accepted.splitlines()]
    assert ["LOG_LEVEL", "ERROR", "environment"] in [line.split() for line in working.splitlines()]


def test_config_as_json() -> None:
    rows = {row["setting"]: row for row in json.loads(run("config", "--format", "json").stdout)}
    assert rows["EMBEDDER_THREADS"] == {
        "setting": "EMBEDDER_THREADS",
        "value": "1",
        "from": "default",
        "effect": True,
    }
    assert rows["REDIS_URL"] == {"setting": "REDIS_URL", "value": None, "from": "default", "effect": True}


def test_an_unexpected_fault_is_one_line_that_says_how_to_learn_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted where another package would be broken."""
    (tmp_path / "platformdirs.py").write_text("raise RuntimeError('broken')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}")
    told = started("config")
    assert (told.returncode, told.stdout) == (1, b"")
    assert told.stderr.decode().splitlines() == [
        "Error: RuntimeError: broken. This is a fault of the program; LOG_LEVEL=DEBUG shows where."
    ]
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    shown = started("config")
    assert shown.returncode == 1
    assert shown.stderr.decode().startswith("Traceback")
    assert shown.stderr.decode().rstrip().endswith("RuntimeError: broken")


@pytest.mark.skipif(os.name == "nt", reason="pipes are closed otherwise there")
def test_a_reader_that_leaves_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [*PROGRAM, "config"], stdout=closed, stderr=subprocess.PIPE, check=False, timeout=PATIENCE
        )
    assert done.stderr == b""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT for one process there")
@pytest.mark.skipif(signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="a shell's background ignores SIGINT")
def test_an_interruption_leaves_with_130() -> None:
    with subprocess.Popen(
        [*PROGRAM, "remember", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        # It has begun to read when more than a pipe holds is taken from us.
        process.stdin.write(b"x" * 1_000_000)
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        process.stdin = None
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"Traceback" not in said


def test_text_is_utf_8_whatever_the_console_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.setenv("DEFAULT_MCP_NAMESPACE", "räume·記憶")
    done = started("config")
    assert "räume·記憶" in done.stdout.decode("utf-8")
    assert done.returncode == 0


def test_mcp_answers_over_the_store_that_is_named(tmp_path: Path) -> None:
    """Whatever other options existing configurations pass."""
    requests = [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "t", "version": "1"},
            },
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {"name": "create_long_term_memories", "arguments": {"memories": [{"text": "Tea", "id": "tea"}]}},
        },
    ]
    lines = "".join(json.dumps(request) + "\n" for request in requests).encode()
    done = started("mcp", "--task-backend", "docket", "--port", "9000", "--db", "named.db", stdin=lines)
    assert done.returncode == 0
    answers = {answer.get("id"): answer for answer in map(json.loads, done.stdout.splitlines())}
    assert answers[2]["result"]["structuredContent"]["ids"] == ["tea"]
    assert (tmp_path / "named.db").exists()
    assert started("show", "tea", "--db", "named.db").stdout.decode().endswith("\nTea\n")
