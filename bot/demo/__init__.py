"""The main job, played on emulated phones through the outside doors. May import everything."""

from bot.demo.play import play

__all__ = ["play"]
