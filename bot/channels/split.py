"""Long texts in parts, broken where a reader would pause."""


def split(text: str, limit: int) -> list[str]:
    """Return parts of at most `limit` characters, cut at a paragraph, a line or a word where one is near."""
    parts = []
    while len(text) > limit:
        at = max(text.rfind(gap, limit // 2, limit) for gap in ("\n\n", "\n", " "))
        at = at if at > 0 else limit
        parts.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*parts, text]
