"""What exports say to analysts, from messages/exports.yaml."""

from functools import cache
from typing import Any

import yaml

from bot.settings import shipped


@cache
def wording() -> dict[str, Any]:
    """Return the file's texts."""
    found: dict[str, Any] = yaml.safe_load((shipped("messages") / "exports.yaml").read_text("utf-8"))
    return found
