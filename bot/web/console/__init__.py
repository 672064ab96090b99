"""The staff console: one module per page group. Imports every room below, and starlette.

`mount(app, ConsoleContext(...))` puts it under /console/."""

from bot.web.console.assembly import PAGES, mount
from bot.web.console.context import ConsoleContext

__all__ = ["PAGES", "ConsoleContext", "mount"]
