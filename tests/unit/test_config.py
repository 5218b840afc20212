"""Settings: what the environment, ``.env`` and the command line mean, and what is refused, by the variable's name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mcp_memory.config import Settings, read_settings
from mcp_memory.errors import ConfigurationError
from mcp_memory.settings_listed import sources

pytestmark = pytest.mark.usefixtures("empty_environment")


def set_all(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def refusals() -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        read_settings()
    return str(refused.value).splitlines()


def test_nothing_needs_to_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    settings = read_settings()
    kind, path = settings.store_location()
    assert kind == "sqlite"
    assert path is not None
    assert path.is_absolute()
    assert path.parts[-2:] == ("mcp-memory", "memory.sqlite3")
    assert settings.embedding_model == "all-MiniLM-L6-v2"
    assert {settings.origin(field) for field in Settings.model_fields} == {"default"}


@pytest.mark.parametrize(
    ("environment", "field", "value"),
    [
        ({"MEMORY_DURABILITY": "FULL"}, "memory_durability", "full"),
        ({"MEMORY_ALLOW_SHARED_FOLDER": "yes"}, "memory_allow_shared_folder", True),
        ({"EMBEDDING_MODEL": "hashing"}, "embedding_model", "hashing"),
        ({"EMBEDDER_THREADS": "4"}, "embedder_threads", 4),
        ({"EMBEDDER_IDLE_SECONDS": "0.5"}, "embedder_idle_seconds", 0.5),
        ({"DEFAULT_MCP_NAMESPACE": "work"}, "default_mcp_namespace", "work"),
        ({"default_mcp_user_id": "ana"}, "default_mcp_user_id", "ana"),
        ({"DEFAULT_MCP_USER_ID": ""}, "default_mcp_user_id", None),
        ({"LONG_TERM_MEMORY": "0"}, "long_term_memory", False),
        ({"REQUIRE_MESSAGE_TIMESTAMPS": "true"}, "require_message_timestamps", True),
        ({"MAX_FUTURE_TIMESTAMP_SECONDS": "0"}, "max_future_timestamp_seconds", 0),
        ({"TASK_BACKEND": "Docket"}, "task_backend", "worker"),
        ({"TASK_BACKEND": "asyncio"}, "task_backend", "embedded"),
        ({"COMPACTION_EVERY_MINUTES": "0"}, "compaction_every_minutes", 0),
        ({"REDELIVERY_TIMEOUT_SECONDS": "1"}, "redelivery_timeout_seconds", 1),
        ({"JOB_RETENTION_DAYS": "0.5"}, "job_retention_days", 0.5),
        ({"LOG_LEVEL": "debug"}, "log_level", "DEBUG"),
        ({"LOG_LEVEL": "", "UNKNOWN_TO_US": "x"}, "log_level", "INFO"),
    ],
)
def test_a_variable_sets_its_field(
    environment: Mapping[str, str], field: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, environment)
    assert getattr(read_settings(), field) == value


@pytest.mark.parametrize(
    ("environment", "overrides", "itself", "worker"),
    [
        ({}, {}, True, True),
        ({"USE_DOCKET": "true"}, {}, False, True),
        ({"USE_DOCKET": "false"}, {}, True, False),
        ({"USE_DOCKET": "true", "TASK_BACKEND": "embedded"}, {}, True, True),
        ({"USE_DOCKET": "false", "TASK_BACKEND": "worker"}, {}, False, True),
        ({"USE_DOCKET": "true"}, {"task_backend": "asyncio"}, True, True),
        ({"TASK_BACKEND": "embedded"}, {"task_backend": "docket"}, False, True),
    ],
)
def test_who_does_background_jobs(
    environment: Mapping[str, str],
    overrides: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    itself: bool,
    worker: bool,
) -> None:
    """The command line before TASK_BACKEND before USE_DOCKET."""
    set_all(monkeypatch, environment)
    settings = read_settings(**overrides)
    assert (settings.works_itself(), settings.wants_worker()) == (itself, worker)


def test_the_environment_of_an_existing_client_configuration_still_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the package name changes in the configurations that agent-memory-server's users have."""
    set_all(
        monkeypatch,
        {
            "REDIS_URL": "redis://localhost:6379",
            "OPENAI_API_KEY": "sk-secret",
            "GENERATION_MODEL": "gpt-4o",
            "DISABLE_AUTH": "true",
            "LOG_LEVEL": "INFO",
            "USE_DOCKET": "false",
        },
    )
    settings = read_settings()
    assert settings.store_location() == ("redis", None)
    assert settings.store_url() == "redis://localhost:6379"
    assert settings.embedding_model == "all-MiniLM-L6-v2"


