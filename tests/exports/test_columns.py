"""What exports read of many interviews at once is what feeds read of each: two ways that must never differ."""

import random
from itertools import groupby
from operator import attrgetter

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.db import Database
from bot.exports import service
from bot.exports.blocks import records
from bot.exports.cases import Case, Known, day_of, replies_of
from bot.exports.columns import blocks
from bot.exports.interviews import read
from bot.exports.models import Export, ExportMember
from bot.exports.options import Options
from bot.exports.variables import tables
from bot.surveys.models import Answer, Disposition, Missing, Run
from tests.exports.towns import SHEET, add_run, add_survey

MAIN = ("origin", "skills", "city", "amount", "twice", "language", "moved")
INSIDE = [f"child {number} {name}" for number in (1, 2, 10) for name in ("child_name", "age")]
VALUES = ["LS", "5", "tech health", "a\x1fb", '"é"\n', "", *Missing]
VERSION_4 = SHEET.replace("| towns | 3 |", "| towns | 4 |").replace("| | integer | language |", "| | text | language |")


def answer(db: Session, chance: random.Random) -> Export:
    """Let forty people answer anything to two versions of a form, and end anyhow."""
    surveys = [add_survey(db), add_survey(db, VERSION_4)]
    for _ in range(40):
        asked = chance.sample([*MAIN, *INSIDE], chance.randrange(len(MAIN) + len(INSIDE)))
        ended = chance.choice(list(Disposition))
        add_run(db, chance.choice(surveys), {name: chance.choice(VALUES) for name in asked}, ended)
    return service.begin(db, surveys[1], Options(all_versions=True, free_text=True), "1")


def one_by_one(db: Session, export: Export) -> list[Case]:
    rows = db.execute(
        select(ExportMember.respondent, Run)
        .join(Run, Run.id == ExportMember.run_id)
        .where(ExportMember.export_id == export.id)
        .order_by(ExportMember.respondent)
    )
    found = []
    for respondent, run in rows:
        given = select(Answer.run_id, Answer.path, Answer.value, Answer.missing, day_of(db, Answer.at), Answer.private)
        replies = replies_of(db.execute(given.where(Answer.run_id == run.id)), Known())
        about = (respondent, run.survey_id, "", run.disposition, "", "", run.language, run.channel, "", "")
        found.append(Case(*about, replies))
    return found


def test_many_interviews_at_once_say_what_each_says(database: Database) -> None:
    with database.begin() as db:
        export = answer(db, random.Random(8))
        options = Options.from_json(export.options)
        forms = service.forms_of(db, db.get_one(Run, 1).survey, options)
        columns = tables(list(forms.values()), options)
        wanted = list(records(one_by_one(db, export), forms, columns))
        found = list(blocks(read(db, export, free_text=True, days=True), forms, columns))
    for table, mine in groupby(sorted(wanted, key=lambda each: columns.index(each.table)), key=attrgetter("table")):
        lines = [(each.case.respondent, each.numbers, each.replies) for each in mine]
        (block,) = (each for each in found if each.table is table)
        replies = [[column.replies[index] for index in column.indexes] for column in block.columns]
        people = [person.respondent for person in block.people]
        assert [*zip(people, block.numbers, map(list, zip(*replies, strict=True)), strict=True)] == lines
    assert len(found) == len(columns) == 2
