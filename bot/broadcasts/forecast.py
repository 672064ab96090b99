"""The explained dry run: for everybody in the audience, in or out and why.

The database gathers the facts, `messaging.eligibility` decides on them - the very function that decides when the
message leaves -, once for each combination of facts that occurs. A million people are a few thousand combinations.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Subquery, case, false, func, select
from sqlalchemy.orm import Session

from bot.broadcasts import attachments, price, rendering, times
from bot.broadcasts.audience import Audience
from bot.broadcasts.models import Broadcast
from bot.broadcasts.policy import Policy
from bot.channels.base import Template
from bot.contacts.models import Address, Consent, Contact, Decision, Reach
from bot.contacts.service import zone_of
from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE
from bot.messaging import eligibility, templates
from bot.messaging.eligibility import End, Facts, Go, Person, Place, Wait
from bot.messaging.models import OutboxMessage, Priority

When = Literal["now", "later", "never"]
#: Messages at a provider's paid rate for one of its Stars; charged above the free rate only, so that this is the most.
MESSAGES_A_STAR = 10


@dataclass(frozen=True, slots=True)
class Line:
    """People to whom the same happens."""

    count: int
    when: When
    reason: str | None  #: None for those who get it now
    until: datetime | None  #: when the reason ends, where a time is known
    channel: str
    language: str
    text_language: str  #: differs where another language stands in
    form: Literal["text", "template"] | None  #: None: neither can go
    hour: int | None = None  #: of the day at their place when it leaves; None: not known, or never
    file: Literal["with", "later"] | None = None  #: comes with it, or after the person's answer to a template


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would happen at `at`; the counts of the lines add up to the audience."""

    at: datetime
    audience: int
    lines: tuple[Line, ...]
    finishes_at: datetime | None  #: None when nobody gets it
    stars: int = 0  #: what the paid rate may cost at most
    cost: price.Cost | None = None  #: of what goes where messages cost money; None: nothing does

    def by(self, name: str) -> dict[str, int]:
        """Return the counts by one field of the lines; "" stands for None."""
        counts: Counter[str] = Counter()
        for line in self.lines:
            counts[str(getattr(line, name) or "")] += line.count
        return dict(sorted(counts.items()))

    def hours(self) -> dict[int, int]:
        """Return how many people get it at which hour of their own day, for those of whom it is known."""
        counts: Counter[int] = Counter()
        for line in self.lines:
            if line.hour is not None:
                counts[line.hour] += line.count
        return dict(sorted(counts.items()))

    def fallbacks(self) -> dict[tuple[str, str], int]:
        """Return how many read another language than their own: (own, read) -> people."""
        counts: Counter[tuple[str, str]] = Counter()
        for line in self.lines:
            if line.text_language != line.language and line.when != "never":
                counts[line.language, line.text_language] += line.count
        return dict(sorted(counts.items()))


@dataclass(frozen=True, slots=True)
class Recipient:
    """What would happen to one person."""

    contact_id: int
    local_time: datetime
    line: Line


def dry_run(db: Session, content: Content, broadcast: Broadcast, policy: Policy, now: datetime) -> Forecast:
    """Return what would happen to the audience if the broadcast were sent as it is."""
    forecaster = _Forecaster(db, content, broadcast, policy, now)
    lines = tuple(forecaster.line(standing, count) for standing, count in forecaster.groups())
    rates = {name: paced.rate for name, paced in policy.channels.items()}
    paid_rates = policy.paid_rates if broadcast.paid else {}
    paid = sum(line.count for line in lines if line.channel in paid_rates and _leaves(line))
    stars = math.ceil(paid / MESSAGES_A_STAR)
    rates |= paid_rates
    finish = _finish(lines, rates, forecaster.at)
    charged = [name for name, paced in policy.channels.items() if paced.has_window]
    template = content.templates.get(broadcast.template or "")
    cost = price.estimate(lines, charged, policy.prices, template.category if template else None)
    return Forecast(forecaster.at, sum(line.count for line in lines), lines, finish, stars, cost)


