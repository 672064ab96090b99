"""From a sheet or an XForm to a Form."""

from bot.surveys.xform.loading import load

__all__ = ["load"]
