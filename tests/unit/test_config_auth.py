"""The settings of authentication: whoever asks for it gets it, and what cannot be meant or done is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mcp_memory.config import read_settings
from mcp_memory.errors import ConfigurationError
from mcp_memory.settings_listed import sources

pytestmark = pytest.mark.usefixtures("empty_environment")

WEB = "is not a URL; write https://HOST/PATH"
MORE = "carries more than a place; write https://HOST/PATH, without a password, a ? or a #"
ALGORITHMS_SAID = (
    "holds what is not accepted; use RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, ES256K, EdDSA. "
    "Tokens are signed with a key pair: never none, nor HS256 with a shared secret"
)


def set_all(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("environment", "field", "value"),
    [
        ({"AUTH_MODE": "token"}, "auth_mode", "token"),
        ({"DISABLE_AUTH": "true", "TOKEN_AUTH_ENABLED": "false"}, "disable_auth", True),
        ({"DISABLE_AUTH": "false", "AUTH_MODE": "oauth2"}, "auth_mode", "oauth2"),
        ({"TOKEN_AUTH_ENABLED": "true", "AUTH_MODE": "token"}, "token_auth_enabled", True),
        ({"OAUTH2_ISSUER_URL": "https://issuer.example/"}, "oauth2_issuer_url", "https://issuer.example/"),
        ({"OAUTH2_AUDIENCE": "memory"}, "oauth2_audience", ("memory",)),
        ({"OAUTH2_AUDIENCE": "memory, https://m.example/mcp"}, "oauth2_audience", ("memory", "https://m.example/mcp")),
        ({}, "oauth2_algorithms", ("RS256",)),
        ({"OAUTH2_ALGORITHMS": '["RS256", "ES256"]'}, "oauth2_algorithms", ("RS256", "ES256")),
        ({"OAUTH2_ALGORITHMS": "ES256,EdDSA"}, "oauth2_algorithms", ("ES256", "EdDSA")),
        ({"PUBLIC_URL": "https://m.example/"}, "public_url", "https://m.example"),
    ],
)
def test_a_variable_sets_its_field(
    environment: Mapping[str, str], field: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, environment)
    assert getattr(read_settings(), field) == value


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AUTH_MODE", "magic", "is unknown; use 'disabled', 'token' or 'oauth2'"),
        ("OAUTH2_ISSUER_URL", "issuer.example", WEB),
        ("OAUTH2_ISSUER_URL", " https://issuer.example", WEB),
        ("OAUTH2_JWKS_URL", "file:///keys.json", WEB),
        ("OAUTH2_JWKS_URL", "https://issuer.example/keys#a", MORE),
        ("OAUTH2_JWKS_URL", "https://ana:hunter2@issuer.example/keys", MORE),
        ("PUBLIC_URL", "https://", WEB),
        ("PUBLIC_URL", "http://[::1", "cannot be read as a URL; write https://HOST/PATH"),
        ("PUBLIC_URL", "https://m.example/?a=b", MORE),
        ("OAUTH2_ALGORITHMS", "RS256,HS256", ALGORITHMS_SAID),
        ("OAUTH2_ALGORITHMS", '["none"]', ALGORITHMS_SAID),
        ("OAUTH2_ALGORITHMS", "rs256", ALGORITHMS_SAID),
        ("OAUTH2_ALGORITHMS", "[]", ALGORITHMS_SAID),
        ("OAUTH2_ALGORITHMS", "[RS256]", "is not a list in JSON"),
    ],
)
def test_an_unusable_value_is_refused_by_the_name_of_its_variable(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        read_settings()
    assert str(refused.value).startswith(f"{name}: ")
    assert str(refused.value).endswith(said)


def test_a_list_is_shown_as_it_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTH2_ALGORITHMS", '["RS256", "ES256"]')
    shown = {one.variable: one.value for one in sources(read_settings())}
    assert shown["OAUTH2_ALGORITHMS"] == "RS256,ES256"


@pytest.mark.parametrize(
    ("environment", "one", "other"),
    [
        ({"DISABLE_AUTH": "true", "AUTH_MODE": "token"}, "DISABLE_AUTH=true", "AUTH_MODE=token"),
        ({"DISABLE_AUTH": "true", "AUTH_MODE": "oauth2"}, "DISABLE_AUTH=true", "AUTH_MODE=oauth2"),
        ({"DISABLE_AUTH": "1", "TOKEN_AUTH_ENABLED": "1"}, "DISABLE_AUTH=true", "TOKEN_AUTH_ENABLED=true"),
        ({"DISABLE_AUTH": "false", "AUTH_MODE": "disabled"}, "DISABLE_AUTH=false", "AUTH_MODE=disabled"),
        ({"TOKEN_AUTH_ENABLED": "true", "AUTH_MODE": "oauth2"}, "TOKEN_AUTH_ENABLED=true", "AUTH_MODE=oauth2"),
        ({"TOKEN_AUTH_ENABLED": "true", "AUTH_MODE": "disabled"}, "TOKEN_AUTH_ENABLED=true", "AUTH_MODE=disabled"),
        ({"TOKEN_AUTH_ENABLED": "false", "AUTH_MODE": "token"}, "TOKEN_AUTH_ENABLED=false", "AUTH_MODE=token"),
    ],
)
def test_values_that_contradict_each_other_are_refused_by_both_names(
    environment: Mapping[str, str], one: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """agent-memory-server took one of them, and served without authentication."""
    set_all(monkeypatch, environment)
    with pytest.raises(ConfigurationError) as refused:
        read_settings()
    assert str(refused.value) == f"{one} and {other} contradict each other: remove one of them"


ISSUER = {"OAUTH2_ISSUER_URL": "https://issuer.example"}
OAUTH2 = {**ISSUER, "OAUTH2_AUDIENCE": "memory"}


@pytest.mark.parametrize(
    ("environment", "mode"),
    [
        ({}, "disabled"),
        ({"DISABLE_AUTH": "true"}, "disabled"),
        ({"DISABLE_AUTH": "true", "TOKEN_AUTH_ENABLED": "false"}, "disabled"),
        ({"DISABLE_AUTH": "true", "AUTH_MODE": "disabled"}, "disabled"),
        ({"DISABLE_AUTH": "true", **OAUTH2}, "disabled"),
        ({"AUTH_MODE": "disabled", **OAUTH2}, "disabled"),
        ({"TOKEN_AUTH_ENABLED": "false"}, "disabled"),
        ({"AUTH_MODE": "token"}, "token"),
        ({"AUTH_MODE": "Token", "DISABLE_AUTH": "false"}, "token"),
        ({"TOKEN_AUTH_ENABLED": "true"}, "token"),
        ({"TOKEN_AUTH_ENABLED": "true", "DISABLE_AUTH": "false"}, "token"),
        ({"TOKEN_AUTH_ENABLED": "true", **OAUTH2}, "token"),
        ({"AUTH_MODE": "oauth2", **OAUTH2}, "oauth2"),
        ({"AUTH_MODE": "oauth2", "DISABLE_AUTH": "false", "TOKEN_AUTH_ENABLED": "false", **OAUTH2}, "oauth2"),
    ],
)
def test_whoever_asks_for_authentication_gets_it(
    environment: Mapping[str, str], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With agent-memory-server AUTH_MODE=token alone served everybody, as did TOKEN_AUTH_ENABLED=true."""
    set_all(monkeypatch, environment)
    assert read_settings().auth() == mode


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DISABLE_AUTH": "false"}, ["DISABLE_AUTH=false asks for authentication"]),
        ({"DISABLE_AUTH": "false", "TOKEN_AUTH_ENABLED": "false"}, ["DISABLE_AUTH=false asks for authentication"]),
        ({"DISABLE_AUTH": "false", **OAUTH2}, ["DISABLE_AUTH=false asks for authentication"]),
        (OAUTH2, ["OAUTH2_ISSUER_URL is set, but AUTH_MODE is not"]),
        ({"AUTH_MODE": "oauth2"}, ["AUTH_MODE=oauth2 needs OAUTH2_ISSUER_URL", "AUTH_MODE=oauth2 needs OAUTH2_AUD"]),
        (
            {"AUTH_MODE": "oauth2", **ISSUER},
            ["AUTH_MODE=oauth2 needs OAUTH2_AUDIENCE: what the issuer writes as `aud`"],
        ),
        ({"AUTH_MODE": "oauth2", **ISSUER, "OAUTH2_AUDIENCE": " , "}, ["AUTH_MODE=oauth2 needs OAUTH2_AUDIENCE"]),
        ({"AUTH_MODE": "oauth2", "OAUTH2_AUDIENCE": "memory"}, ["AUTH_MODE=oauth2 needs OAUTH2_ISSUER_URL"]),
    ],
)
def test_authentication_that_cannot_be_done_as_it_is_set_lets_nobody_in(
    environment: Mapping[str, str], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not keep stdio and the command line from starting: they need no authentication."""
    set_all(monkeypatch, environment)
    settings = read_settings()
    with pytest.raises(ConfigurationError) as refused:
        settings.auth()
    lines = str(refused.value).splitlines()
    assert [line[: len(beginning)] for line, beginning in zip(lines, said, strict=True)] == said
