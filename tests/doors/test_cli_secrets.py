"""``agent-memory secrets``: kept out of configuration files, found by settings, and never shown where nobody asked."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as Forgetful
from keyring.errors import KeyringLocked, PasswordDeleteError

from mcp_memory.config import read_settings
from mcp_memory.errors import SecretsUnavailable
from mcp_memory.mcp_door.on_demand import from_environment
from mcp_memory.secret_store import PATIENCE_SECONDS
from tests.doors.commands import Run, said


class InMemory(KeyringBackend):
    """A keyring that keeps its passwords as long as it lives."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not there")


class Locked(InMemory):
    """A keyring whose owner does not open it."""

    def get_password(self, service: str, username: str) -> str | None:  # noqa: ARG002 -- it gives nothing
        raise KeyringLocked("the wallet is locked")


class Clinging(InMemory):
    """A keyring that does not let go."""

    def delete_password(self, service: str, username: str) -> None:  # noqa: ARG002 -- it deletes nothing
        raise PasswordDeleteError("the owner said no")


class Waiting(InMemory):
    """A keyring that waits for its owner to open it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.opened = threading.Event(), threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.set()
        assert self.opened.wait(PATIENCE_SECONDS)
        return super().get_password(service, username)


@pytest.fixture
def ring() -> InMemory:
    return InMemory()


@pytest.fixture
def run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: InMemory) -> Iterator[Run]:
    """Run a command of secrets."""
    for name in ("XDG_CONFIG_HOME", "HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    before = keyring.get_keyring()
    keyring.set_keyring(ring)
    yield partial(run, "secrets")
    keyring.set_keyring(before)


def test_a_secret_is_kept_in_the_keyring_and_nowhere_else(run: Run, ring: InMemory, tmp_path: Path) -> None:
    assert said(run("list")) == "No secrets are kept.\n"
    assert said(run("set", "openai_api_key", stdin="sk-very-secret\n")) == "Kept OPENAI_API_KEY in the keyring.\n"
    assert ring.kept == {("mcp-memory", "OPENAI_API_KEY"): "sk-very-secret"}
    assert said(run("get", "OPENAI_API_KEY")) == "sk-very-secret\n"
    assert said(run()) == "OPENAI_API_KEY: in the keyring\n"
    assert json.loads(said(run("--format", "json"))) == [{"name": "OPENAI_API_KEY", "place": "keyring"}]
    assert all(b"sk-very-secret" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert said(run("delete", "OPENAI_API_KEY")) == "Forgot OPENAI_API_KEY.\n"
    assert ring.kept == {}
    assert run("get", "OPENAI_API_KEY").exit_code == 2


def test_settings_find_it_where_nothing_else_is_said(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said(run("set", "OPENAI_API_KEY", stdin="kept"))
    said(run("set", "ANTHROPIC_API_KEY", "--file", stdin="in a file"))
    settings = read_settings()
    assert settings.openai_api_key is not None
    assert settings.anthropic_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "kept"
    assert settings.anthropic_api_key.get_secret_value() == "in a file"
    assert (settings.origin("openai_api_key"), settings.origin("redis_url")) == ("secrets", "default")
    (tmp_path / ".env").write_text("ANTHROPIC_API_KEY=dotenv\n", encoding="utf-8")
    monkeypatch.setenv("OPENAI_API_KEY", "environment")
    settings = read_settings()
    assert settings.openai_api_key is not None
    assert settings.anthropic_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "environment"
    assert settings.anthropic_api_key.get_secret_value() == "dotenv"
    assert (settings.origin("openai_api_key"), settings.origin("anthropic_api_key")) == ("environment", ".env")


@pytest.mark.parametrize("backend", [NoKeyring, Forgetful, Locked])
def test_without_a_keyring_the_answer_names_the_file_and_nothing_is_lost(
    run: Run, backend: type[KeyringBackend]
) -> None:
    """A keyring that keeps nothing takes every secret and says nothing."""
    keyring.set_keyring(backend())
    refused = run("set", "OPENAI_API_KEY", stdin="sk")
    assert refused.exit_code == 2
    assert "--file keeps it in a file that only you can read" in refused.stderr
    assert said(run("list")) == "No secrets are kept.\n"
    said(run("set", "OPENAI_API_KEY", "--file", stdin="sk"))
    assert said(run("get", "OPENAI_API_KEY")) == "sk\n"


def test_the_file_is_for_this_user_alone(run: Run, tmp_path: Path) -> None:
    said(run("set", "REDIS_URL", "--file", stdin="redis://:password@localhost"))
    (path,) = tmp_path.rglob("secrets.json")
    assert os.name == "nt" or (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_secret_moves_when_it_is_kept_elsewhere(run: Run, ring: InMemory) -> None:
    said(run("set", "OPENAI_API_KEY", stdin="old"))
    said(run("set", "OPENAI_API_KEY", "--file", stdin="new"))
    assert ring.kept == {}
    assert said(run("get", "OPENAI_API_KEY")) == "new\n"
    said(run("set", "OPENAI_API_KEY", stdin="newest"))
    assert said(run("list")) == "OPENAI_API_KEY: in the keyring\n"


def test_a_keyring_that_lost_or_withholds_a_secret_is_an_error_that_names_it(run: Run, ring: InMemory) -> None:
    said(run("set", "OPENAI_API_KEY", stdin="sk"))
    ring.kept.clear()
    with pytest.raises(SecretsUnavailable, match="OPENAI_API_KEY is no longer in the keyring"):
        read_settings()
    keyring.set_keyring(Locked())
    with pytest.raises(SecretsUnavailable, match="the wallet is locked"):
        read_settings()


@pytest.mark.parametrize("command", [["delete", "OPENAI_API_KEY"], ["set", "OPENAI_API_KEY", "--file"]])
def test_a_secret_that_the_keyring_does_not_let_go_is_an_error(run: Run, command: list[str]) -> None:
    keyring.set_keyring(Clinging())
    said(run("set", "OPENAI_API_KEY", stdin="sk"))
    result = run(*command, stdin="new")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "The keyring refused: the owner said no." in result.stderr
    assert said(run("get", "OPENAI_API_KEY")) == ("sk\n" if command[0] == "delete" else "new\n")


def test_a_secret_that_somebody_took_out_of_the_keyring_can_be_forgotten(run: Run, ring: InMemory) -> None:
    said(run("set", "OPENAI_API_KEY", stdin="sk"))
    ring.kept.clear()
    assert said(run("delete", "OPENAI_API_KEY")) == "Forgot OPENAI_API_KEY.\n"
    assert said(run("list")) == "No secrets are kept.\n"


@pytest.mark.anyio
async def test_a_server_answers_others_while_a_keyring_waits_for_its_owner(
    run: Run, ring: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY_STORE_URL", "ephemeral://")
    said(run("set", "OPENAI_API_KEY", stdin="sk"))
    waiting = Waiting()
    waiting.kept = ring.kept
    keyring.set_keyring(waiting)
    opening = asyncio.create_task(from_environment(embedding_model="hashing"))
    assert await asyncio.to_thread(waiting.asked.wait, PATIENCE_SECONDS)
    assert not opening.done()
    waiting.opened.set()
    await (await opening).memory.close()


def test_only_settings_that_are_secret_are_kept_and_never_empty_ones(run: Run) -> None:
    unknown = run("set", "PORT", stdin="1")
    assert (unknown.exit_code, "PORT is no secret that is kept here" in unknown.stderr) == (2, True)
    assert "OPENAI_API_KEY" in unknown.stderr
    assert run("set", "MEMORY_TOKEN", "--file", stdin="nothing reads it\n").exit_code == 2
    assert run("set", "OPENAI_API_KEY", stdin="\n").exit_code == 2
    assert run("delete", "OPENAI_API_KEY").exit_code == 2
    assert said(run("list")) == "No secrets are kept.\n"


def test_a_file_that_was_damaged_says_so(run: Run, tmp_path: Path) -> None:
    said(run("set", "OPENAI_API_KEY", "--file", stdin="sk"))
    (path,) = tmp_path.rglob("secrets.json")
    for damaged in ("{", '["x"]', '{"OPENAI_API_KEY": 1}'):
        path.write_text(damaged, encoding="utf-8")
        refused = run("get", "OPENAI_API_KEY")
        assert refused.exit_code == 2
        assert str(path) in refused.stderr


def test_who_keeps_no_secrets_loads_no_keyring(run: Run, tmp_path: Path) -> None:
    program = (
        "import sys; from mcp_memory.config import read_settings; read_settings(); print('keyring' in sys.modules)"
    )
    for arguments in ((), ("set", "OPENAI_API_KEY", "--file")):
        if arguments:
            said(run(*arguments, stdin="sk"))
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        printed = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, cwd=tmp_path, env=environment
        )
        assert printed.stdout.strip() == b"False"
