"""One person with two chats: which of them our messages go to, and what a STOP in one means for the other."""

from sqlalchemy import select

from bot.contacts import consent
from bot.contacts.models import Address, Decision, Purpose, Reach, State
from bot.conversations import choices, wordings
from bot.conversations.talk import Talk

#: Names of the open questions, and what their buttons begin with.
PREFER, OTHER = "channel", "other_channel"
_BOTH, _KEEP = "button.stop_both", "button.keep_other"
_QUESTION = "stop.other_channel"


def open_channels(talk: Talk) -> list[str]:
    """Return the channels on which the person can be reached, in a fixed order."""
    rows = select(Address.channel).where(Address.contact_id == talk.contact.id, Address.reach == Reach.OPEN)
    return sorted(set(talk.db.scalars(rows)))


def ask_preferred(talk: Talk) -> bool:
    """Ask on which channel the person wants our messages; False when there is only one."""
    channels = open_channels(talk)
    if len(channels) < 2:
        return False
    buttons = [talk.button(f"{PREFER}:{channel}", f"channel.{channel}") for channel in channels]
    talk.say("link_chat.ask_channel", *buttons)
    talk.ask_aside(PREFER)
    return True


def take_preferred(talk: Talk, said: str) -> bool:
    """Note the preferred channel; False when `said` names none of the person's."""
    channel = choices.chosen(talk, said, "channel", open_channels(talk))
    if channel is None:
        return False
    _prefer(talk, channel)
    if talk.dialogue.step == PREFER:
        talk.close()
    talk.say("link_chat.preferred", channel=talk.text(f"channel.{channel}"))
    return True


def _prefer(talk: Talk, channel: str) -> None:
    """Have our messages go to the person's latest chat on a channel."""
    chats = select(Address.sender).where(
        Address.contact_id == talk.contact.id, Address.channel == channel, Address.reach == Reach.OPEN
    )
    latest = chats.order_by(Address.last_inbound_at.desc().nulls_last()).limit(1)
    talk.contact.channel, talk.contact.sender = channel, talk.db.scalars(latest).one()


def offer_other(talk: Talk, purposes: list[Purpose]) -> None:
    """After a STOP, which counts everywhere: offer to go on in the other chat, with the same purposes."""
    others = [channel for channel in open_channels(talk) if channel != talk.address.channel]
    if not others or not purposes:
        return
    buttons = talk.button(f"{OTHER}:both", _BOTH), talk.button(f"{OTHER}:keep", _KEEP)
    talk.say(_QUESTION, *buttons, channel=talk.text(f"channel.{others[0]}"))
    talk.ask_aside(OTHER, channel=others[0], purposes=list(purposes))


def take_other(talk: Talk, said: str) -> bool:
    """Keep only the other chat on a clear word; False when `said` is no answer, and the STOP stays what it is."""
    answer = choices.labelled(talk.content, said, {"both": _BOTH, "keep": _KEEP}) or said
    answer = {"1": "both", "2": "keep"}.get(answer, answer)
    if answer not in ("both", "keep") or talk.dialogue.step != OTHER:
        return False
    channel, purposes = talk.dialogue.data["channel"], talk.dialogue.data["purposes"]
    talk.close()
    if answer == "keep" and talk.contact.state == State.STOPPED and channel in open_channels(talk):
        _go_on(talk, channel, [Purpose(code) for code in purposes])
    else:
        talk.say("stop.already")
    return True


def _go_on(talk: Talk, channel: str, purposes: list[Purpose]) -> None:
    """Close this chat to what is not asked for, and take the answer as a new yes for the other one."""
    name = talk.text(f"channel.{channel}")
    shown = talk.text(_QUESTION, channel=name)
    proof = consent.Proof(
        wording=_QUESTION,
        wording_hash=wordings.keep_text(talk.db, _QUESTION, talk.language, shown),
        language=talk.language,
        channel=talk.address.channel,
        said=talk.said,
        inbound_id=talk.inbox_id,
    )
    consent.record(talk.db, talk.contact, purposes, Decision.GRANTED, proof)
    talk.address.reach = Reach.CLOSED
    talk.contact.state = State.MEMBER
    _prefer(talk, channel)
    talk.say("stop.here_only", channel=name)


def reopen(talk: Talk) -> None:
    """An explicit START opens a chat that a STOP closed."""
    if talk.address.reach == Reach.CLOSED:
        talk.address.reach = Reach.OPEN
        talk.db.flush()
