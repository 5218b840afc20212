"""``agent-memory token``: who may come in over the network."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

import click

from mcp_memory.cli.edge import FAILED
from mcp_memory.cli.groups import ListByDefault
from mcp_memory.cli.options import force_option, format_option, namespace_option, store_option, user_option
from mcp_memory.cli.running import asked, confirmed, with_memory
from mcp_memory.domain.access import Access
from mcp_memory.domain.tokens import Token, TokenStatus
from mcp_memory.errors import AmbiguousToken, TokenNotFound
from mcp_memory.machine import now
from mcp_memory.services.tokens import AddToken

if TYPE_CHECKING:
    from mcp_memory.services.memory import Memory
    from mcp_memory.services.tokens import Issued

Fields: TypeAlias = dict[str, str | None]

KEEP_IT = "WARNING: Save this token securely. It will not be shown again."


@click.group(cls=ListByDefault)
@store_option
def token() -> None:
    """Make, list, show, renew and remove access tokens; a client shows one to be let in over the network."""


@token.command()
@click.option("-d", "--description", required=True, help="What it is for.")
@click.option("-e", "--expires-days", type=float, metavar="DAYS", help="After so many days it lets nobody in.")
@click.option(
    "--scope",
    "access",
    type=click.Choice([str(access) for access in Access]),
    default=str(Access.WRITE),
    show_default=True,
    help="What its bearer may do; each includes those before it.",
)
@namespace_option
@user_option
@click.option("--token", "secret", metavar="VALUE", help="A secret made elsewhere, of 32 to 72 characters.")
@format_option
@store_option
def add(layout: str, **fields: object) -> None:
    """Make a token and show its secret, this once.

    With a namespace or a user, its bearer cannot leave them.
    """
    request = asked(AddToken, fields)
    _show_issued(with_memory(lambda memory: memory.tokens.add(request)), layout, "Token created successfully!")


@token.command("list")
@format_option
@store_option
def list_(layout: str) -> None:
    """List the tokens; secrets are not known."""
    found = with_memory(lambda memory: memory.tokens.list())
    moment = now()
    if layout == "json":
        click.echo(json.dumps([_json(one, one.status(moment)) for one in found]))
    elif not found:
        click.echo("No tokens found.")
    else:
        click.echo("Authentication Tokens:\n" + "=" * 50)
        for one in found:
            lines = [f"Token: {one.masked}", *_lines(one), *_limits(one)]
            click.echo("\n".join([*lines, "-" * 30]))


@token.command()
@click.argument("token_hash")
@format_option
@store_option
def show(token_hash: str, layout: str) -> None:
    """Show the token of a hash or an id, or of how one of them begins."""
    found = _found(lambda memory: memory.tokens.show(token_hash), layout)
    status = TokenStatus.EXPIRED if found.expired_by(now()) else TokenStatus.ACTIVE
    if layout == "json":
        click.echo(json.dumps(_json(found, status)))
    else:
        lines = ["Token Details:", "=" * 30, f"Hash: {found.token_hash}", *_lines(found), f"Status: {status}"]
        click.echo("\n".join([*lines, *_limits(found)]))


@token.command()
@click.argument("token_hash")
@force_option
@format_option
@store_option
def rotate(token_hash: str, layout: str, *, force: bool) -> None:
    """Give a token a new secret. The old one lets nobody in from then on."""
    found = _found(lambda memory: memory.tokens.show(token_hash), layout)
    aside = layout == "json"
    if not force and not confirmed(f"Renew the token {found.masked} ({found.description})?", err=aside):
        click.echo("Nothing was renewed.", err=aside)
        return
    _show_issued(with_memory(lambda memory: memory.tokens.rotate(found.id)), layout, "Token renewed successfully!")


@token.command()
@click.argument("token_hash")
@force_option
@format_option
@store_option
def remove(token_hash: str, layout: str, *, force: bool) -> None:
    """Remove a token; it lets nobody in from then on."""
    found = _found(lambda memory: memory.tokens.show(token_hash), layout)
    aside = layout == "json"
    click.echo(f"Token to remove:\nDescription: {found.description}\nCreated: {_iso(found.created_at)}", err=aside)
    if not force and not confirmed("Remove this token?", err=aside):
        click.echo("Token removal cancelled.", err=aside)
        return
    removed = with_memory(lambda memory: memory.tokens.remove(found.id))
    click.echo(json.dumps(_json(removed, removed.status(now()))) if aside else "Token removed successfully.")


def _found(find: Callable[[Memory], Awaitable[Token]], layout: str) -> Token:
    """Return the token that is named; say it in the layout asked for if there is not just one."""
    try:
        return with_memory(find)
    except (TokenNotFound, AmbiguousToken) as error:
        if layout != "json":
            if isinstance(error, AmbiguousToken):
                click.echo("\n".join(error.matches), err=True)
            raise
        told: dict[str, object] = {"error": str(error)}
        if isinstance(error, AmbiguousToken):
            told["matches"] = list(error.matches)
        click.echo(json.dumps(told))
        raise click.exceptions.Exit(FAILED) from error


def _show_issued(issued: Issued, layout: str, done: str) -> None:
    made = issued.token
    if layout == "json":
        told: Fields = {
            "token": issued.secret,
            "description": made.description,
            "created_at": _iso(made.created_at),
            "expires_at": _iso(made.expires_at),
            "hash": made.token_hash,
        }
        click.echo(json.dumps(told | _ours(made)))
        return
    lines = [done, f"Token: {issued.secret}", f"Description: {made.description}"]
    lines.append(f"Expires: {_iso(made.expires_at) or 'Never'}")
    click.echo("\n".join([*lines, *_limits(made), "", KEEP_IT]))


def _lines(one: Token) -> list[str]:
    expires = _iso(one.expires_at) or "Never"
    return [f"Description: {one.description}", f"Created: {_iso(one.created_at)}", f"Expires: {expires}"]


def _limits(one: Token) -> list[str]:
    limits = [("Scope", one.access), ("Namespace", one.namespace), ("User", one.user_id)]
    return [f"{name}: {value}" for name, value in limits if value is not None]


def _json(one: Token, status: TokenStatus) -> Fields:
    return {
        "hash": one.token_hash,
        "description": one.description,
        "created_at": _iso(one.created_at),
        "expires_at": _iso(one.expires_at),
        "status": str(status),
    } | _ours(one)


def _ours(one: Token) -> Fields:
    """Return what older scripts do not know, after what they do."""
    return {"id": one.id, "scope": str(one.access), "namespace": one.namespace, "user_id": one.user_id}


def _iso(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()
