"""Exports for a partner: only of who agreed to sharing, with addresses and files, and never without a reason."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.contacts import consent
from bot.contacts.models import Address, Contact, Purpose, Reach
from bot.exports.formats.csv_files import CsvFile
from bot.exports.models import Export, ExportMember
from bot.exports.options import ExportError, Options
from bot.messaging import received
from bot.messaging.models import FileStatus, ReceivedFile
from bot.sentences import Sentence

LIMIT = 200  # characters of a reason, and of a recipient
_HEAD = ("respondent", "channel", "address", "language", "origin", "residence", "city")
_OLDEST = (1980, 1, 1, 0, 0, 0)  # a ZIP's earliest time: the files tell none


def check(options: Options) -> None:
    """Raise ExportError for names without a reason and a recipient, or a reason for nothing."""
    told = [bool(text) and len(text) <= LIMIT for text in (options.reason, options.recipient)]
    if options.identified and not all(told):
        raise ExportError(
            Sentence("Say why names leave, and who gets them, in at most %(limit)s characters each", limit=LIMIT)
        )
    if not options.identified and (options.reason or options.recipient):
        raise ExportError(Sentence("A reason and a recipient belong to an export with names: ask for one"))


def write_people(db: Session, export: Export, path: Path) -> int:
    """Write where each person can be reached; return how many lines."""
    file = CsvFile(path, _HEAD)
    rows = (
        select(ExportMember.respondent, Address, Contact)
        .join(Contact, Contact.id == ExportMember.contact_id)
        .join(Address, Address.contact_id == Contact.id)
        .where(ExportMember.export_id == export.id, Address.reach != Reach.GONE)
        .where(Contact.id.in_(consent.granting(Purpose.SHARING)))
        .order_by(ExportMember.respondent, Address.id)
        .execution_options(yield_per=500)
    )
    for respondent, address, contact in db.execute(rows):
        known = (contact.language, contact.origin, contact.residence, contact.city)
        file.write((respondent, address.channel, address.value, *(value or "" for value in known)))
    file.close()
    return file.rows


def write_media(db: Session, export: Export, path: Path) -> int:
    """Pack the files that answer the survey, each under the respondent's id; return how many."""
    count = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
        for respondent, file in _files(db, export):
            entry = zipfile.ZipInfo(f"{respondent}/{file.id}-{received.download_name(file)}", _OLDEST)
            with packed.open(entry, "w", force_zip64=True) as out:
                for piece in received.content(db, file):
                    out.write(piece)
            count += 1
    return count


def _files(db: Session, export: Export) -> Iterator[tuple[str, ReceivedFile]]:
    rows = (
        select(ExportMember.respondent, ReceivedFile)
        .join(ReceivedFile, ReceivedFile.run_id == ExportMember.run_id)
        .where(ExportMember.export_id == export.id, ReceivedFile.contact_id == ExportMember.contact_id)
        .where(ReceivedFile.status == FileStatus.KEPT, ReceivedFile.contact_id.in_(consent.granting(Purpose.SHARING)))
        .order_by(ExportMember.respondent, ReceivedFile.id)
    )
    return ((respondent, file) for respondent, file in db.execute(rows))
