"""The `outreach` command. Heavy libraries are imported by the commands that use them."""

from bot.cli.main import main

__all__ = ["main"]
