"""Labels, hints and messages of an XForm as texts by language."""

import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from bot.surveys.form import Parts, Text, Wording
from bot.surveys.xpath.compiler import Expression

Compile = Callable[[str, str], Expression | None]  # source and the column it stands in
_ITEXT = re.compile(r"""\s*jr:itext\(\s*(?:'([^']*)'|"([^"]*)")\s*\)\s*\Z""")
_MEDIA = {"image", "audio", "video", "big-image"}


class Texts:
    """Read the texts of one form; `itext` is its table of translations by key."""

    def __init__(self, model: Any, compile_source: Compile) -> None:
        self._compile = compile_source
        translations = model.findall("{*}itext/{*}translation")
        languages = [translation.get("lang", "") for translation in translations]
        default = next((one.get("lang", "") for one in translations if one.get("default") is not None), None)
        self.default = default if default is not None else (languages[0] if languages else "")
        self.languages = tuple(dict.fromkeys([self.default, *languages]))
        self.itext = self._read_itext(translations)

    def _read_itext(self, translations: list[Any]) -> dict[str, Text]:
        table: dict[str, dict[str, Wording]] = {}
        for translation in translations:
            for text in translation.findall("{*}text"):
                table.setdefault(text.get("id", ""), {})[translation.get("lang", "")] = self._wording(text)
        return {key: self._without_dashes(text) for key, text in table.items()}

    def _without_dashes(self, text: dict[str, Wording]) -> Text:
        """Drop the "-" that pyxform writes where a translation is missing."""
        if all(map(_is_dash, text.values())):
            return text
        return {language: wording for language, wording in text.items() if not _is_dash(wording)}

    def _wording(self, text: Any) -> Wording:
        parts: Parts = ()
        guidance: Parts = ()
        media: dict[str, str] = {}
        for value in text.findall("{*}value"):
            form = value.get("form")
            if form in _MEDIA:
                media[form] = (value.text or "").strip().rsplit("/", 1)[-1]
            elif form == "guidance":
                guidance = self.parts(value)
            elif form in {None, "long"} or (form == "short" and not parts):
                parts = self.parts(value)
        return Wording(parts, guidance, media)

    def parts(self, element: Any) -> Parts:
        """Read a text with the values it shows."""
        found: list[str | Expression] = [element.text or ""]
        for child in element:
            source = child.get("value") or child.get("ref")
            if etree.QName(child).localname == "output" and source and (shown := self._compile(source, "label")):
                found.append(shown)
            found.append(child.tail or "")
        return tuple(part for part in found if part != "")

    def everywhere(self, parts: Parts) -> Text:
        """Return a text that is the same in every language."""
        return dict.fromkeys(self.languages, Wording(parts))

    def element(self, element: Any | None) -> Text:
        """Read a <label> or <hint>."""
        if element is None:
            return {}
        reference = element.get("ref")
        return self.everywhere(self.parts(element)) if reference is None else self.reference(reference)

    def reference(self, source: str) -> Text:
        """Read a text given as an expression: a key of itext, or any value."""
        if key := _ITEXT.match(source):
            return self.itext.get(key[1] or key[2] or "", {self.default: Wording()})
        compiled = self._compile(source, "label")
        return self.everywhere((compiled,)) if compiled else {}

    def message(self, source: str | None) -> Text:
        """Read a constraint or required message: a key of itext, or the words themselves."""
        if source is None:
            return {}
        return self.reference(source) if _ITEXT.match(source) else self.everywhere((source,))


def _is_dash(wording: Wording) -> bool:
    return wording.parts in {("-",), ()} and wording.guidance in {("-",), ()} and not wording.media
