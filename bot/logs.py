"""Structured logs without personal data: ids and names of classes, never texts, addresses or tokens."""

import logging
import sys
from typing import Any

import structlog

#: Libraries whose INFO lines hold addresses with tokens or people's numbers.
_TALKATIVE = (
    "httpx",
    "httpcore",
    "telegram",
    "twilio",
    "twilio.http_client",
    "aiohttp",
    "apscheduler",
    "uvicorn.access",
)
#: Keys that may not be logged by anybody, so that a slip stays harmless.
_PERSONAL = frozenset({"text", "address", "phone", "number", "name", "token", "body", "payload"})


def configure(level: str, *, json: bool | None = None) -> None:
    """Log to standard error; JSON lines unless a person looks on."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # It prints the provider's whole answer before it raises what we translate.
    logging.getLogger("telegram.request").setLevel(logging.CRITICAL)
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_personal_data,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _without_personal_data(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: "***" if key in _PERSONAL else value for key, value in event.items()}
