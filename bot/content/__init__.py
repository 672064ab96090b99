"""What people read: messages/ as typed values.

Imports only the standard library, babel and yaml; the path of messages/ is an argument.
"""

from dataclasses import dataclass
from gettext import NullTranslations
from pathlib import Path

from bot.content.catalogue import Catalogue
from bot.content.console import console_texts
from bot.content.files import ContentError
from bot.content.formats import Formats
from bot.content.keywords import Keyword, Keywords
from bot.content.places import Places
from bot.content.promises import Promises
from bot.content.templates import Template, load_templates

__all__ = ["Catalogue", "Content", "ContentError", "Formats", "Keyword", "Keywords", "Places", "Promises", "Template"]


@dataclass(frozen=True)
class Content:
    """Everything in messages/ but the surveys, read once at start."""

    catalogue: Catalogue
    keywords: Keywords
    places: Places
    formats: Formats
    templates: dict[str, Template]
    console: dict[str, NullTranslations]  #: language of staff -> its texts
    promises: Promises

    @classmethod
    def load(cls, messages_dir: Path) -> "Content":
        """Read the folder; a wrong file raises ContentError with the cure."""
        catalogue = Catalogue.load(messages_dir)
        return cls(
            catalogue=catalogue,
            keywords=Keywords.load(messages_dir),
            places=Places.load(messages_dir),
            formats=Formats.load(messages_dir, catalogue),
            templates=load_templates(messages_dir),
            console=console_texts(messages_dir),
            promises=Promises.load(messages_dir),
        )
