"""The wheel carries the content and the migrations along, and works from any folder."""

import contextlib
import os
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
#: What a package that we ship may be under; LGPL and MPL are for libraries that we use as they are.
LICENCES = re.compile(r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|LGPL|MPL|Unlicense|0BSD|Zlib|HPND|CC0")
#: Their metadata name none; both are MIT by the licence file in their source.
SAY_NOTHING = {"pyrage", "pyxform"}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as `pip install .` does, without network, and unpack it."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "unpacked")
    return folder / "unpacked"


def outreach(unpacked: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the unpacked wheel in another folder."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(unpacked)}
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_wheel_holds_code_content_migrations_and_pages(unpacked: Path) -> None:
    for source, target in (("messages", "bot/_data/messages"), ("alembic", "bot/_data/alembic"), ("bot", "bot")):
        wanted = {
            path.relative_to(ROOT / source)
            for path in (ROOT / source).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        missing = {path for path in wanted if not (unpacked / target / path).is_file()}
        assert not missing
    assert not list(unpacked.glob("tests*"))
    (entry,) = unpacked.glob("*.dist-info/entry_points.txt")
    assert "outreach = bot.cli:main" in entry.read_text()


def test_the_wheel_checks_its_content_and_makes_its_tables_from_another_folder(unpacked: Path, tmp_path: Path) -> None:
    check = outreach(unpacked, tmp_path, "check")
    assert check.returncode == 0, check.stdout + check.stderr
    assert check.stdout.startswith("0 errors")
    tables = outreach(unpacked, tmp_path, "db", "check")
    assert tables.returncode == 0, tables.stdout + tables.stderr


def test_every_package_that_we_ship_is_under_a_licence_that_allows_it() -> None:
    names = set(_pinned("requirements.lock"))
    installed = {name for name in names if _licence(name) is not None}  # some are for other systems
    assert len(installed) > 60
    assert {name for name in installed if not LICENCES.search(_licence(name) or "")} == SAY_NOTHING


def test_what_packages_ask_of_each_other_is_pinned_with_its_extras() -> None:
    """Or pip takes the newest `name[extra]` first, and stops, once there is one newer than what we pinned."""
    lock = _pinned("requirements-dev.lock")
    asked: dict[str, set[str]] = {}
    for name in lock:
        with contextlib.suppress(metadata.PackageNotFoundError):
            for one in map(Requirement, metadata.requires(name) or []):
                if one.extras and (one.marker is None or one.marker.evaluate({"extra": ""})):
                    asked.setdefault(canonicalize_name(one.name), set()).update(one.extras)
    assert asked
    assert {name: extras - lock[name] for name, extras in asked.items() if extras - lock[name]} == {}


def _pinned(lock: str) -> dict[str, set[str]]:
    """Return the packages of a lock file, each with the extras it is pinned with."""
    found = re.findall(r"^([a-z0-9-]+)(?:\[(\S+)\])?==", (ROOT / lock).read_text(), re.MULTILINE)
    return {name: set(filter(None, extras.split(","))) for name, extras in found}


def _licence(name: str) -> str | None:
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    classifiers = [one for one in about.get_all("Classifier", []) if one.startswith("License ::")]
    return " ".join([about.get("License-Expression", ""), *classifiers, (about.get("License") or "")[:80]])
