"""Countries and cities as people type them, and the time zones of each; never from a telephone number."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import get_global

from bot.content.files import read_yaml
from bot.content.languages import LANGUAGES, chain
from bot.content.normalise import normalise

# Shorter names ("us", "pe", "nice") mean a place only when they stand alone or between commas, not inside a sentence.
_SHORTEST_IN_SENTENCE = 5
_LONGEST_NAME_IN_WORDS = 4


@dataclass(frozen=True)
class Place:
    """A country by ISO code, perhaps with the city and its zone; `sure` is False when the spelling was guessed."""

    country: str
    city: str | None = None
    zone: str | None = None
    sure: bool = True


@dataclass(frozen=True)
class Zone:
    """A time zone, and the catalogue key of the label it has in a choice."""

    name: str
    key: str


class Places:
    """Every country of CLDR, with the aliases and cities of places.yaml."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._shown: Mapping[str, Mapping[str, str]] = data["names"]
        self._zones: Mapping[str, list[str]] = data["zones"]
        self._locales = {code: Locale.parse(language.locale) for code, language in LANGUAGES.items()}
        self.codes = frozenset(code for code in get_global("territory_zones") if code.isalpha() and code != "ZZ")
        self._index: dict[str, list[Place]] = {}
        for code in sorted(self.codes):
            self._add(Place(code), [*self._names(code), *data["countries"].get(code, [])])
        for zone, cities in data["cities"].items():
            country = get_global("zone_territories")[zone]
            for city, others in cities.items():
                self._add(Place(country, city, zone), [city, *others])

    @classmethod
    def load(cls, messages_dir: Path) -> "Places":
        """Read places.yaml."""
        return cls(read_yaml(messages_dir / "places.yaml"))

    def find_country(self, text: str) -> list[Place]:
        """Return what `text` may mean: one place, several to ask about, or none.

        A name is understood in every language; a name found inside a sentence counts, and only when nothing is found a
        near spelling does (`sure` is False).
        """
        whole = self._index.get(normalise(text), [])
        return _one_per_country(whole) or self._inside(text) or self._near(text)

    def country_name(self, code: str, language: str) -> str:
        """Return the name of the country in the nearest language that has one."""
        for nearest in chain(language):
            name = self._shown.get(nearest, {}).get(code) or self._locales[nearest].territories.get(code)
            if name:
                return str(name)
        raise KeyError(code)

    def zones(self, code: str) -> list[Zone]:
        """Return the time zones to choose from in a country; one means there is nothing to ask."""
        names = self._zones.get(code) or get_global("territory_zones")[code][:1]
        return [Zone(name, f"zone.{name}") for name in names]

    def _names(self, code: str) -> Iterable[str]:
        shown = (names[code] for names in self._shown.values() if code in names)
        known = (locale.territories.get(code) for locale in self._locales.values())
        return [*shown, *filter(None, known)]

    def _add(self, place: Place, names: Iterable[str]) -> None:
        for name in {normalise(name) for name in names}:
            self._index.setdefault(name, []).append(place)

    def _inside(self, text: str) -> list[Place]:
        """Find names between commas and in a sentence: "Leeds, UK", "I live in South Africa"."""
        parts = [normalise(part) for part in text.replace("(", ",").replace("/", ",").split(",")]
        words = normalise(text).split()
        lengths = range(1, _LONGEST_NAME_IN_WORDS + 1)
        phrases = (" ".join(words[start : start + length]) for start in range(len(words)) for length in lengths)
        names = {*parts, *(phrase for phrase in phrases if len(phrase) >= _SHORTEST_IN_SENTENCE)}
        found = _one_per_country(place for name in sorted(names) for place in self._index.get(name, []))
        # "London, Canada": what stands last, after a comma, says the country.
        last = {place.country for place in self._index.get(parts[-1], []) if not place.city}
        return [place for place in found if place.country in last] or found

    def _near(self, text: str) -> list[Place]:
        close = get_close_matches(normalise(text), self._index, n=3, cutoff=0.85)
        places = _one_per_country(place for name in close for place in self._index[name])
        return [Place(place.country, place.city, place.zone, sure=False) for place in places]


def _one_per_country(places: Iterable[Place]) -> list[Place]:
    """Keep one place for each country, the more exact one: a city is better than its country."""
    best: dict[str, Place] = {}
    for place in places:
        if place.city or place.country not in best:
            best[place.country] = place
    return list(best.values())
