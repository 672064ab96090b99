"""What Prometheus reads of a process and of the queue."""

from datetime import timedelta
from pathlib import Path

from httpx import ASGITransport, AsyncClient
from prometheus_client.parser import text_string_to_metric_families

from bot import clock, jobs
from bot.app import App
from bot.messaging import pacing
from bot.messaging.models import OutboxMessage, Priority, Status
from bot.settings import Settings
from tests.broadcasts.conftest import add_contact

TOKEN = "700:a-token-that-nobody-may-see"


def settings(database_url: str, folder: Path, token: str = "") -> Settings:
    return Settings(
        database_url=database_url,
        data_dir=folder,
        encryption_key="a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
        telegram_token=TOKEN,
        telegram_mode="webhook",
        telegram_webhook_secret="s" * 32,
        public_url="https://bot.example.org",
        metrics_token=token,
        _env_file=None,
    )


def read(text: str) -> dict[tuple[str, ...], float]:
    """Return the samples by name and values of their labels."""
    families = text_string_to_metric_families(text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


async def test_the_queue_the_senders_and_the_webhooks_are_there_and_no_person_is(
    database_url: str, tmp_path: Path, frozen: object
) -> None:
    app = App(settings(database_url, tmp_path))
    now = clock.now()
    with app.database.begin() as db:
        contact = add_contact(db)
        for status, due in (("queued", -40), ("queued", 5), ("held", 5), ("uncertain", 0), ("sent", 0)):
            row = OutboxMessage(contact_id=contact.id, channel="telegram", priority=Priority.REPLY, kind="reply")
            row.body, row.sender, row.status, row.due_at = "-", "700", Status(status), now + timedelta(seconds=due)
            row.created_at = row.status_at = now
            db.add(row)
        pacing.pause(pacing.lock(db, "telegram:700"), now + timedelta(seconds=9), "429")
    await jobs.run(app.database, app.jobs["deadlines"])
    async with AsyncClient(transport=ASGITransport(app.web()), base_url="http://test") as client:
        assert (await client.post("/hooks/telegram", content=b"{}")).status_code == 403
        answer = await client.get("/metrics")
    found = read(answer.text)
    assert answer.headers["content-type"].startswith("text/plain")
    assert found["outreach_waiting_messages", "telegram", "reply", "700"] == 3
    assert found["outreach_waiting_late_seconds", "telegram", "reply", "700"] == 40
    assert found["outreach_messages_in_doubt", "telegram"] == 1
    assert found["outreach_sender_paused_seconds", "telegram:700"] == 9
    assert found["outreach_parked_messages",] == 0
    assert found["outreach_webhook_seconds_count", "telegram"] >= 1
    assert found["outreach_job_ended_timestamp_seconds", "deadlines"] == now.timestamp()
    assert TOKEN not in answer.text
    app.close()


async def test_a_token_keeps_others_out(database_url: str, tmp_path: Path) -> None:
    app = App(settings(database_url, tmp_path, "let me read"))
    async with AsyncClient(transport=ASGITransport(app.web()), base_url="http://test") as client:
        for wrong in ({}, {"Authorization": "Bearer é".encode()}, {"Authorization": "Bearer let me"}):
            assert (await client.get("/metrics", headers=wrong)).status_code == 401
        assert (await client.get("/metrics", headers={"Authorization": "Bearer let me read"})).status_code == 200
    app.close()
