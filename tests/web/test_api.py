"""The JSON API as a program of the office uses it, from the grant of its token to the file of an export."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from bot import clock
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.contacts import groups
from bot.contacts.models import Contact
from bot.db import Database
from bot.events.models import Answer, Event, Rsvp, Standing
from bot.messaging.models import OutboxMessage
from bot.staff import tokens
from bot.staff.models import ApiToken, AuditEntry, Role, StaffUser
from bot.staff.scopes import Scope
from bot.surveys.models import Survey
from bot.web.api.values import AudienceIn
from bot.web.console import choosing
from tests.exports import towns
from tests.web.api_program import Program, granted
from tests.web.console_browser import Browser, build, make_orders
from tests.web.test_console_broadcasts import add_member, approve

NUMBER = "+26658123401"
BOND = {"title": "Bond", "purpose": "news", "texts": {"en": "A savings bond opens on Monday."}}


#: Most of it does not depend on the engine.
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def test_a_program_can_choose_an_audience_by_all_that_a_page_offers() -> None:
    assert set(AudienceIn.model_fields) == set(choosing.CONDITIONS)


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        for number in range(1, 6):
            add_member(db, number, "whatsapp" if number % 2 else "telegram")
    return build(database, messages_dir, tmp_path)


def actions(database: Database) -> list[tuple[str, dict[str, object]]]:
    """Return what programs did, as the audit trail has it."""
    with database.read() as db:
        rows = db.execute(select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.id))
        return [(action, detail) for action, detail in rows if "token" in detail]


@SQLITE
async def test_a_token_is_granted_on_a_page_and_only_its_owner_sees_it_once(app: FastAPI, database: Database) -> None:
    administrator, editor = await Browser(app).sign_in(Role.ADMINISTRATOR), await Browser(app).sign_in(Role.EDITOR)
    with database.read() as db:
        owner = db.scalar(select(StaffUser.id).where(StaffUser.role == Role.EDITOR))
    page = await administrator.open("/tokens")
    fields = {"name": "Newsletter <b>", "owner": str(owner), "days": "30"}
    assert (await administrator.submit(page, "/tokens", **fields)).status == 409  # without a scope
    assert (await administrator.submit(page, "/tokens", **fields, scopes=["contacts:identity"])).status == 409
    assert (await administrator.submit(page, "/tokens", **fields | {"days": "999999999999"})).status == 409
    page = await administrator.submit(page, "/tokens", **fields, scopes=["broadcasts:read", "contacts:read"])
    assert "Not fetched yet" in page.text
    assert "Show the token" not in page.text

    page = await editor.submit(await editor.open("/tokens"), "/fetch")
    [secret] = [code for code in page.tree.xpath("//code/text()") if code.startswith(tokens.PREFIX)]
    assert secret not in (await editor.open("/tokens")).response.text
    assert (await Program(app, secret).get("/contacts")).status_code == 200
    assert (await Program(app, secret).get("/token")).json()["usable"] == ["contacts:read", "broadcasts:read"]
    with database.read() as db:
        row = db.scalars(select(ApiToken)).one()
        assert secret not in str(row.token_hash)
        assert row.used_at == clock.now()

    agent = await Browser(app).sign_in(Role.AGENT)
    token = dict((await agent.open("/account")).form("/sign-out").form_values())
    assert (await agent.client.post(f"/console/tokens/{row.id}/revoke", data=token)).status_code == 404
    assert (await agent.client.post(f"/console/tokens/{row.id}/fetch", data=token)).status_code == 409
    await administrator.submit(await administrator.open("/tokens"), "/revoke")
    assert (await Program(app, secret).get("/contacts")).status_code == 401


@SQLITE
async def test_a_token_ends_by_its_time_with_its_owner_and_with_the_owners_role(
    app: FastAPI, database: Database
) -> None:
    program = Program(app, granted(database, Role.EDITOR, days=30))
    with database.begin() as db:
        owner = db.scalars(select(StaffUser).where(StaffUser.role == Role.EDITOR)).one()
        owner.role = Role.ANALYST
    assert (await program.get("/contacts")).json()["type"] == "urn:outreach:forbidden"
    assert (await program.get("/surveys")).status_code == 200
    with database.begin() as db:
        db.get_one(StaffUser, owner.id).active = False
    assert (await program.get("/surveys")).status_code == 401
    with database.begin() as db:
        db.get_one(StaffUser, owner.id).active = True
    clock.advance(timedelta(days=30))
    answer = await program.get("/surveys")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    for secret in (None, "x", "outreach_" + "x" * 9000):
        assert (await Program(app, secret).get("/surveys")).status_code == 401


async def test_a_program_that_calls_too_often_is_told_when_to_go_on(
    app: FastAPI, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = granted(database, Role.ANALYST)
    with database.begin() as db:
        assert isinstance(tokens.use(db, secret, 2), ApiToken)
        assert isinstance(tokens.use(db, secret, 2), ApiToken)
        clock.advance(timedelta(seconds=20))
        assert tokens.use(db, secret, 2) == tokens.Refused(again=40)
        clock.advance(timedelta(seconds=40))
        assert isinstance(tokens.use(db, secret, 2), ApiToken)
        db.scalars(select(ApiToken)).one().calls = 10_000
    answer = await Program(app, secret).get("/surveys")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    assert "60 seconds" in answer.json()["detail"]


@POSTGRESQL
async def test_contacts_come_page_by_page_masked_and_what_is_added_meanwhile_comes_last(
    app: FastAPI, database: Database
) -> None:
    program = Program(app, granted(database, Role.EDITOR))
    seen, after = [], 0
    while after is not None:
        answer = await program.get("/contacts", after=after, limit=2, state="member")
        assert NUMBER[4:] not in answer.text
        page = answer.json()
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
        if len(seen) == 2:
            with database.begin() as db:
                add_member(db, 50)
                db.delete(db.get_one(Contact, seen[0]))
    assert len(seen) == len(set(seen)) == 6
    assert (await program.get(f"/contacts/{seen[1]}")).json()["addresses"][0]["masked"].endswith("•••02")
    assert (await program.get(f"/contacts/{seen[0]}")).status_code == 404
    assert (await program.get("/contacts", origin="MW")).json() == {"items": [], "next": None}


@SQLITE
async def test_a_number_is_given_for_a_reason_that_the_audit_trail_keeps(app: FastAPI, database: Database) -> None:
    with database.read() as db:
        contact = db.scalar(select(func.min(Contact.id)))
    assert (
        await Program(app, granted(database, Role.EDITOR)).get(f"/contacts/{contact}/identity", reason="question")
    ).status_code == 403
    program = Program(app, granted(database, Role.PROTECTION))
    assert (await program.get(f"/contacts/{contact}/identity")).status_code == 422
    assert (await program.get(f"/contacts/{contact}/identity", reason="because")).status_code == 422
    assert actions(database) == []
    answer = await program.get(f"/contacts/{contact}/identity", reason="question")
    assert answer.json()["addresses"] == {"whatsapp": NUMBER}
    assert answer.headers["cache-control"] == "no-store"
    assert actions(database) == [("member.identity_viewed", {"reason": "question", "token": 2})]


@POSTGRESQL
async def test_a_group_is_made_and_filled(app: FastAPI, database: Database) -> None:
    program = Program(app, granted(database, Role.EDITOR))
    group = (await program.post("/groups", {"name": "Savers"})).json()
    assert (await program.post("/groups", {"name": "Savers"})).json()["type"] == "urn:outreach:name-taken"
    assert (await program.post(f"/groups/{group['id']}/contacts", {"contacts": [1, 2, 2, 999]})).json() == {"added": 2}
    listed = await program.get(f"/groups/{group['id']}/contacts")
    assert [one["id"] for one in listed.json()["items"]] == [1, 2]
    assert (await program.client.delete(f"/groups/{group['id']}/contacts/2")).status_code == 204
    assert (await program.get("/groups")).json() == [{"id": group["id"], "name": "Savers", "people": 1}]
    with database.read() as db:
        assert [one.name for one in groups.of_contact(db, 1)] == ["Savers"]


async def test_a_broadcast_is_written_tried_and_handed_in_but_never_sent_by_a_program(
    app: FastAPI, database: Database
) -> None:
    program = Program(app, granted(database, Role.EDITOR))
    made = (await program.post("/broadcasts", BOND, key="mine")).json()
    again = await program.post("/broadcasts", BOND, key="mine")
    assert again.json() == made
    assert again.headers["idempotency-replayed"] == "true"
    other = await program.post("/broadcasts", BOND | {"title": "Another"}, key="mine")
    assert (other.status_code, other.json()["type"]) == (422, "urn:outreach:key-used")
    assert (await program.post("/broadcasts", BOND, key=None)).json()["type"] == "urn:outreach:key-missing"

    dry = (await program.get(f"/broadcasts/{made['id']}/dry-run")).json()
    assert dry["audience"] == sum(line["people"] for line in dry["lines"]) == 5
    assert dry["reached"] == 5
    assert (await program.post(f"/broadcasts/{made['id']}/submit")).json() == {
        "id": made["id"],
        "status": "draft",
        "asked": 0,
    }
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(OutboxMessage)) == 0
    paths = (await program.client.get("/openapi.json")).json()["paths"]
    assert [path for path in paths if path.endswith(("/approve", "/send"))] == []

    editor = await Browser(app).sign_in(Role.EDITOR)
    await approve(app, await editor.open(f"/broadcasts/{made['id']}"))
    etag = (await program.get(f"/broadcasts/{made['id']}")).headers["etag"]
    changed = BOND | {"texts": {"en": "It opens on Tuesday.", "fr": "Il ouvre mardi."}}
    address = f"/broadcasts/{made['id']}"
    assert (await program.client.put(address, json=changed)).status_code == 428
    assert (await program.client.put(address, json=changed, headers={"If-Match": '"old"'})).status_code == 412
    answer = await program.client.put(address, json=changed, headers={"If-Match": etag})
    assert answer.json()["status"] == "draft"
    assert answer.headers["etag"] != etag
    with database.read() as db:
        row = db.get_one(Broadcast, made["id"])
        assert (row.status, row.approved_by, len(row.writers)) == (BroadcastStatus.DRAFT, None, 1)
    assert [action for action, _ in actions(database)] == ["broadcast.drafted", "broadcast.edited"]


@SQLITE
async def test_the_outcome_of_each_recipient_adds_up(app: FastAPI, database: Database) -> None:
    program = Program(app, granted(database, Role.EDITOR))
    made = (await program.post("/broadcasts", BOND)).json()
    editor = await Browser(app).sign_in(Role.EDITOR)
    await approve(app, await editor.open(f"/broadcasts/{made['id']}"))
    page = await editor.open(f"/broadcasts/{made['id']}")
    await editor.submit(page, "/send", people=5)
    progress = (await program.get(f"/broadcasts/{made['id']}/progress")).json()
    assert progress["audience"] == sum(progress["statuses"].values()) == 5
    first = (await program.get(f"/broadcasts/{made['id']}/recipients", limit=3)).json()
    rest = (await program.get(f"/broadcasts/{made['id']}/recipients", limit=3, after=first["next"])).json()
    assert [one["contact"] for one in first["items"] + rest["items"]] == [1, 2, 3, 4, 5]
    assert rest["next"] is None
    handed_in = await program.post(f"/broadcasts/{made['id']}/submit")
    assert handed_in.json()["type"] == "urn:outreach:not-a-draft"


@SQLITE
async def test_checks_say_what_keeps_a_draft_from_being_handed_in(app: FastAPI, database: Database) -> None:
    program = Program(app, granted(database, Role.EDITOR))
    made = (await program.post("/broadcasts", BOND | {"texts": {"en": "See https://elsewhere.example"}})).json()
    answer = await program.post(f"/broadcasts/{made['id']}/submit")
    assert (answer.status_code, answer.json()["problems"]) == (409, ["link_not_allowed"])
    wrong = {"audience": {"states": ["stopped"]}, "purpose": "anything", "texts": {"xx": "?"}, "title": ""}
    answer = await program.post("/broadcasts", BOND | wrong | {"scheduled_at": "9999-12-31T23:59:59Z"})
    assert answer.status_code == 422
    named = {one["where"] for one in answer.json()["errors"]}
    assert named >= {"body.audience.states", "body.purpose", "body.title", "body.scheduled_at"}
    assert "anything" not in answer.text


@SQLITE
async def test_a_survey_is_opened_and_people_are_invited_once_as_the_dry_run_said(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    form = next((messages_dir / "surveys").glob("*.xlsx")).read_bytes()
    await editor.upload(await editor.open("/surveys"), "/upload", "file", "mapping.xlsx", form)
    program = Program(app, granted(database, Role.EDITOR))
    [survey] = (await program.get("/surveys", status="draft")).json()["items"]
    address = f"/surveys/{survey['id']}"
    assert (await program.post(f"{address}/invitations/dry-run", {})).status_code == 409
    assert (await program.post(f"{address}/publish")).json()["takes_answers"] is True
    assert (await program.post(f"{address}/publish")).json()["type"] == "urn:outreach:not-a-draft"
    tried = (await program.post(f"{address}/invitations/dry-run", {"audience": {"origins": ["LS"]}})).json()
    assert tried == {"chosen": 5, "invited": 0, "known": 0, "without_consent": 5}
    refused = await program.post(f"{address}/invitations", {"people": 5})
    assert refused.json()["type"] == "urn:outreach:wrong-number"
    figures = (await program.get(f"{address}/figures")).json()
    assert figures["dispositions"] == {}
    assert len(figures["questions"]) > 10
    assert (await program.post(f"{address}/close")).json()["status"] == "closed"


@POSTGRESQL
async def test_a_session_is_planned_opened_and_attended(app: FastAPI, database: Database) -> None:
    program = Program(app, granted(database, Role.EDITOR))
    plan = {"title": {"en": "Saving"}, "starts": "2026-03-20T18:30", "zone": "Indian/Mauritius", "minutes": 90}
    astray = (await program.post("/sessions", plan | {"link": "https://zoom.us.evil.example/j/1"})).json()
    assert "zoom.us.evil.example" in astray["detail"]
    made = (await program.post("/sessions", plan | {"link": "https://meet.example.org/secret"})).json()
    assert made["starts_at"] == "2026-03-20T14:30:00Z"
    assert "secret" not in str(made)
    address = f"/sessions/{made['id']}"
    assert (await program.post(f"{address}/attendance", {"there": [1]})).json()["type"] == "urn:outreach:not-begun"
    assert (await program.post(f"{address}/publish")).json()["status"] == "open"
    assert "Only a draft" in (await program.post(f"{address}/publish")).json()["detail"]
    with database.begin() as db:
        for contact in (1, 2):
            yes = {"answer": Answer.YES, "standing": Standing.CONFIRMED, "turn": contact}
            db.add(Rsvp(event_id=made["id"], contact_id=contact, at=clock.now(), since=clock.now(), **yes))
    assert (await program.get(address)).json()["answers"]["confirmed"] == 2
    clock.move_to(datetime.fromisoformat(made["starts_at"]))
    assert (await program.post(f"{address}/attendance", {"there": [1, 2, 5]})).json() == {"added": 2, "removed": 0}
    assert (await program.post(f"{address}/attendance", {"not_there": [2]})).json() == {"added": 0, "removed": 1}
    assert [one["contact"] for one in (await program.get(f"{address}/attendance")).json()["items"]] == [1]
    figures = (await program.get(f"{address}/figures")).json()
    assert figures["totals"]["came"] is None  # too few to show
    assert figures["groups"]["origin"]["LS"]["came"] is None
    past = await program.post("/sessions", plan | {"zone": "Nowhere/Land", "starts": "0001-01-01T00:00"})
    assert {one["where"] for one in past.json()["errors"]} == {"body.zone", "body.starts"}
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(Event)) == 1


@POSTGRESQL
async def test_an_export_is_ordered_once_followed_and_fetched(app: FastAPI, database: Database) -> None:
    with database.begin() as db:
        survey = towns.add_survey(db)
        towns.add_run(db, survey, {"origin": "LS"}, began=clock.now())
    program = Program(app, granted(database, Role.ANALYST))
    order = {"survey": survey.id, "formats": ["csv"]}
    made = (await program.post("/exports", order, key="nightly")).json()
    assert (await program.post("/exports", order, key="nightly")).json()["id"] == made["id"]
    assert (made["state"], made["files"]) == ("asked", {})
    assert await make_orders(app) == 1
    done = (await program.get(f"/exports/{made['id']}")).json()
    assert (done["respondents"], done["state"], done["progress"]) == (1, "ready", {"csv": 1})
    name = next(name for name in sorted(done["files"]) if name.endswith(".csv"))
    file = await program.get(f"/exports/{made['id']}/files/{name}")
    assert file.headers["content-disposition"].startswith("attachment")
    tag = file.headers["etag"]
    assert tag == f'"{done["files"][name]["sha256"]}"'
    path = f"/exports/{made['id']}/files/{name}"
    rest = await program.client.get(path, headers={"Range": "bytes=10-", "If-Range": tag})
    assert (rest.status_code, rest.content) == (206, file.content[10:])
    assert (await program.client.get(path, headers={"If-None-Match": tag})).status_code == 304
    assert (await program.get(f"/exports/{made['id']}/files/{done['manifest']}")).json()["respondents"] == 1
    assert (await program.post(f"/exports/{made['id']}/cancel")).status_code == 409
    assert (await program.get(f"/exports/{made['id']}/files/..%2F..%2Foutreach.db")).status_code == 404
    assert (await program.get(f"/exports/{made['id']}/withdrawn")).json() == {"respondents": []}
    assert [action for action, _ in actions(database)] == ["export.asked", *["export.downloaded"] * 4]

    free = order | {"free_text": True, "reason": "question"}
    assert (await program.post("/exports", free)).status_code == 403
    trusted = Program(app, granted(database, Role.PROTECTION))
    assert (await trusted.post("/exports", free | {"reason": None})).json()["type"] == "urn:outreach:no-reason"
    made = (await trusted.post("/exports", free)).json()
    assert ("export.identified", {"reason": "question", "token": 2}) in actions(database)
    await make_orders(app)
    assert (await program.get(f"/exports/{made['id']}/files/{name}")).status_code == 403
    assert (await trusted.get(f"/exports/{made['id']}/files/{name}")).status_code == 200
    unknown = await program.post("/exports", order | {"leave_out": ["no_such_question"]})
    assert unknown.status_code == 409
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(Survey)) == 1


@POSTGRESQL
async def test_what_cannot_be_read_is_refused_with_the_cure(app: FastAPI, database: Database) -> None:
    program = Program(app, granted(database, Role.EDITOR, [Scope.CONTACTS_READ, Scope.CONTACTS_WRITE]))
    headers = {"Idempotency-Key": "x", "Content-Type": "application/json"}
    for body in (b"{", b"\xff\xfe", b"[]", b"null", b'{"name": "\\u0000\\ud800"}', b'{"name": 1}', b'{"other": "x"}'):
        answer = await program.client.post("/groups", content=body, headers=headers)
        assert 400 <= answer.status_code < 500, body
        assert answer.headers["content-type"] == "application/problem+json"
    large = await program.client.post("/groups", content=b"x" * 300_000, headers=headers)
    assert large.status_code == 413
    assert (await program.client.patch("/groups")).json()["type"] == "urn:outreach:method-not-allowed"
    assert (await program.get("/nothing")).json()["type"] == "urn:outreach:not-found"
    assert (await program.get("/contacts/99999999999999999999")).status_code == 422
