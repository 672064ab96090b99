"""The rules of this code base that can be checked, are."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from typer.main import get_command

from bot import jobs, settings
from bot.cli.main import app as cli
from bot.content import Content
from bot.conversations.router import Router

ROOT = Path(__file__).parent.parent
BOT = ROOT / "bot"
MODULE_LINES, FUNCTION_LINES = 400, 50
#: Modules that tell time or wait by themselves, and why the clock, which the demo and tests move, is not for them.
REAL_TIME = {
    "bot/clock.py": "is the clock",
    "bot/channels/telegram/poller.py": "waits for a provider, who does not follow a hurried clock",
    "bot/messaging/delivery.py": "looks for work at a real pace, however fast the clock runs",
    "bot/db.py": "connections that lie unused grow old in real time",
    "bot/messaging/waking.py": "waits between attempts at a database, which does not follow the clock",
    "bot/migrations.py": "waits for another process at a database, which does not follow the clock",
    "bot/grouping.py": "waits between attempts at a database, which does not follow the clock",
    "bot/background.py": "notes how far work is at a real pace, however fast the clock runs",
    "bot/web/console/live.py": "looks again for a browser, which does not follow a hurried clock",
    "bot/demo/desk.py": "looks at a page again and again like a browser",
    "bot/demo/play.py": "tells how many real seconds a play takes",
}
#: Files outside the edge that name a provider, and why.
NAMES_A_PROVIDER = {
    "bot/__init__.py": "says what the program is",
    "bot/broadcasts/attachments.py": "limits of a file, which authors meet before the provider does",
    "bot/broadcasts/checks.py": "limits of a message's length, which authors meet before the provider does",
    "bot/content/templates.py": "Twilio's names of the kinds of template, which content files use",
    "bot/conversations/safety.py": "names the messenger whose sign-in codes nobody may send",
    "bot/logs.py": "silences their libraries, which log tokens",
    "bot/web/hooks.py": "a comment on the size of their calls",
}
EDGE = ("bot/channels/", "bot/emulators/", "bot/demo/", "bot/cli/", "bot/app/", "bot/settings/")
#: Rooms whose words reach members.
SPEAKING = ("conversations", "surveys", "events", "broadcasts", "opportunities", "messaging")
SAYING = {"Message", "queue", "say", "send", "Button", "button"}


@cache
def sources() -> dict[str, str]:
    """Return our code by path."""
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sorted(BOT.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    """Return our code, parsed."""
    return {name: ast.parse(source) for name, source in sources().items()}


def papers() -> str:
    """Return everything that is written about the program."""
    return "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call with the dotted name of what it calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_no_module_is_longer_than_400_lines() -> None:
    assert {name for name, source in sources().items() if len(source.splitlines()) > MODULE_LINES} == set()


def test_no_function_is_longer_than_50_lines_beside_its_docstring() -> None:
    assert {where for where, lines in functions() if lines > FUNCTION_LINES} == set()


def functions() -> Iterator[tuple[str, int]]:
    """Yield each function with the number of its lines."""
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                says = first if ast.get_docstring(node) else None
                told = (says.end_lineno or 0) - says.lineno + 1 if says else 0
                yield f"{name}:{node.name}", (node.end_lineno or 0) - node.lineno + 1 - told


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree in trees().items() if not ast.get_docstring(tree)] == []


def test_settings_are_read_in_one_place() -> None:
    """Only a library's own switch may be set elsewhere, before the library is imported."""
    readers = {
        name for name, source in sources().items() if re.search(r"\bos\.(environ(?!\.setdefault)|getenv)", source)
    }
    assert readers == set()


def test_time_comes_from_the_clock() -> None:
    real = re.compile(
        r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|monotonic|perf_counter|sleep)|asyncio\.sleep)\("
    )
    assert {name for name, source in sources().items() if real.search(source)} <= set(REAL_TIME)