MODELS = (
    "is not available: this version embeds with all-MiniLM-L6-v2, which comes with it, or hashing; "
    "leave the variable out"
)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MEMORY_STORE_URL", "mysql://x", "is not a store; use sqlite:///PATH, redis://HOST:PORT or ephemeral://"),
        ("MEMORY_STORE_URL", "memory.sqlite3", "is not a store; use sqlite:///PATH, redis://HOST:PORT or ephemeral://"),
        (
            "MEMORY_STORE_URL",
            "redis://",
            "names no host, or a port that cannot be; write redis://HOST:PORT",
        ),
        (
            "MEMORY_STORE_URL",
            "redis://h:70000",
            "names no host, or a port that cannot be; write redis://HOST:PORT",
        ),
        ("MEMORY_STORE_URL", "sqlite://x", "has no path; write sqlite:///PATH, or sqlite:////PATH for an absolute one"),
        (
            "MEMORY_STORE_URL",
            "sqlite:///:memory:",
            "names no file; write sqlite:///PATH, or ephemeral:// to keep nothing",
        ),
        (
            "MEMORY_STORE_URL",
            "sqlite:///x.db?mode=ro",
            "has options after '?', which this store does not know; leave them out",
        ),
        ("EMBEDDING_MODEL", "all-MiniLM-L7", MODELS),
        ("MEMORY_DURABILITY", "off", "is unknown; use 'normal' or 'full'"),
        ("LOG_LEVEL", "LOUD", "is unknown; use 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'"),
        ("LONG_TERM_MEMORY", "maybe", "is neither true nor false"),
        ("EMBEDDER_THREADS", "many", "is not a whole number"),
        ("EMBEDDER_THREADS", "1.5", "is not a whole number"),
        ("EMBEDDER_THREADS", "0", "is too small; use at least 1"),
        ("EMBEDDER_THREADS", "257", "is too large; use at most 256"),
        ("EMBEDDER_IDLE_SECONDS", "-1", "is too small; use at least 0"),
        ("EMBEDDER_IDLE_SECONDS", "soon", "is not a number"),
        ("EMBEDDER_IDLE_SECONDS", "inf", "is not a finite number"),
        ("MAX_FUTURE_TIMESTAMP_SECONDS", "999999999999", "is too large; use at most 3153600000"),
    ],
)
def test_an_unusable_value_is_refused_by_the_name_of_its_variable(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert refusals() == [f"{name}: '{value}' {said}"]


def test_every_unusable_value_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"EMBEDDER_THREADS": "no", "LOG_LEVEL": "INFO", "LONG_TERM_MEMORY": "?"})
    assert refusals() == [
        "EMBEDDER_THREADS: 'no' is not a whole number",
        "LONG_TERM_MEMORY: '?' is neither true nor false",
    ]


