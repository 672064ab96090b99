"""From a sheet or an XForm to a Form."""

from bot.surveys.xform.loading import check, load

__all__ = ["check", "load"]