def test_providers_are_named_at_the_edge_only() -> None:
    naming = {
        name
        for name, source in sources().items()
        if not name.startswith(EDGE) and re.search("telegram|twilio", source, re.IGNORECASE)
    }
    assert naming - set(NAMES_A_PROVIDER) == set()


def test_no_sentence_for_members_stands_in_the_code() -> None:
    """What a member reads comes from the catalogue, from a form, or from staff."""
    found = []
    for name, tree in trees().items():
        if name.split("/")[1] not in SPEAKING:
            continue
        for called, call in calls(tree):
            if called.rpartition(".")[2] in SAYING:
                found += [f"{name}:{call.lineno}: {text}" for text in texts(call) if is_sentence(text)]
    assert found == []


def texts(call: ast.Call) -> Iterator[str]:
    """Yield the texts written out among the arguments of a call."""
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        for node in ast.walk(argument):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def is_sentence(text: str) -> bool:
    return re.search(r"[^\W\d_]{2,} +[^\W\d_]{2,}", text) is not None


def test_every_wording_that_the_code_asks_for_is_in_the_catalogue(messages_dir: Path) -> None:
    keys = set(Content.load(messages_dir).catalogue.keys())
    asked = {
        (name, call.args[0].value)
        for name, tree in trees().items()
        for called, call in calls(tree)
        if called.rpartition(".")[2] in {"say", "text", "plural", "consent_text"} and call.args
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
        if re.fullmatch(r"[a-z_]+\.[A-Za-z0-9_.]+", call.args[0].value)
    }
    assert len(asked) > 50
    assert {(name, key) for name, key in asked if key not in keys} == set()


def test_every_wording_in_the_catalogue_is_asked_for_somewhere(messages_dir: Path) -> None:
    """As a whole, or put together: its beginning stands in the code, and what follows it does too."""
    pages = "\n".join(path.read_text("utf-8") for path in sorted((BOT / "web" / "templates").rglob("*.html")))
    content = pages + (messages_dir / "places.yaml").read_text("utf-8")
    nodes = [node for tree in trees().values() for node in ast.walk(tree)]
    known = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    known |= set(re.findall(r"[\w/]+(?:\.[\w/]+)*", content))
    begun = {text for text in known if re.fullmatch(r"[a-z]+\.([a-z_]+_)?", text)}
    begun |= set(re.findall(r'"([a-z]+\.(?:[a-z_]+_)?)" ~', pages))
    keys = Content.load(messages_dir).catalogue.keys()
    built = {key for key in keys for start in begun if key.startswith(start) and key.removeprefix(start) in known}
    assert [key for key in keys if key not in known | built] == []


def test_migrations_form_one_line_and_do_not_hide_the_library() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "alembic"))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1
    assert not (ROOT / "alembic" / "__init__.py").exists(), "it would hide the alembic package"


def test_every_setting_is_in_its_paper_and_every_one_there_exists() -> None:
    paper = (ROOT / "docs" / "settings.md").read_text("utf-8")
    table = dict(re.findall(r"^\| `(OUTREACH_\w+)` \| (.*)$", paper, re.MULTILINE))
    wanted = {f"{settings.PREFIX}{name.upper()}": row(name) for name in settings.Settings.model_fields}
    lines = "\n".join(f"| `{name}` | {cells}" for name, cells in wanted.items())
    assert table == wanted, f"The table in docs/settings.md must be:\n{lines}"


def row(name: str) -> str:
    """Return the cells of a setting in the table: its default, and what it is."""
    field = settings.Settings.model_fields[name]
    default = getattr(field.default, "get_secret_value", lambda: field.default)()
    shown = "" if default in ("", None, ()) else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    return f"{shown} | {field.description} |"


def commands() -> dict[str, set[str]]:
    """Return every command with its options."""
    found: dict[str, set[str]] = {}

    def walk(command: object, path: tuple[str, ...]) -> None:
        below = getattr(command, "commands", None)
        if below:
            for name, child in below.items():
                walk(child, (*path, name))
        else:
            options = {option for parameter in command.params for option in parameter.opts}  # type: ignore[attr-defined]
            found[" ".join(path)] = {option for option in options if option.startswith("--")}

    walk(get_command(cli), ("outreach",))
    return found


