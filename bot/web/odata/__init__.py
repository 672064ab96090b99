"""Feeds as OData v4 under /odata/, for Power BI, Excel and others. `mount(app, context)` puts it there."""

from bot.web.odata.assembly import mount

__all__ = ["mount"]
