"""The JSON API for programs of the office, under /api/: what the pages do, through the same services.

`mount(app, context)` puts it there. Nothing here approves or sends a broadcast: that is for people."""

from bot.web.api.assembly import build, mount

__all__ = ["build", "mount"]