def test_every_command_is_in_the_papers_and_every_one_there_exists() -> None:
    written = papers()
    assert {command for command in commands() if command not in written} == set()
    for line in re.findall(r"`(outreach [^`]*)`", written) + re.findall(
        r"^(?:\$ )?(outreach .*)$", written, re.MULTILINE
    ):
        words = line.partition("#")[0].split()
        command = next((" ".join(words[:n]) for n in (3, 2) if " ".join(words[:n]) in commands()), None)
        group = any(name.startswith(f"{' '.join(words[:2])} ") for name in commands()) and len(words) == 2
        assert command or group, f"{line}: no such command"
        if command:
            assert {word for word in words if word.startswith("--")} <= commands()[command], line


def test_every_make_target_in_the_papers_exists_and_the_reverse() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    written = papers()
    named = set(re.findall(r"`make ([a-z-]+)", written)) | set(re.findall(r"^make ([a-z-]+)", written, re.MULTILINE))
    assert named <= targets
    assert {target for target in targets if not target.startswith("bench")} <= named


def test_every_job_is_documented(messages_dir: Path) -> None:
    content = Content.load(messages_dir)
    written = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `([a-z_]+)` \| (\d+) s \|", written, re.MULTILINE))
    assert documented == {(job.name, f"{job.every:g}") for job in jobs.table(content, Router(content, "", ""))}


def test_every_room_is_on_the_map() -> None:
    rooms = {path.name for path in BOT.iterdir() if (path / "__init__.py").is_file()}
    written = (ROOT / "README.md").read_text("utf-8")
    assert {room for room in rooms if not re.search(rf"^  {room}/ ", written, re.MULTILINE)} == set()


def test_links_between_the_papers_lead_somewhere() -> None:
    for paper in [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "messages" / "README.md",
        *(ROOT / "docs").glob("*.md"),
    ]:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", paper.read_text("utf-8")):
            assert (paper.parent / target).exists(), f"{paper.name} points to {target}"


def test_every_paper_is_in_the_site_and_every_page_of_the_site_exists() -> None:
    listed = re.findall(r"^ +- [^:\n]+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def tracked() -> list[Path]:
    """Return the files of the project: git's, or all of an unpacked copy."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    tops = ("bot", "tests", "alembic", "messages", "docs")
    return [
        path for top in tops for path in (ROOT / top).rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]


def readable() -> Iterator[tuple[str, str]]:
    for path in tracked():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        except UnicodeDecodeError:  # a picture, a workbook
            continue


def test_nothing_names_a_machine_or_a_registry() -> None:
    homes = re.compile(r"(?<![\w.*])/(work|root|home/\w+|Users/\w+)/")
    registries = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "npm" + "js", r"registry\.")))
    found = [name for name, text in readable() if homes.search(text) or registries.search(text)]
    assert [name for name in found if name != "tests/test_house_rules.py"] == []


def test_lock_files_pin_by_hash_and_name_no_index_or_host() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-peers.lock", "requirements-docs.lock"):
        text = (ROOT / name).read_text("utf-8")
        assert not re.search(r"://|--index|--find-links|--trusted-host", text)
        pinned = re.findall(r"^\S+==\S+", text, re.MULTILINE)
        assert len(pinned) > 15
        assert text.count("--hash=sha256:") >= len(pinned)


def test_nothing_is_left_for_later_and_no_lint_is_silenced_wholesale() -> None:
    later = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "# no" + r"qa(?!:)", "# type: ig" + r"nore(?!\[)")))
    assert [name for name, text in readable() if name.endswith(".py") and later.search(text)] == []


@pytest.mark.parametrize("forbidden", ["unittest" + ".mock", "Magic" + "Mock"])
def test_tests_use_fakes_not_mocks(forbidden: str) -> None:
    assert [name for name, text in readable() if name.startswith("tests/") and forbidden in text] == []
