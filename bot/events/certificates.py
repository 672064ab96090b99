"""Certificates of attendance: a PDF in the holder's name, and a code by which anybody can have it checked."""

import re
import secrets
import unicodedata
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Media
from bot.contacts.models import Contact
from bot.content import Content
from bot.content.languages import SOURCE
from bot.content.normalise import normalise
from bot.events import wording
from bot.events.models import Attendance, Certificate, Event
from bot.events.wording import Reader

PREFIX = "made/certificate/"
#: No letter or digit that is read as another.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Sesotho names may begin with an apostrophe: ’Mamosa.
_NAME = re.compile(r"(?=.{2,80}$)['’ʼ]?[^\W\d_](?:[^\W\d_]|[ .’'ʼ-])+")


def is_due(db: Session, event: Event, contact: Contact) -> bool:
    """Tell whether a person can have a certificate: there was one to have, it is over, and they were there."""
    over = event.certificate and event.ends_at <= clock.now()
    return over and db.get(Attendance, (event.id, contact.id)) is not None


def clean_name(text: str) -> str | None:
    """Return a name as it can be printed, or None when it is none."""
    name = " ".join(unicodedata.normalize("NFC", text).split(" "))
    return name if _NAME.fullmatch(name) and "\n" not in text else None


def issue(db: Session, event: Event, contact: Contact, name: str) -> Certificate:
    """Write the certificate in this name; another name replaces the one before, the code stays."""
    found = select(Certificate).where(Certificate.event_id == event.id, Certificate.contact_id == contact.id)
    row = db.scalars(found).one_or_none()
    if row is None:
        code = "".join(secrets.choice(_LETTERS) for _ in range(10))
        row = Certificate(event_id=event.id, contact_id=contact.id, code=code, issued_at=clock.now())
        db.add(row)
    row.name, row.language = name, contact.language or SOURCE
    db.flush()
    return row


def file(row: Certificate) -> Media:
    """Return the PDF, which is made when it is sent."""
    return Media("document", f"{PREFIX}{row.id}.pdf", "application/pdf", "certificate.pdf")


def forget(db: Session, contact_id: int, media_dir: Path) -> None:
    """Remove the files of a person's certificates that lie ready to be sent."""
    for id in db.scalars(select(Certificate.id).where(Certificate.contact_id == contact_id)):
        (media_dir / PREFIX / f"{id}.pdf").unlink(missing_ok=True)


def find(db: Session, code: str) -> tuple[Certificate, Event] | None:
    """Return the certificate with this code, as somebody typed it off the paper."""
    wanted = re.sub(r"[^A-Z0-9]", "", code.upper())
    rows = select(Certificate, Event).join(Event, Event.id == Certificate.event_id).where(Certificate.code == wanted)
    found = db.execute(rows).one_or_none()
    return None if found is None else (found[0], found[1])


def is_name_of(row: Certificate, name: str) -> bool:
    """Tell whether the name on the paper is the one that was printed."""
    return normalise(name) == normalise(row.name)


def spaced(code: str) -> str:
    """Return a code in groups, as it is read off a paper."""
    return f"{code[:5]} {code[5:]}"


def make(db: Session, content: Content, template: Path, address: str, name: str) -> bytes | None:
    """Return the PDF with this name below PREFIX; `address` is where it can be checked, or nothing."""
    import typst

    row = db.get(Certificate, int(name.removesuffix(".pdf")))
    if row is None:
        return None
    values = _values(db, content, row, address)
    return bytes(typst.compile(str(template), sys_inputs=values, ignore_system_fonts=True))


def _values(db: Session, content: Content, row: Certificate, address: str) -> dict[str, str]:
    event, contact = db.get_one(Event, row.event_id), db.get_one(Contact, row.contact_id)
    reader = Reader.read(row.language, contact.zone, None, None)
    texts, formats = content.catalogue, content.formats
    day = formats.format_date(event.starts_local, row.language)
    keys = ("heading", "awarded_to", "took_part")
    return {key: texts.text(f"certificate.{key}", row.language) for key in keys} | {
        "language": row.language,
        "name": row.name,
        "session": wording.title(event, reader),
        "held": texts.text("certificate.held", row.language, date=day, minutes=event.minutes),
        "issued": texts.text(
            "certificate.issued", row.language, date=formats.format_date(row.issued_at.date(), row.language)
        ),
        "check": texts.text("certificate.check", row.language, code=spaced(row.code)),
        "address": address,
        "qr": _qr(f"{address}?language={row.language}&code={row.code}") if address else "",
    }


def _qr(text: str) -> str:
    import segno

    return segno.make(text).svg_inline(border=0)
