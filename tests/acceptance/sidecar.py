"""The sidecar as a person starts it: a process, its address from its own log, and an end that it is told of."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.patience import PATIENCE

KEPT = ("PATH", "PYTHONPATH", "SYSTEMROOT", "LANG")


class Sidecar:
    """A started server and what it logs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self.address = ""
        self._watchdog = threading.Timer(PATIENCE, process.kill)
        self._watchdog.start()
        self._serves = threading.Event()
        self._news = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_it_serves(self) -> str:
        """Return its address when it has one."""
        self._serves.wait(PATIENCE)
        assert self.address, "".join(self.said)
        return self.address

    def wait_until_it_says(self, words: str, *, times: int = 1) -> None:
        """Return when it has logged a line with these words so often."""
        with self._news:
            self._news.wait_for(lambda: self._over or self._said(words) >= times, PATIENCE)
        assert self._said(words) >= times, "".join(self.said)

    def leave(self) -> int:
        """Tell it to leave, and return its exit code when it has; Windows ends processes without asking."""
        self.process.terminate()
        code = self.ended()
        return code if os.name == "posix" else 0

    def ended(self) -> int:
        """Return its exit code when it has ended by itself."""
        code = self.process.wait(PATIENCE)
        self._watchdog.cancel()
        self._reader.join(PATIENCE)
        return code

    def kill(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.ended()
        assert self.process.stderr
        self.process.stderr.close()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            if found := re.search(r"serves REST at (http\S+)/v1", line):
                self.address = found[1]
                self._serves.set()
            with self._news:
                self.said.append(line)
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()
        self._serves.set()

    def _said(self, words: str) -> int:
        return sum(words in line for line in self.said)


def environment_in(folder: Path, **settings: str) -> Mapping[str, str]:
    """As little as a service manager hands on, a new store, and vectors that need no model."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "MEMORY_STORE_URL": f"sqlite:///{(folder / 'memory.db').as_posix()}",
        "EMBEDDING_MODEL": "hashing",
        **settings,
    }


@contextmanager
def started(folder: Path, *options: str, **settings: str) -> Iterator[Sidecar]:
    """Start a server at a free port, and end it if it has not ended by then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mcp_memory", "api", "--port", "0", *options],
        stderr=subprocess.PIPE,
        env=environment_in(folder, **settings),
        cwd=folder,
        text=True,
        encoding="utf-8",
    )
    sidecar = Sidecar(process)
    try:
        yield sidecar
    finally:
        sidecar.kill()
