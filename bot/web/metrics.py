"""GET /metrics: what this process counted, and how delivery stands, for Prometheus."""

import hmac
from collections.abc import Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot import clock, meters
from bot.db import Database
from bot.messaging import health
from bot.messaging.health import Health


def routes(database: Database, token: str) -> list[Route]:
    """Return the page; with a token, only for who sends it as `Authorization: Bearer`."""

    async def metrics(request: Request) -> Response:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and not hmac.compare_digest(given.encode(), token.encode()):
            return PlainTextResponse("Send the token of OUTREACH_METRICS_TOKEN", 401)
        found = await database.query(health.read)
        current = CollectorRegistry()
        current.register(_Standing(found, clock.now()))
        return Response(generate_latest(meters.registry) + generate_latest(current), media_type=CONTENT_TYPE_LATEST)

    return [Route("/metrics", metrics)]


class _Standing(Collector):
    """How delivery stands, as figures."""

    def __init__(self, found: Health, now: datetime) -> None:
        self._found, self._now = found, now

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the figures."""
        found, now = self._found, self._now
        waiting = _family("outreach_waiting_messages", "Messages that wait to leave.", "channel", "sender", "priority")
        late = _family(
            "outreach_waiting_late_seconds", "By how much the oldest is late.", "channel", "sender", "priority"
        )
        for queue in found.queues:
            labels = [queue.channel, queue.sender, queue.priority.name.lower()]
            waiting.add_metric(labels, queue.waiting)
            late.add_metric(labels, max(0.0, (now - queue.oldest_due).total_seconds()))
        doubt = _family("outreach_messages_in_doubt", "Of unknown outcome, or with a provider now.", "channel")
        for channel, count in found.in_doubt.items():
            doubt.add_metric([channel], count)
        parked = _family("outreach_parked_messages", "Inbound messages whose handling raised.")
        parked.add_metric([], found.parked)
        paused = _family("outreach_sender_paused_seconds", "How much longer a sender is paused.", "sender")
        for sender in found.senders:
            left = (sender.paused_until - now).total_seconds() if sender.paused_until else 0
            paused.add_metric([sender.key], max(0.0, left))
        families = [waiting, late, doubt, parked, paused]
        if found.worker_seen:
            silent = _family("outreach_worker_silent_seconds", "Since a process that sends was last heard of.")
            silent.add_metric([], max(0.0, (now - found.worker_seen).total_seconds()))
            families.append(silent)
        return families


def _family(name: str, says: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, labels=labels)
