"""The command line's outermost frame: what every outcome means for stderr and the exit code."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any

import click

from mcp_memory.errors import ConfigurationError, InvalidRequest, MemoryServerError

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130


def exit_code(run: Callable[[], Any]) -> int:
    """Run a command and return its exit code; an error is said in one line, without a traceback."""
    try:
        result = run()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        _complain(_with_advice(error))
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except MemoryServerError as error:
        _complain(str(error))
        return BAD_INPUT if isinstance(error, (InvalidRequest, ConfigurationError)) else FAILED
    except Exception as error:  # noqa: BLE001 -- the outermost frame: nothing may leave it as a traceback by itself
        if os.environ.get("LOG_LEVEL", "").upper() == "DEBUG":
            traceback.print_exception(error)
        else:
            _complain(f"{type(error).__name__}: {error}. This is a fault of the program; LOG_LEVEL=DEBUG shows where.")
        return FAILED
    return result if isinstance(result, int) else 0


def _complain(message: str) -> None:
    for line in message.splitlines() or [""]:
        click.echo(f"Error: {line}", err=True)


def _with_advice(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    if context is None:
        return message
    return f"{message}{'' if message.endswith(('.', '?', ')')) else '.'} See: {context.command_path} --help"
