from collections.abc import Callable
from pathlib import Path

import pytest

from bot import crypto
from bot.db import Base, Database, import_models
from bot.reports import service
from bot.reports.document import Report, build
from bot.reports.service import Material
from tests.reports.population import settle

FORM = "diaspora_mapping"
TARGETS = (
    "question,code,total,source,as_of\ngender,f,5800,Census of destination countries,2021-06-30\n"
    "gender,m,4200,Census of destination countries,2021-06-30\n"
)


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory, messages_dir: Path) -> Material:
    """What 900 people answered, as it may be published."""
    crypto.use(crypto.Keyring([b"k" * 32]))  # that of every test, which is set for each of them later than this
    import_models()
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('population') / 'outreach.db'}")
    Base.metadata.create_all(database.engine)
    with database.begin() as db:
        settle(db, messages_dir, 900)
        service.declare(db, FORM, TARGETS)
        published = service.publish(db, messages_dir, FORM)
    database.close()
    return published


#: report("LS", "fr") of everybody
Reporting = Callable[..., Report]


@pytest.fixture(scope="session")
def report(material: Material, messages_dir: Path) -> Reporting:
    """Build a report on the population."""

    def built(country: str | None = None, language: str = "en") -> Report:
        period = (material.first, material.last)
        return build(material.subject, material.published, period, messages_dir, country, language)

    return built
