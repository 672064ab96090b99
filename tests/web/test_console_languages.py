"""The console speaks English and French, and no text of it is in one language only."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from fastapi import FastAPI
from jinja2 import nodes

from bot.content import Content
from bot.content.console import read_console
from bot.db import Database
from bot.sentences import Sentence, said
from bot.staff import service
from bot.staff.models import Role
from bot.web.console.rendering import Reader
from bot.web.console.speaking import preferred
from tests.web.console_browser import Browser, build

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "bot" / "web" / "templates" / "console"
#: Names, which every language writes alike, and what a preview shows as the time of a message.
NAMES = {"Diaspora Outreach", "IOM · UNDP console", "12:00", "question,code,total,source,as_of"}


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path) -> FastAPI:
    return build(database, messages_dir, tmp_path)


async def test_a_page_speaks_as_the_browser_asks_until_the_person_chooses(app: FastAPI, database: Database) -> None:
    browser = Browser(app)
    browser.client.headers["Accept-Language"] = "fr-CH, fr;q=0.9, en;q=0.8"
    page = await browser.open("/sign-in")
    assert (page.tree.get("lang"), "Se connecter" in page.text) == ("fr", True)
    assert "Cette page n’existe pas" in (await browser.open("/nowhere")).text
    page = await browser.submit(page, "/language", language="en")
    assert (page.path, page.tree.get("lang"), "Sign in" in page.text) == ("/console/sign-in", "en", True)
    await browser.sign_in(Role.EDITOR)
    page = await browser.submit(await browser.open("/account"), "/language", language="fr")
    assert (page.path, page.tree.get("lang")) == ("/console/", "fr")
    elsewhere = await Browser(app).sign_in(Role.EDITOR)  # the choice goes with the person
    assert "Écrire une annonce" in (await elsewhere.open("/broadcasts")).text
    with database.read() as db:
        user = service.find(db, "editor@example.org")
        assert user is not None
        assert user.language == "fr"
    assert (await browser.client.post("/console/language", data={"language": "xx"})).status_code in (403, 409)


async def test_what_a_service_refuses_is_said_in_the_readers_language(app: FastAPI) -> None:
    browser = await Browser(app).sign_in(Role.ADMINISTRATOR)
    await browser.submit(await browser.open("/account"), "/language", language="fr")
    page = await browser.open("/staff")
    refused = await browser.submit(page, "/staff", name="Neo", email="editor@example.org", role="editor")
    assert refused.status == 409
    assert "a déjà cette adresse e-mail" in refused.text
    analyst = await Browser(app).sign_in(Role.ANALYST)
    analyst.client.headers["Accept-Language"] = "fr"
    assert "Il faut la permission staff.manage" in (await analyst.open("/staff")).text


def test_a_sentence_reads_as_english_and_is_translated_with_what_it_is_made_of() -> None:
    whole = Sentence("%(name)s needs %(need)s", name="age", need=Sentence("a signature"))
    french = {"%(name)s needs %(need)s": "%(name)s demande %(need)s", "a signature": "une signature"}
    assert whole == "age needs a signature"
    assert said(whole, french.__getitem__) == "age demande une signature"
    assert said("as it is", french.__getitem__) == "as it is"


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("de, fr;q=0.2, en;q=0.1", "fr"),
        ("fr;q=0, *", "en"),
        (";;q=,fr;q=x", "en"),
        ("FR-fr", "fr"),
    ],
)
def test_the_language_that_a_browser_likes_best_is_spoken(asked: str, spoken: str) -> None:
    assert preferred(asked) == spoken


def test_numbers_and_times_read_as_the_language_writes_them(messages_dir: Path) -> None:
    english, french = (Reader(code, texts) for code, texts in Content.load(messages_dir).console.items())
    assert (english.number(1234567), french.number(1234567)) == ("1,234,567", "1\u202f234\u202f567")
    assert (english.share(1, 2), french.share(1, 2)) == ("50%", "50\u00a0%")
    assert (english.share(1, 1000), french.share(0, 5)) == ("<1%", "0\u00a0%")
    at = datetime(2026, 8, 3, 10, 0, tzinfo=UTC)
    assert "3 Aug 2026, 12:00" in english.when(at)
    assert "3 août 2026, 12:00" in french.when(at)
    assert (english.country("ZA"), french.country("ZA")) == ("South Africa", "Afrique du Sud")


def test_every_text_of_the_console_is_in_the_catalogue_and_none_there_is_left_over(messages_dir: Path) -> None:
    """`make console-texts` puts this right; then write the French."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["babel"]["mappings"]
    methods = [(one["pattern"], one["method"]) for one in config]
    options = {one["pattern"]: {k: v for k, v in one.items() if k not in {"pattern", "method"}} for one in config}
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "Sentence": None}
    found = extract_from_dir(ROOT / "bot", [(p.removeprefix("bot/"), m) for p, m in methods],
                             {p.removeprefix("bot/"): o for p, o in options.items()}, keywords)  # fmt: skip
    written = {(one[2][0] if isinstance(one[2], tuple) else one[2], one[4]) for one in found}
    catalogue = read_console(messages_dir, "fr")
    kept = {(one.id[0] if isinstance(one.id, tuple | list) else one.id, one.context) for one in catalogue if one.id}
    assert len(written) > 600
    assert written - kept == set()
    assert kept - written == set()


