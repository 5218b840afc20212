"""``--reload``: the same command in a process of its own, started again whenever a file of the program changes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

import mcp_memory
from mcp_memory.leaving import heeding

RELOAD = "--reload"
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 10.0
"""What a server may take to leave before it is ended."""
WATCHED = ("*.py", "*.sql", "*.md", "*.txt")


def run_reloading() -> int:
    """Run this process's command without ``--reload`` until told to leave; return the exit code of the last server."""
    command = [sys.executable, "-m", "mcp_memory", *(word for word in sys.argv[1:] if word != RELOAD)]
    told = threading.Event()
    with heeding(lambda _: told.set()):
        seen = _state()
        server = subprocess.Popen(command)  # noqa: S603 -- our own program with our own arguments
        while not told.wait(LOOK_SECONDS):
            if (found := _state()) != seen:
                click.echo("A file has changed: starting again.", err=True)
                seen = found
                _end(server)
                server = subprocess.Popen(command)  # noqa: S603 -- the same
        return _end(server)


def _state() -> Mapping[Path, int]:
    """The moments at which what is watched was last changed."""
    return dict(_moments())


def _moments() -> Iterator[tuple[Path, int]]:
    package = Path(mcp_memory.__file__).parent
    for path in (Path(".env"), *(path for kind in WATCHED for path in package.rglob(kind))):
        try:
            yield path, path.stat().st_mtime_ns
        except OSError:
            # An editor is just writing it anew.
            continue


def _end(server: subprocess.Popen[bytes]) -> int:
    server.terminate()
    try:
        return server.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()
