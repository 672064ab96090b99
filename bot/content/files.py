"""Read the YAML files of messages/."""

from pathlib import Path
from typing import Any

import yaml


class ContentError(ValueError):
    """A file of messages/ cannot be used; the message names the file and what to put right."""


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in the YAML file at `path`; every value is text, so that NO and 10 stay words."""
    try:
        data = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - it builds only text, lists and mappings
    except FileNotFoundError as error:
        raise ContentError(f"{path} is missing; restore it from the repository") from error
    except yaml.YAMLError as error:
        raise ContentError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise ContentError(f"{path} must hold names and values (name: value), one per line")
    return data
