"""A group of commands where any other word is a name to show: `models`, `models pull X`, `models NAME`."""

from __future__ import annotations

import click


class NameOrCommand(click.Group):
    """Alone it means `list`, and any other word than a command means `show WORD`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        elif args[0] not in self.commands and not args[0].startswith("-"):
            args = ["show", *args]
        return super().parse_args(ctx, args)
