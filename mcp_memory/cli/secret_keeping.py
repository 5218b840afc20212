"""``agent-memory secrets``: keys and passwords kept in the system's keyring, or in a file for this user alone."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from mcp_memory.cli.groups import ListByDefault
from mcp_memory.cli.options import format_option, store_option
from mcp_memory.errors import InvalidRequest
from mcp_memory.loading import load

if TYPE_CHECKING:
    from mcp_memory.secret_store import SecretStore


@click.group("secrets", cls=ListByDefault)
@store_option
def secrets() -> None:
    """Keep keys and passwords out of configuration files.

    NAME is a setting that is secret, such as OPENAI_API_KEY: what the environment or .env says of it wins.
    """


@secrets.command("list")
@format_option
@store_option
def list_(layout: str) -> None:
    """List the secrets that are kept, and where; not what they are."""
    places = _kept().places()
    if layout == "json":
        click.echo(json.dumps([{"name": name, "place": place} for name, place in sorted(places.items())], indent=2))
        return
    if not places:
        click.echo("No secrets are kept.")
    for name, place in sorted(places.items()):
        click.echo(f"{name}: in {'the keyring' if place == 'keyring' else 'a file'}")


@secrets.command("set")
@click.argument("name")
@click.option("--file", "in_file", is_flag=True, help="Keep it in a file that only you can read, not in the keyring.")
@store_option
def set_(name: str, *, in_file: bool) -> None:
    """Keep the secret NAME. It is asked for, or read from stdin: it is never part of the command."""
    known = _known(name)
    secret = _typed(known)
    if not secret:
        raise InvalidRequest(f"{known} is empty: nothing was kept")
    _kept().put(known, secret, "file" if in_file else "keyring")
    click.echo(f"Kept {known} in {'a file' if in_file else 'the keyring'}.")


@secrets.command()
@click.argument("name")
@store_option
def get(name: str) -> None:
    """Print the secret NAME."""
    secret = _kept().get(_known(name))
    if secret is None:
        raise InvalidRequest(f"{name} is not kept: agent-memory secrets set {name}")
    click.echo(secret)


@secrets.command()
@click.argument("name")
@store_option
def delete(name: str) -> None:
    """Forget the secret NAME."""
    if not _kept().remove(_known(name)):
        raise InvalidRequest(f"{name} is not kept")
    click.echo(f"Forgot {name}.")


def _kept() -> SecretStore:
    made: SecretStore = load("mcp_memory.secret_store:SecretStore")()
    return made


def _known(name: str) -> str:
    """Return the name of what may be kept.

    Raises:
        InvalidRequest: it is none; the message lists them.
    """
    names: list[str] = load("mcp_memory.config:secret_names")()
    if name.upper() not in names:
        raise InvalidRequest(f"{name} is no secret that is kept here; these are: {', '.join(names)}")
    return name.upper()


def _typed(name: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True, default="", show_default=False))
    return sys.stdin.read().strip("\r\n")
