"""Options that several commands share, and how their values are written."""

from __future__ import annotations

from typing import TypedDict

import click

STORE = f"{__name__}.store"
"""Where Click's context keeps the URL of --db, for the command wherever the option stood."""


def labels(written: str) -> list[str]:
    """Return the labels of a list separated by commas; an empty one has none."""
    return [label for part in written.split(",") if (label := part.strip())]


class Owner(TypedDict):
    """Whose memories a command is about."""

    namespace: str | None
    user_id: str | None


def joined(_: click.Context, __: click.Parameter, words: tuple[str, ...]) -> str:
    """Return the words of a text as one, so that it needs no quotes."""
    return " ".join(words)


def store_url(path_or_url: str) -> str:
    """Return what MEMORY_STORE_URL would say: a URL as it is, else the path of an SQLite file."""
    return path_or_url if "://" in path_or_url else f"sqlite:///{path_or_url}"


def _keep_store(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.meta[STORE] = store_url(value)


store_option = click.option(
    "--db",
    metavar="PATH_OR_URL",
    expose_value=False,
    callback=_keep_store,
    help="The store to use instead of MEMORY_STORE_URL's.",
)
namespace_option = click.option("-n", "--namespace", metavar="NAME", help="Namespace.")
user_option = click.option("-u", "--user-id", metavar="ID", help="User.")
session_option = click.option("-s", "--session-id", metavar="ID", help="Session.")
topics_option = click.option("-t", "--topics", type=labels, metavar="A,B", help="Topics, separated by commas.")
entities_option = click.option("-e", "--entities", type=labels, metavar="A,B", help="Names in it, separated by commas.")
type_option = click.option(
    "--type", "memory_type", type=click.Choice(["semantic", "episodic", "message"]), help="Kind of memory."
)
event_date_option = click.option(
    "--event-date", metavar="DATE", help="When it happened: 2026-01-31 or 2026-01-31T12:00:00Z."
)
source_option = click.option("--source", metavar="WHO", help="Who said it.")
format_option = click.option(
    "--format",
    "layout",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the answer is written.",
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
force_option = click.option("-f", "--force", is_flag=True, help="Do not ask.")
