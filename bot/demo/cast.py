"""Three hundred people, the same ones at every play."""

import random
from dataclasses import dataclass
from typing import Literal

Habit = Literal["plain", "declines", "underage", "stops", "blocks", "mumbles", "repeats"]

LANGUAGES = ("en", "fr", "st", "ny", "mfe")
#: How people write where they live: countries, cities and nicknames in their own words.
HOMES: dict[str, tuple[str, ...]] = {
    "LS": ("South Africa", "Joburg", "Cape Town", "Durban", "London", "Toronto", "Botswana", "Dubai"),
    "MW": ("South Africa", "Joburg", "Leeds", "Harare", "Lusaka", "Maputo", "Dublin", "USA"),
    "MU": ("France", "Paris", "Sydney", "Montreal", "London", "Réunion", "Perth"),
}
SPOKEN: dict[str, tuple[str, ...]] = {"LS": ("st", "en"), "MW": ("ny", "en"), "MU": ("mfe", "fr", "en")}
LINKS = ("embassy", "association", "poster", "radio")
#: Out of a hundred.
_HABITS: tuple[tuple[Habit, int], ...] = (
    ("declines", 6),
    ("underage", 2),
    ("stops", 5),
    ("blocks", 4),
    ("mumbles", 8),
    ("repeats", 10),
)


@dataclass(frozen=True, slots=True)
class Person:
    """One member of the cast."""

    number: int
    name: str
    channel: Literal["telegram", "whatsapp"]
    language: str
    origin: str
    home: str
    link: str
    interests: str
    habit: Habit


def cast(count: int, seed: int = 7) -> list[Person]:
    """Return the cast; every other one is on WhatsApp."""
    chance = random.Random(seed)
    return [_person(number, chance) for number in range(count)]


def _person(number: int, chance: random.Random) -> Person:
    origin = ("LS", "MW", "MU")[number % 3]
    language = chance.choice(SPOKEN[origin])
    return Person(
        number=number,
        name=f"Phone {number + 1}",
        channel="telegram" if number % 2 else "whatsapp",
        language=language,
        origin=origin,
        home=chance.choice(HOMES[origin]),
        link=chance.choice(LINKS),
        interests=" ".join(str(code) for code in sorted(chance.sample(range(1, 11), chance.randint(1, 4)))),
        habit=_habit(chance.randrange(100)),
    )


def _habit(drawn: int) -> Habit:
    for habit, share in _HABITS:
        if drawn < share:
            return habit
        drawn -= share
    return "plain"
