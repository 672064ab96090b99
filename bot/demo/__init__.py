"""The main job, played on emulated phones through the outside doors. May import everything."""

from bot.demo.play import Stuck, play

__all__ = ["Stuck", "play"]
