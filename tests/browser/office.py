"""What has happened in the office: something of everything, so that no page of the console is empty."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import service as broadcasts
from bot.contacts import groups, importing, links
from bot.contacts.consent import Proof
from bot.contacts.models import Contact, LinkKind, Trait, TraitKind
from bot.contacts.sheets import Row
from bot.conversations import alike, ready_answers
from bot.demo.stage import Stage
from bot.events import materials
from bot.events import service as events
from bot.exports import service as exports
from bot.exports.options import Options
from bot.messaging.inbox import MAX_ATTEMPTS
from bot.messaging.models import Handling, InboxMessage, OutboxMessage, Priority, ProviderCopy, Status
from bot.opportunities import costs, leads
from bot.reports import service as reports
from bot.staff import service as staff
from bot.staff import tokens
from bot.staff.models import Role, StaffUser
from bot.staff.scopes import Scope
from bot.surveys import service as surveys
from bot.surveys.models import Survey
from bot.webhooks import service as webhooks
from bot.webhooks import telling
from bot.webhooks.models import Kind
from tests.journeys.conftest import SURVEY
from tests.opportunities import cards
from tests.web.console_browser import PASSWORD

#: Has a second factor, and so stands at the second step after the password.
CAREFUL = "careful@example.org"
PAPER = b"%PDF-1.7\n%%EOF\n"


def furnish(db: Session, opened: Stage) -> None:
    """Write what staff did before anybody joined."""
    for role in Role:
        staff.add(db, f"{role}@example.org", f"{role.title()} Person", role, password=PASSWORD)
    careful, _ = staff.add(db, CAREFUL, "Careful Person", Role.ANALYST, password=PASSWORD)
    careful.totp_secret = "JBSWY3DPEHPK3PXP"
    mapping = next((opened.app.settings.messages / "surveys").glob("*.xlsx"))
    surveys.publish(db, SURVEY.encode(), "small.md")
    surveys.publish(db, mapping.read_bytes(), mapping.name)
    event = plan(db, "Saving well", timedelta(days=30))
    materials.add(db, event, "slides.pdf", PAPER)
    editor, administrator, agent = (colleague(db, role) for role in (Role.EDITOR, Role.ADMINISTRATOR, Role.AGENT))
    what = broadcasts.Draft(title="Bond", purpose="news", texts={"en": "A bond opens.", "fr": "Une obligation."})
    broadcasts.draft(db, opened.app.content, editor, what)
    cards.published(db, opened.app.content)
    figure = costs.Figure("ZA", "LS", "A bank", Decimal(5), Decimal("1.5"), "Its price list", clock.now().date())
    costs.record(db, editor, [figure])
    ready_answers.save(db, None, "Voting", {"en": "At the embassy.", "fr": "À l’ambassade."}, agent)
    links.create(db, "Embassy in Pretoria", LinkKind.EMBASSY, "pretoria", str(editor.id))
    tokens.grant(db, administrator, administrator, "Statistics", [Scope.CONTACTS_READ], timedelta(days=90))
    webhooks.register(db, administrator, f"{opened.url}/healthz", [Kind.ALARM_RAISED], private=True)
    webhooks.emit(db, Kind.ALARM_RAISED, {"alarm": "late"})
    [errand] = telling.take(db)
    telling.settle(db, errand.call_id, "200")


def colleague(db: Session, role: Role) -> StaffUser:
    """Return the member of staff of a role."""
    found = staff.find(db, f"{role}@example.org")
    assert found
    return found


def plan(db: Session, title: str, ahead: timedelta) -> Any:
    """Publish a session at six in the evening of a day."""
    starts = (clock.now() + ahead).replace(hour=18, minute=0, second=0, microsecond=0, tzinfo=None)
    event = events.create(
        db, title={"en": title}, starts_local=starts, zone="Africa/Maseru", minutes=60, created_by="1"
    )
    events.publish(db, event)
    return event


def live(db: Session, opened: Stage) -> None:
    """Write what came of those who joined: messages without an outcome, a lead, people who are alike, an export."""
    one, other = db.scalars(select(Contact).order_by(Contact.id).limit(2))
    for contact in (one, other):
        db.add(Trait(contact_id=contact.id, kind=TraitKind.NUMBER, value_hash="h"))
    db.flush()
    alike.find(db)
    groups.put(db, groups.create(db, "Nurses"), [one.id])
    groups.note(db, one.id, "Speaks at our session.", 1)
    yes = Proof("opportunities.wording", "0" * 64, "en", one.channel, "yes", None)
    leads.share(db, one, cards.published(db, opened.app.content), "Palesa", yes)
    now = clock.now()
    row = {"contact_id": one.id, "channel": one.channel, "kind": "broadcast", "priority": Priority.BROADCAST}
    db.add(OutboxMessage(**row, status=Status.UNCERTAIN, reason="no_answer", due_at=now, created_at=now, status_at=now))
    message = {"channel": one.channel, "sender": one.sender, "external_id": "poison", "contact_id": one.id}
    kept = {"handling": Handling.PARKED, "attempts": MAX_ATTEMPTS, "error": "KeyError", "received_at": now}
    db.add(InboxMessage(**message, kind="text", text="?", **kept))
    db.add(ProviderCopy(channel="whatsapp", sent=["SM1"], received=["MM1"], due_at=None, created_at=now))
    listed = importing.judge(db, [Row(2, "+26658990011", None)], "ours", None)
    importing.take(db, listed, "ours", "the embassy", "1")
    survey = db.scalars(select(Survey).order_by(Survey.id)).first()
    assert survey
    exports.run(db, survey, Options(), opened.app.settings.data_dir / "exports" / "1", "1")
    _report(db, opened.app.settings.messages, opened.app.settings.data_dir / "reports" / "1")


def _report(db: Session, messages: Path, folder: Path) -> None:
    """Lay out a report that was drawn; drawing one takes longer than all pages together."""
    row = reports.order(db, messages, "diaspora_mapping", None, "en", "1")
    folder.mkdir(parents=True)
    (folder / "page.html").write_text('<!doctype html><html lang="en"><title>Report</title><h1>Report</h1>')
    reports.finish(db, row, {reports.PAGE: "page.html"})
