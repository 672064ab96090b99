"""The five languages, and which language stands in for which."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """A language members can choose: its code, its own name, who stands in, and the CLDR locale nearest to it."""

    code: str
    name: str
    falls_back_to: tuple[str, ...]
    locale: str


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        # en_GB, not bare en: that one is American and writes the month before the day.
        Language("en", "English", (), "en_GB"),
        Language("fr", "Français", ("en",), "fr_FR"),
        Language("st", "Sesotho", ("en",), "st_LS"),
        Language("ny", "Chichewa", ("en",), "ny_MW"),
        Language("mfe", "Kreol Morisien", ("fr", "en"), "mfe_MU"),
    )
}
SOURCE = "en"


def chain(language: str) -> tuple[str, ...]:
    """Return `language` and the languages that stand in for it, nearest first."""
    return (language, *LANGUAGES[language].falls_back_to)