def test_french_is_written_with_its_own_spaces_and_quotes(messages_dir: Path) -> None:
    wrong = re.compile(r"[^\s\u00a0\u202f:][;?!»]|[ ][:;?!»]|« |\w'\w|\w: |\"[^\"=]*\"(?![ >])")
    found = []
    for message in read_console(messages_dir, "fr"):
        for form in [message.string] if isinstance(message.string, str) else message.string:
            text = re.sub(r"<code>.*?</code>|<[^>]+>|gender=female: 50", "", form)
            if message.id and wrong.search(text):
                found.append(form)
    assert found == []


def templates() -> list[Path]:
    return sorted(path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".jinja"})


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_no_text_on_a_page_goes_past_the_catalogue(path: Path) -> None:
    source = path.read_text("utf-8")
    plain = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    plain = re.sub(r"\{%-? *trans\b.*?endtrans *-?%\}", " ", plain, flags=re.DOTALL)
    plain = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "\x00", plain, flags=re.DOTALL)
    read_aloud = re.findall(r'\b(?:aria-label|data-label|title|placeholder|alt)="([^"]*)"', plain)
    shown = re.sub(r"<[^>]*>", "\n", plain).split("\n")
    for text in (*read_aloud, *shown):
        bare = text.replace("\x00", " ").strip(" ·\t")
        assert bare in NAMES or not re.search(r"[^\W\d_]{2,}", bare), f"{bare!r} is not translated"


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_no_text_inside_an_expression_goes_past_the_catalogue(path: Path, messages_dir: Path) -> None:
    environment = Reader("en", Content.load(messages_dir).console["en"]).environment
    tree = environment.parse(path.read_text("utf-8"))
    translated = {
        id(text)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in {"_", "gettext", "ngettext", "pgettext"}
        for text in call.find_all(nodes.Const)
    }
    for text in tree.find_all(nodes.Const):
        if id(text) not in translated and isinstance(text.value, str) and is_wording(text.value):
            raise AssertionError(f"{path.name}:{text.lineno}: {text.value!r} is not translated")


def is_wording(text: str) -> bool:
    """Tell words for people from codes, classes and addresses."""
    if text.startswith(("/", "console/")) or text in {"Telegram", "WhatsApp"}:
        return False
    return re.match(r"[A-ZÀ-Ý][a-zà-ÿ]", text) is not None or re.search(r"[a-z,:.] +[A-Za-z]", text) is not None


def test_the_rule_finds_what_it_looks_for() -> None:
    assert is_wording("Nobody was found.")
    assert is_wording("of unknown outcome")
    assert not is_wording("origins")
    assert not is_wording("/console/members?before=%d")
