"""Posters: one page in every language with a QR code for each channel, by which people join."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.content import Content
from bot.content.languages import LANGUAGES


def make(content: Content, template: Path, code: str, addresses: Mapping[str, str]) -> bytes:
    """Return the PDF; `addresses` are by channel."""
    import typst

    values = {"data": json.dumps(page(content, code, addresses), ensure_ascii=False)}
    return bytes(typst.compile(str(template), sys_inputs=values, ignore_system_fonts=True))


def page(content: Content, code: str, addresses: Mapping[str, str]) -> dict[str, Any]:
    """Return what stands on the poster: of a language no more than a speaker has checked."""
    return {
        "languages": [_language(content, language, code) for language in LANGUAGES],
        "codes": [
            {"channel": content.catalogue.text(f"channel.{channel}", "en"), "address": address, "qr": _qr(address)}
            for channel, address in addresses.items()
        ],
    }


def _language(content: Content, language: str, code: str) -> dict[str, Any]:
    entries = {key: content.catalogue.entry(f"poster.{key}", language) for key in ("hello", "text", "how", "safe")}
    checked = {key: entry.forms[0] for key, entry in entries.items() if entry and not entry.draft}
    return {"code": language, "name": LANGUAGES[language].name} | {
        key: checked.get(key, "").replace("{code}", code) for key in entries
    }


def _qr(address: str) -> str:
    import segno

    return segno.make(address, error="m", micro=False).svg_inline(border=2)