def test_a_refusal_says_where_the_value_came_from(tmp_path: Path) -> None:
    """A client may start the server in a folder whose ``.env`` belongs to another program."""
    (tmp_path / ".env").write_text("LOG_LEVEL=TRACE\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_settings(memory_store_url="mysql://x")
    store, level = str(refused.value).splitlines()
    assert (
        store == "MEMORY_STORE_URL: 'mysql://x' is not a store; use sqlite:///PATH, redis://HOST:PORT or ephemeral:// "
        "(from the command line)"
    )
    assert level.startswith("LOG_LEVEL: 'TRACE' is unknown; use ")
    assert level.endswith(f" (from {tmp_path / '.env'})")


def test_a_refusal_tells_no_password_and_no_long_value(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"MEMORY_STORE_URL": "mysql://ana:hunter2@h/x", "DEFAULT_MCP_NAMESPACE": "n" * 513})
    assert refusals() == [
        "MEMORY_STORE_URL: 'mysql://ana:********@h/x' is not a store; use sqlite:///PATH, redis://HOST:PORT or ephemeral://",
        f"DEFAULT_MCP_NAMESPACE: '{'n' * 80}…' is too long; use at most 512 characters",
    ]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///notes.db", "{here}/notes.db"),
        ("sqlite:///a/../b.db", "{here}/a/../b.db"),
        ("sqlite:////data/x.db", "/data/x.db"),
        ("sqlite:///~/x.db", "{home}/x.db"),
        ("SQLite:///with space and ünïcode.db", "{here}/with space and ünïcode.db"),
        ("ephemeral://", None),
        ("ephemeral:///", None),
        ("redis://localhost", None),
        ("rediss://ann:secret@[::1]:6380/3", None),
        ("redis+cluster://one:7000,two:7001", None),
    ],
)
def test_a_store_url_names_a_file(url: str, path: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    set_all(monkeypatch, {"MEMORY_STORE_URL": url, "HOME": str(home), "USERPROFILE": str(home)})
    expected = None if path is None else Path(path.format(here=tmp_path, home=home)).absolute()
    assert read_settings().store_location()[1] == expected


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(
        "EMBEDDER_THREADS=2\nEMBEDDER_IDLE_SECONDS=5\nLOG_LEVEL=error\nSOMEBODY_ELSES=1\n", encoding="utf-8-sig"
    )
    set_all(monkeypatch, {"EMBEDDER_THREADS": "3", "EMBEDDER_IDLE_SECONDS": "6"})
    settings = read_settings(embedder_threads=4, memory_store_url=None)
    said = {one.field: (one.value, one.origin) for one in sources(settings)}
    assert said["embedder_threads"] == ("4", "command line")
    assert said["embedder_idle_seconds"] == ("6", "environment")
    assert said["log_level"] == ("ERROR", ".env")
    assert said["memory_durability"] == ("normal", "default")


def test_every_setting_is_described_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://localhost")
    shown = {one.variable: one for one in sources(read_settings())}
    assert set(shown) == {field.upper() for field in Settings.model_fields}
    for field, info in Settings.model_fields.items():
        assert info.description, field
        assert info.description.endswith("."), field
        without_effect = "no effect in this version" in info.description
        assert shown[field.upper()].effect is not without_effect, field


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(
        monkeypatch,
        {
            "OPENAI_API_KEY": "sk-hunter2",
            "ANTHROPIC_API_KEY": "hunter2",
            "REDIS_URL": "redis://:hunter2@cache:6379/1",
            "OPENAI_API_BASE": "https://ana:hunter2@proxy/v1",
        },
    )
    settings = read_settings()
    shown = {one.variable: one.value for one in sources(settings)}
    assert "hunter2" not in str(shown)
    assert "hunter2" not in repr(settings).replace("ana:hunter2", "")
    assert shown["OPENAI_API_KEY"] == "********"
    assert shown["REDIS_URL"] == "redis://:********@cache:6379/1"
    assert shown["OPENAI_API_BASE"] == "https://ana:********@proxy/v1"


def test_a_redis_server_is_used_where_no_store_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is never shown with its password, also where it is the store of the command line."""
    monkeypatch.setenv("REDIS_URL", "redis://ana:hunter2@h")
    settings = read_settings()
    assert settings.store_location() == ("redis", None)
    assert settings.store_shown() == "redis://ana:********@h"
    assert read_settings(memory_store_url="redis://:hunter2@other/1").store_shown() == "redis://:********@other/1"
    assert {one.field: one.value for one in sources(settings)}["memory_store_url"] == "redis://ana:********@h"


def test_what_is_no_address_of_a_redis_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "localhost:6379")
    with pytest.raises(ConfigurationError, match=r"REDIS_URL: .*write redis://HOST:PORT"):
        read_settings()


def test_how_redis_keeps_vectors_is_said_in_either_case(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"REDISVL_INDEXING_ALGORITHM": "flat", "REDISVL_DISTANCE_METRIC": "ip"})
    settings = read_settings()
    assert (settings.redisvl_indexing_algorithm, settings.redisvl_distance_metric) == ("FLAT", "IP")
    monkeypatch.setenv("REDISVL_INDEXING_ALGORITHM", "tree")
    with pytest.raises(ConfigurationError, match="REDISVL_INDEXING_ALGORITHM: 'TREE' is unknown; use 'HNSW' or 'FLAT'"):
        read_settings()


def test_a_store_that_was_chosen_goes_before_the_redis_server(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_all(monkeypatch, {"REDIS_URL": "redis://h", "MEMORY_STORE_URL": "ephemeral://"})
    assert read_settings().store_location() == ("ephemeral", None)
    assert not caplog.records


def test_forgetting_without_a_limit_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FORGETTING_ENABLED", "true")
    assert read_settings().forgetting_enabled
    assert caplog.messages[0].startswith("FORGETTING_ENABLED forgets nothing without FORGETTING_MAX_AGE_DAYS")
    caplog.clear()
    monkeypatch.setenv("FORGETTING_BUDGET_KEEP_TOP_N", "0")
    read_settings()
    assert not caplog.messages


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"LOG_LEVEL=\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"\.env: is not UTF-8 text"):
        read_settings()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").touch(mode=0)
    with pytest.raises(ConfigurationError, match=r"\.env: cannot be read"):
        read_settings()


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="MEMORY_STORE: there is no such setting"):
        read_settings(memory_store="x")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_settings().log_level = "DEBUG"  # type: ignore[misc]


@pytest.mark.parametrize(
    "model", ["text-embedding-3-small", "bedrock/amazon.titan-embed-text-v2:0", "ollama/nomic-embed-text"]
)
def test_the_bundled_model_stands_in_for_a_hosted_one_and_says_so(
    model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A configuration for agent-memory-server works when only the package name changes."""
    monkeypatch.setenv("EMBEDDING_MODEL", model)
    assert read_settings().embedder() == "all-MiniLM-L6-v2"
    assert f"EMBEDDING_MODEL={model} is not used by this version" in caplog.text
