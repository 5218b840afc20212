"""The three set-ups of docs/authentication.md, started and checked with the very lines that stand there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.conftest import Starter
from tests.attacks.issuer import Key, LocalIssuer
from tests.patience import PATIENCE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "authentication.md"
SERVER = "agent-memory api"
DOCUMENTED_ADDRESS = "http://127.0.0.1:8000"
DOCUMENTED_ISSUER = "https://issuer.example.com"
BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(
    os.name != "posix" or None in {BASH, shutil.which("curl")}, reason="the lines are for bash and curl"
)


@dataclass(frozen=True)
class SetUp:
    """What one section of the page tells a person to do."""

    environment: Mapping[str, str]
    server: str
    checks: str
    answers: str


def set_up(title: str) -> SetUp:
    """Return what stands under a heading."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    of_kind = {kind: [body for one, body in blocks if one == kind] for kind in ("env", "bash", "text")}
    (server,) = (body for body in of_kind["bash"] if body.startswith(SERVER))
    checks = [body for body in of_kind["bash"] if body != server]
    lines = "".join(of_kind["env"]).split()
    environment = dict(line.split("=", maxsplit=1) for line in lines)
    return SetUp(environment, server.strip(), "".join(checks), "".join(of_kind["text"]))


def started(start: Starter, command: str, environment: Mapping[str, str]) -> str:
    """Start the server by its documented line, at a free port, and return its address."""
    start.environment.update(environment)
    wire = start(sys.executable, "-m", "mcp_memory", *shlex.split(command)[1:-1], "0")
    assert wire.process.stderr
    for line in iter(wire.process.stderr.readline, b""):
        if found := re.search(rb"serves REST at (http://[\w.:]+)", line):
            return found[1].decode()
    raise AssertionError("the server has left")


def answers(lines: str, address: str, environment: Mapping[str, str], folder: Path) -> str:
    """Run documented lines against a server, and return what they print."""
    done = subprocess.run(
        [BASH or "bash", "-euo", "pipefail", "-c", lines.replace(DOCUMENTED_ADDRESS, address)],
        env={**environment, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    issuer = LocalIssuer()
    issuer.publish(Key().jwk())
    yield issuer
    issuer.stop()


@pytest.mark.parametrize("title", ["Development", "Tokens"])
def test_a_documented_set_up_does_what_the_page_says(title: str, start: Starter, tmp_path: Path) -> None:
    said = set_up(title)
    address = started(start, said.server, said.environment)
    assert answers(said.checks, address, start.environment, tmp_path) == said.answers


def test_the_documented_set_up_of_a_login_does_what_the_page_says(
    start: Starter, issuer: LocalIssuer, tmp_path: Path
) -> None:
    said = set_up("OAuth2")
    environment = {name: value.replace(DOCUMENTED_ISSUER, issuer.url) for name, value in said.environment.items()}
    at = int(time.time())
    claims = {"iss": issuer.url, "aud": environment["OAUTH2_AUDIENCE"], "sub": "ana", "iat": at, "exp": at + 600}
    token = Key().sign({**claims, "scope": "memory:read"})
    address = started(start, said.server, environment)
    assert answers(said.checks, address, {**start.environment, "TOKEN": token}, tmp_path) == said.answers


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"AUTH_MODE": "oauth2"}, ["OAUTH2_ISSUER_URL", "OAUTH2_AUDIENCE"]),
        ({"DISABLE_AUTH": "true", "AUTH_MODE": "token"}, ["DISABLE_AUTH=true", "AUTH_MODE=token"]),
        ({"DISABLE_AUTH": "false"}, ["DISABLE_AUTH=false", "AUTH_MODE=token"]),
    ],
)
def test_a_server_that_cannot_do_what_it_was_told_does_not_start(
    environment: dict[str, str], named: list[str], start: Starter
) -> None:
    start.environment.update(environment)
    code, said, _ = start(sys.executable, "-m", "mcp_memory", "api", "--port", "0").leave()
    assert code == 2
    assert [name for name in named if name not in said] == []
