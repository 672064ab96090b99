"""What the console needs from outside."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.broadcasts.policy import Policy
from bot.channels.base import Layout
from bot.content import Content
from bot.db import Database
from bot.settings import Settings
from bot.web.console.rendering import Reader, reader

if TYPE_CHECKING:
    from bot.web.console.counting import Counted
    from bot.web.console.keeping import Kept


@dataclass(frozen=True, slots=True)
class ConsoleContext:
    """Everything the pages use; tests build one by hand."""

    database: Database
    content: Content
    settings: Settings
    policy: Policy  #: of broadcasts: channels, limits, domains
    nudge: Callable[[], None]  #: wakes delivery after something was queued
    secret: bytes  #: signs the tokens in forms
    exports_dir: Path
    sync_templates: Callable[[], Awaitable[dict[str, str]]]  #: makes WhatsApp's templates and reads their approval
    secure_cookies: bool  #: only over https
    layouts: Mapping[str, Layout]  #: how each channel there is, in use or not, lays a message out

    #: What is counted beside the pages, by broadcast; see counting.
    counted: dict[int, "Counted"] = field(default_factory=dict, compare=False)
    #: Figures of large installations, by name; see keeping.
    kept: dict[str, "Kept[Any]"] = field(default_factory=dict, compare=False)

    def reader(self, language: str) -> Reader:
        """Return how pages read in a language of the console."""
        return reader(language, self.content.console[language])
