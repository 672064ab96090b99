from pathlib import Path

import pytest

from bot.content.catalogue import Catalogue
from bot.content.languages import LANGUAGES
from bot.content.places import Place, Places

PLACES = Places.load(Path(__file__).parents[2] / "messages")


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("South Africa", "ZA"),
        ("SA", "ZA"),
        ("rsa", "ZA"),
        ("Afrique du Sud", "ZA"),
        ("Afrika Boroa", "ZA"),
        ("Afrika Borwa", "ZA"),
        ("Sid-Afrik", "ZA"),
        ("Gauteng", "ZA"),
        ("UK", "GB"),
        ("England", "GB"),
        ("Angleterre", "GB"),
        ("Lostrali", "AU"),
        ("Lamerik", "US"),
        ("U.S.A", "US"),
        ("États-Unis", "US"),
        ("lafrans", "FR"),
        ("Ile Maurice", "MU"),
        ("Moris", "MU"),
        ("la réunion", "RE"),
        ("Cote d'Ivoire", "CI"),
        ("Swaziland", "SZ"),
        ("Niger", "NE"),
        ("I live in South Africa", "ZA"),
        ("🇿🇦 Botswana!", "BW"),
    ],
)
def test_a_country_is_found_under_any_of_its_names(typed: str, country: str) -> None:
    assert PLACES.find_country(typed) == [Place(country)]


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("Joburg", Place("ZA", "Johannesburg", "Africa/Johannesburg")),
        ("Jo’burg", Place("ZA", "Johannesburg", "Africa/Johannesburg")),
        ("leeds, uk", Place("GB", "Leeds", "Europe/London")),
        ("South Africa (Cape Town)", Place("ZA", "Cape Town", "Africa/Johannesburg")),
        ("Perth", Place("AU", "Perth", "Australia/Perth")),
        ("londres", Place("GB", "London", "Europe/London")),
        ("Toronto", Place("CA", "Toronto", "America/Toronto")),
    ],
)
def test_a_city_brings_its_country_and_zone(typed: str, place: Place) -> None:
    assert PLACES.find_country(typed) == [place]


def test_the_country_after_the_comma_wins_over_a_famous_city() -> None:
    assert PLACES.find_country("London, Canada") == [Place("CA")]


@pytest.mark.parametrize(
    ("typed", "countries"),
    [
        ("Newcastle", {"ZA", "GB", "AU"}),
        ("Congo", {"CD", "CG"}),
        ("Newcastle, South Africa", {"ZA"}),
        ("I am from Lesotho but I live in Johannesburg", {"LS", "ZA"}),
    ],
)
def test_what_may_mean_several_places_gives_them_all(typed: str, countries: set[str]) -> None:
    assert {place.country for place in PLACES.find_country(typed)} == countries


@pytest.mark.parametrize(("typed", "country"), [("Sauth Africa", "ZA"), ("Mauritus", "MU"), ("Zimbabwa", "ZW")])
def test_a_near_spelling_is_a_guess_to_confirm(typed: str, country: str) -> None:
    assert PLACES.find_country(typed) == [Place(country, sure=False)]


@pytest.mark.parametrize("typed", ["", "👍", "asdf", "it is nice here", "with us", "+27 82 123 4567", "+230", "266"])
def test_what_is_no_place_is_not_guessed_least_of_all_a_number(typed: str) -> None:
    assert PLACES.find_country(typed) == []


@pytest.mark.parametrize(
    ("code", "language", "name"),
    [
        ("ZA", "en", "South Africa"),
        ("ZA", "fr", "Afrique du Sud"),
        ("ZA", "st", "Afrika Boroa"),
        ("ZA", "ny", "South Africa"),
        ("ZA", "mfe", "Sid-Afrik"),
        ("GB", "st", "United Kingdom"),
        ("GB", "mfe", "Royaume-Uni"),
    ],
)
def test_a_country_name_falls_back_honestly(code: str, language: str, name: str) -> None:
    assert PLACES.country_name(code, language) == name


def test_every_country_has_a_name_in_every_language_by_which_it_is_found() -> None:
    for code in PLACES.codes:
        for language in LANGUAGES:
            assert code in {place.country for place in PLACES.find_country(PLACES.country_name(code, language))}


def test_an_unknown_country_code_is_an_error() -> None:
    with pytest.raises(KeyError):
        PLACES.country_name("XX", "en")


def test_a_country_of_several_zones_offers_a_labelled_choice(catalogue: Catalogue) -> None:
    for code in ("AU", "CA", "US", "BR", "RU"):
        zones = PLACES.zones(code)
        assert len(zones) > 1
        assert all(catalogue.text(zone.key, "en") for zone in zones)


@pytest.mark.parametrize(
    ("code", "zone"),
    [("LS", "Africa/Maseru"), ("MW", "Africa/Blantyre"), ("MU", "Indian/Mauritius"), ("DE", "Europe/Berlin")],
)
def test_a_country_of_one_zone_leaves_nothing_to_ask(code: str, zone: str) -> None:
    assert [found.name for found in PLACES.zones(code)] == [zone]


def test_every_country_has_a_zone() -> None:
    assert all(PLACES.zones(code) for code in PLACES.codes)


def test_every_city_lies_in_a_zone_its_country_offers_or_shares() -> None:
    offered = {zone.name for code in PLACES.codes for zone in PLACES.zones(code)}
    cities = {place.zone for name in ("Perth", "Sydney", "Durban", "Leeds") for place in PLACES.find_country(name)}
    assert cities <= offered