def recipients(
    db: Session,
    content: Content,
    broadcast: Broadcast,
    policy: Policy,
    now: datetime,
    *,
    after: int = 0,
    limit: int = 50,
) -> list[Recipient]:
    """Return one page of the audience, in the order of contact ids after `after`."""
    forecaster = _Forecaster(db, content, broadcast, policy, now)
    return [
        Recipient(contact_id, _local(forecaster, standing), forecaster.line(standing, 1))
        for contact_id, standing in forecaster.page(after, limit)
    ]


def _local(forecaster: "_Forecaster", standing: "Standing") -> datetime:
    return forecaster.due(standing).astimezone(zone_of(_contact(standing)))


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts about a person that decide."""

    state: str
    language: str | None
    zone: str | None
    preferred: str  #: channel
    granted: bool
    channel: str | None  #: of the address that would be used; None when none is open
    in_window: bool
    capped: bool


def standings(audience: Audience, purpose: str, policy: Policy, at: datetime) -> Subquery:
    """Return the facts of everybody in the audience: contact_id and the fields of Standing."""
    open_address = (
        select(func.min(Address.id))
        .where(Address.contact_id == Contact.id, Address.reach == Reach.OPEN)
        .correlate(Contact)
    )
    # One whose channel is switched off only stands in for none.
    usable = open_address.where(Address.channel.in_(list(policy.channels)))
    preferred = usable.where(Address.channel == Contact.channel)
    address_id = func.coalesce(*(one.scalar_subquery() for one in (preferred, usable, open_address)))
    word = (
        select(Consent.decision)
        .where(Consent.contact_id == Contact.id, Consent.purpose == purpose)
        .order_by(Consent.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    broadcasts = (
        select(func.count())
        .where(
            OutboxMessage.contact_id == Contact.id,
            OutboxMessage.priority == Priority.BROADCAST,
            OutboxMessage.sent_at > at - eligibility.WEEK,
        )
        .scalar_subquery()
    )
    return (
        select(
            Contact.id.label("contact_id"),
            Contact.state,
            Contact.language,
            Contact.zone,
            Contact.channel.label("preferred"),
            case((Address.channel == Contact.channel, Address.sender), else_=Contact.sender).label("sender"),
            func.coalesce(word == Decision.GRANTED, false()).label("granted"),
            Address.channel.label("channel"),
            func.coalesce(Address.last_inbound_at > at - eligibility.WINDOW, false()).label("in_window"),
            (broadcasts >= policy.rules.weekly_cap).label("capped"),
        )
        .select_from(Contact)
        .outerjoin(Address, Address.id == address_id)
        .where(audience.condition())
        .subquery()
    )


def decide(
    standing: Standing, purpose: str, expires_at: datetime | None, policy: Policy, at: datetime
) -> Go | Wait | End:
    """Ask `eligibility.decide` about anybody with these facts."""
    contact = _contact(standing)
    row = OutboxMessage(
        contact_id=contact.id,
        channel=standing.preferred,
        sender="",
        priority=Priority.BROADCAST,
        purpose=purpose,
        expires_at=expires_at,
    )
    address = Place(0, standing.channel or "", Reach.OPEN, "", at if standing.in_window else None, "")
    facts = Facts(
        contacts={contact.id: Person(contact.id, standing.state, standing.language, standing.zone)},
        addresses={contact.id: [address] if standing.channel else []},
        granted={(contact.id, purpose)} if standing.granted else set(),
        recent={contact.id: [at] * policy.rules.weekly_cap} if standing.capped else {},
    )
    paced = policy.channels.get(standing.channel or "")
    return eligibility.decide(row, facts, policy.rules, at, has_window=paced is not None and paced.has_window)


def _contact(standing: Standing) -> Contact:
    return Contact(id=0, state=standing.state, zone=standing.zone, channel=standing.preferred)


class _Forecaster:
    """Looks at one broadcast at the moment it would leave."""

    def __init__(self, db: Session, content: Content, broadcast: Broadcast, policy: Policy, now: datetime) -> None:
        self.at = max(now, broadcast.scheduled_at) if broadcast.scheduled_at else now
        self._now = now
        self._db, self._content, self._broadcast, self._policy = db, content, broadcast, policy
        audience = Audience.from_json(broadcast.audience)
        self._facts = standings(audience, broadcast.purpose, policy, self.at)
        self._template: dict[str, Template | None] = {}

    def groups(self) -> Iterable[tuple[Standing, int]]:
        columns = _columns(self._facts)
        for row in self._db.execute(select(func.count(), *columns).group_by(*columns)):
            yield Standing(*row[1:]), row[0]

    def page(self, after: int, limit: int) -> Iterable[tuple[int, Standing]]:
        contact_id = self._facts.c.contact_id
        statement = select(contact_id, *_columns(self._facts)).where(contact_id > after)
        for row in self._db.execute(statement.order_by(contact_id).limit(limit)):
            yield row[0], Standing(*row[1:])

    def line(self, standing: Standing, count: int) -> Line:
        language = standing.language if standing.language in LANGUAGES else SOURCE
        form = self._form(standing, language)
        template = self._template.get(language) if form == "template" else None
        file: Literal["with", "later"] = "later" if template and not template.file_variable else "with"
        due = self.due(standing)
        when, reason, until = self._outcome(standing, form, due)
        leaves = until or (due if when == "now" else None)
        return Line(
            count=count,
            when=when,
            reason=reason,
            until=until,
            channel=standing.channel or standing.preferred,
            language=language,
            text_language=rendering.text_language(self._broadcast, language),
            form=form if when != "never" else None,
            hour=leaves.astimezone(zone_of(_contact(standing))).hour if leaves else None,
            file=file if when != "never" and form and self._has_file(language) else None,
        )

    def _has_file(self, language: str) -> bool:
        return attachments.media(self._broadcast.attachments, language) is not None

    def due(self, standing: Standing) -> datetime:
        """Return when the message to somebody with these facts is due."""
        return times.due(self._broadcast, standing.zone, self._now) if self._broadcast.at_local else self.at

    def _outcome(self, standing: Standing, form: str | None, at: datetime) -> tuple[When, str | None, datetime | None]:
        decision = decide(standing, self._broadcast.purpose, self._broadcast.expires_at, self._policy, at)
        if isinstance(decision, End):
            return "never", decision.reason, None
        if standing.channel not in self._policy.channels:
            return "later", eligibility.CHANNEL_OFF, None
        if isinstance(decision, Wait):
            # When a cap ends differs from person to person of the group.
            return "later", decision.reason, None if standing.capped else decision.until
        if form and self._broadcast.at_local:
            return "later", "local_hour", at
        return ("now", None, None) if form else ("later", "window_closed", None)

    def _form(self, standing: Standing, language: str) -> Literal["text", "template"] | None:
        paced = self._policy.channels.get(standing.channel or "")
        if paced is None:
            return None
        if not paced.has_window or standing.in_window:
            return "text"
        if language not in self._template:
            message = rendering.message(self._content, self._broadcast, language)
            self._template[language] = templates.approved(
                self._db, self._content, message, language, self._policy.media_base
            )
        return "template" if self._template[language] else None


def _columns(facts: Subquery) -> list[Any]:
    return [facts.c[name] for name in Standing.__slots__]


def _finish(lines: Sequence[Line], rates: Mapping[str, float], at: datetime) -> datetime | None:
    """Return when the last one leaves: each channel works off what is due, at its rate, from when it is due."""
    ends = []
    for channel, rate in rates.items():
        due = sorted((line.until or at, line.count) for line in lines if line.channel == channel and _leaves(line))
        end = at
        for start, number in due:
            end = max(end, start) + timedelta(seconds=number / rate)
        if due:
            ends.append(end)
    return max(ends, default=None)


def _leaves(line: Line) -> bool:
    return line.form is not None and (line.when == "now" or line.until is not None)
