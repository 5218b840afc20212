"""``agent-memory forget``: what a policy would let go of, and letting go of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from mcp_memory.cli.layout import moment, shortened, table
from mcp_memory.cli.options import format_option, namespace_option, session_option, store_option, user_option
from mcp_memory.cli.running import asked, show_progress, undo_line, with_memory
from mcp_memory.domain.forgetting import Forget, Policy
from mcp_memory.domain.replies import Forgettable, Forgotten

if TYPE_CHECKING:
    from mcp_memory.services.memory import Memory

LISTED = 20
"""Memories that are shown."""
TEXT = 40
"""Characters of their texts."""
NO_POLICY = (
    "Nothing is forgotten without a limit: give --max-age-days, --max-inactive-days or --budget, "
    "or set FORGETTING_MAX_AGE_DAYS, FORGETTING_MAX_INACTIVE_DAYS or FORGETTING_BUDGET_KEEP_TOP_N."
)


LIMITS = ("max_age_days", "max_inactive_days", "budget", "memory_type_allowlist", "hard_age_multiplier")
"""The options that make the policy."""


@click.command()
@click.option("--max-age-days", type=float, metavar="DAYS", help="Those that are older.")
@click.option(
    "--max-inactive-days", type=float, metavar="DAYS", help="Those not used for longer. With --max-age-days: both."
)
@click.option(
    "--hard-age-multiplier",
    type=float,
    metavar="X",
    help="Beyond X times the age, use no longer protects. If left out: 12.",
)
@click.option("--budget", type=int, metavar="N", help="Keep the N most recent of each namespace and user.")
@click.option(
    "--type",
    "memory_type_allowlist",
    multiple=True,
    type=click.Choice(["semantic", "episodic", "message"]),
    help="Only this kind of memory; repeatable.",
)
@click.option("--keep", "pinned_ids", multiple=True, metavar="ID", help="Keep this memory; repeatable.")
@namespace_option
@user_option
@session_option
@click.option("-l", "--limit", type=int, metavar="N", help="Forget at most N now.")
@click.option("--dry-run/--no-dry-run", default=True, show_default=True, help="Only show what would be forgotten.")
@click.option("-y", "--yes", is_flag=True, help="The same as --no-dry-run.")
@format_option
@store_option
def forget(layout: str, *, dry_run: bool, yes: bool, **given: Any) -> None:
    """Show what is old, unused or too much; with --yes, forget it.

    Without limits, those of the settings hold. Pinned memories are never forgotten, and what was forgotten can be
    brought back with undo.
    """
    forgotten = with_memory(lambda memory: _forgotten(memory, given, dry_run=dry_run and not yes))
    if layout == "json":
        click.echo(json.dumps(_whole(forgotten), indent=2, ensure_ascii=False))
        return
    click.echo("\n".join(_said(forgotten)))


async def _forgotten(memory: Memory, given: Mapping[str, Any], *, dry_run: bool) -> Forgotten:
    limits = {name: given[name] for name in LIMITS if given[name] not in (None, ())}
    policy = asked(Policy, limits) if limits else memory.forgetting.standing
    if policy.limits_nothing:
        raise click.UsageError(NO_POLICY)
    rest = {name: value for name, value in given.items() if name not in LIMITS}
    request = asked(Forget, rest | {"policy": policy, "dry_run": dry_run, "pinned_ids": list(given["pinned_ids"])})
    return await memory.forgetting.forget(request, progress=show_progress)


def _whole(forgotten: Forgotten) -> dict[str, Any]:
    """Return the answer with what only people look at."""
    listed = [one.model_dump(mode="json") for one in forgotten.listed]
    more = {"kept": forgotten.kept, "operation": forgotten.operation, "listed": listed}
    return forgotten.model_dump(mode="json") | more


def _said(forgotten: Forgotten) -> Iterator[str]:
    did = "Would forget" if forgotten.dry_run else "Forgot"
    yield f"{did} {forgotten.deleted} of {forgotten.scanned} memories."
    if forgotten.kept:
        yield f"{forgotten.kept} more were changed or used meanwhile, and stay."
    if forgotten.listed:
        yield ""
        yield table(map(_row, forgotten.listed[:LISTED]), ("Memory", "Created", "Last used", "Why", "Text"))
    if forgotten.deleted > LISTED:
        yield f"... and {forgotten.deleted - LISTED} more"
    if forgotten.dry_run and forgotten.deleted:
        yield "\nNothing was changed. Forget them: the same with --yes"
    if forgotten.operation:
        yield undo_line(forgotten.operation)


def _row(one: Forgettable) -> Sequence[str]:
    text = shortened(one.text or "", TEXT)
    return one.id, moment(one.created_at)[:10], moment(one.last_accessed)[:10], one.why, text
