"""Commands with words of their own, such as ``jobs show``, that list when none of the words is said."""

from __future__ import annotations

import click

LIST = "list"


class ListByDefault(click.Group):
    """A group whose ``list`` may be left out: ``jobs --state failed`` is ``jobs list --state failed``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks_for_help = not set(args).isdisjoint(ctx.help_option_names)
        names_nothing = not args or args[0].startswith("-")
        if names_nothing and not asks_for_help and set(args).isdisjoint(self.commands):
            args = [LIST, *args]
        return super().parse_args(ctx, args)
