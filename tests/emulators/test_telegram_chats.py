"""A real python-telegram-bot client talks to emulated phones by polling."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    Update,
)
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken

from bot import clock
from bot.emulators.phone import PhoneCannotWrite
from bot.emulators.telegram_phone import TelegramPhone
from bot.emulators.world import World


def keyboard(*options: tuple[str, str]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=data)] for data, label in options])


YES_NO = keyboard(("y", "Yes"), ("n", "No"))


@pytest.fixture
async def phone(world: World, bot: Bot) -> TelegramPhone:
    """Return a phone that has pressed Start, with nothing left to poll."""
    made = world.telegram_phone(name="Amina", language_code="fr")
    await made.start()
    [update] = await bot.get_updates()
    await bot.get_updates(offset=update.update_id + 1)
    return made


async def updates(bot: Bot) -> tuple[Update, ...]:
    """Take all updates and confirm them."""
    found = await bot.get_updates(timeout=2)
    await bot.get_updates(offset=found[-1].update_id + 1)
    return found


async def test_a_start_link_reaches_the_bot_and_the_answer_reaches_the_phone(bot: Bot, world: World) -> None:
    phone = world.telegram_phone(name="Amina", language_code="fr")
    await phone.start("join-42")
    [update] = await bot.get_updates(timeout=1)
    assert update.message.text == "/start join-42"
    assert update.message.entities[0].type == "bot_command"
    assert (update.effective_user.first_name, update.effective_user.language_code) == ("Amina", "fr")
    assert update.effective_chat.id > 2**32
    sent = await bot.send_message(update.effective_chat.id, "Bonjour")
    message = await phone.next_message()
    assert (message.text, message.external_id) == ("Bonjour", str(sent.message_id))
    assert world.ledger.count(phone.key, "Bonjour") == 1
    assert phone.transcript().splitlines()[1].endswith("bot: Bonjour")


async def test_updates_come_again_until_they_are_confirmed(bot: Bot, phone: TelegramPhone) -> None:
    own = await phone.send("hello")
    [first] = await bot.get_updates()
    [again] = await bot.get_updates()
    assert (first.update_id, own.ticks) == (again.update_id, 1)
    assert await bot.get_updates(offset=first.update_id + 1) == ()
    assert own.ticks == 2


async def test_a_negative_offset_forgets_all_but_the_last_updates(bot: Bot, phone: TelegramPhone) -> None:
    for text in ("a", "b", "c"):
        await phone.send(text)
    assert [update.message.text for update in await bot.get_updates(offset=-1)] == ["c"]
    assert [update.message.text for update in await bot.get_updates(limit=1)] == ["c"]


async def test_a_long_poll_ends_when_something_happens(bot: Bot, phone: TelegramPhone) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.05)
    assert not poll.done()
    await phone.send("now")
    [update] = await asyncio.wait_for(poll, 1)
    assert update.message.text == "now"


async def test_a_second_poller_ousts_the_first(bot: Bot, phone: TelegramPhone) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(bot.get_updates(timeout=20))
    with pytest.raises(Conflict, match="terminated by other getUpdates"):
        await first
    await phone.send("for the second")
    assert len(await second) == 1


async def test_only_allowed_kinds_of_updates_come(bot: Bot, phone: TelegramPhone) -> None:
    await bot.get_updates(allowed_updates=["message"])
    await phone.block()
    await phone.unblock()
    await phone.send("hi")
    [update] = await bot.get_updates()
    assert update.message.text == "hi"


async def test_a_tap_is_a_callback_query_that_must_be_answered_in_time(bot: Bot, phone: TelegramPhone) -> None:
    sent = await bot.send_message(phone.id, "Ready?", reply_markup=YES_NO)
    await phone.next_message()
    await phone.tap("No")
    [update] = await updates(bot)
    query = update.callback_query
    assert (query.data, query.message.message_id, query.from_user.id) == ("n", sent.message_id, phone.id)
    await query.answer("Noted")
    assert phone.notice == "Noted"
    await phone.tap("y")
    clock.advance(timedelta(seconds=151))
    [late] = await updates(bot)
    with pytest.raises(BadRequest, match="Query is too old"):
        await late.callback_query.answer()


async def test_an_edit_changes_text_and_buttons_in_place(bot: Bot, phone: TelegramPhone) -> None:
    sent = await bot.send_message(phone.id, "Ready?", reply_markup=YES_NO)
    await phone.next_message()
    await bot.edit_message_text("Thanks", phone.id, sent.message_id)
    changed = await phone.next_message()
    assert (changed.text, changed.buttons, changed.edited) == ("Thanks", (), True)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_text("Thanks", phone.id, sent.message_id)
    await bot.edit_message_reply_markup(phone.id, sent.message_id, reply_markup=YES_NO)
    assert [button.label for button in phone.last.buttons] == ["Yes", "No"]
    await bot.delete_message(phone.id, sent.message_id)
    assert phone.received == []
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("gone", phone.id, sent.message_id)


async def test_reply_keyboards_send_their_label_their_owner_or_their_place(bot: Bot, phone: TelegramPhone) -> None:
    rows = [
        ["Plain"],
        [KeyboardButton("Number", request_contact=True), KeyboardButton("Place", request_location=True)],
    ]
    await bot.send_message(phone.id, "Choose", reply_markup=ReplyKeyboardMarkup(rows))
    for label in ("Plain", "Number", "Place"):
        await phone.tap(label)
    plain, number, place = await bot.get_updates()
    assert plain.message.text == "Plain"
    assert number.message.contact.user_id == phone.id
    assert place.message.location.latitude == pytest.approx(-29.31)


async def test_everything_a_member_can_send_arrives(bot: Bot, phone: TelegramPhone) -> None:
    await phone.send_location(1.5, 2.5)
    await phone.send_contact("+26650000001", of_somebody_else=True)
    await phone.send_photo(b"png", caption="my shop")
    await phone.send_document(b"pdf", "plan.pdf")
    await phone.send_voice(b"ogg")
    await phone.edit(await phone.send("helo"), "hello")
    place, contact, photo, document, voice, _, edited = await bot.get_updates()
    assert place.message.location.longitude == 2.5
    assert contact.message.contact.user_id != phone.id
    assert photo.message.caption == "my shop"
    assert document.message.document.file_name == "plan.pdf"
    assert edited.edited_message.text == "hello"
    assert edited.edited_message.edit_date is not None
    file = await voice.message.voice.get_file()
    assert bytes(await file.download_as_bytearray()) == b"ogg"


async def test_photos_and_documents_are_uploaded_once_and_sent_again_by_id(bot: Bot, phone: TelegramPhone) -> None:
    photo = await bot.send_photo(phone.id, b"\x89PNG\r\n\x1a\n", caption="Look")
    document = await bot.send_document(phone.id, b"a,b", filename="data.csv")
    await bot.send_document(phone.id, document.document.file_id)
    await bot.send_photo(phone.id, "https://example.org/a.jpg")
    first, second, third, fourth = phone.received
    assert (first.text, first.media.content, photo.caption) == ("Look", b"\x89PNG\r\n\x1a\n", "Look")
    assert second.media is third.media
    assert second.media.file_name == "data.csv"
    assert fourth.media.url == "https://example.org/a.jpg"
    with pytest.raises(BadRequest, match="Wrong file identifier"):
        await bot.send_photo(phone.id, "nonsense")


async def test_blocking_tells_the_bot_and_refuses_its_messages(bot: Bot, phone: TelegramPhone) -> None:
    await phone.block()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(phone.id, "hi")
    with pytest.raises(PhoneCannotWrite):
        await phone.send("hi")
    await phone.unblock()
    blocked, unblocked = await updates(bot)
    assert blocked.my_chat_member.new_chat_member.status == "kicked"
    assert unblocked.my_chat_member.new_chat_member.status == "member"
    await bot.send_message(phone.id, "hi")
    phone.deactivated = True
    with pytest.raises(Forbidden, match="user is deactivated"):
        await bot.send_message(phone.id, "hi")


@pytest.mark.parametrize(
    ("text", "error"),
    [("", "Message text is empty"), (" \n", "Message text is empty"), ("x" * 4097, "Message is too long")],
)
async def test_texts_the_server_refuses(bot: Bot, phone: TelegramPhone, text: str, error: str) -> None:
    with pytest.raises(BadRequest, match=error):
        await bot.send_message(phone.id, text)


@pytest.mark.parametrize(
    ("button", "error"),
    [
        (InlineKeyboardButton("a", callback_data="я" * 33), "Button_data_invalid"),
        (InlineKeyboardButton(" ", callback_data="a"), "Text buttons are not allowed to be empty"),
        (InlineKeyboardButton("a", url="javascript:alert(1)"), "Inline keyboard button url is invalid"),
    ],
)
async def test_buttons_the_server_refuses(
    bot: Bot, phone: TelegramPhone, button: InlineKeyboardButton, error: str
) -> None:
    with pytest.raises(BadRequest, match=f"(?i){error}"):
        await bot.send_message(phone.id, "text", reply_markup=InlineKeyboardMarkup([[button]]))
    assert phone.received == []


async def test_callback_data_may_have_64_bytes(bot: Bot, phone: TelegramPhone) -> None:
    await bot.send_message(phone.id, "text", reply_markup=keyboard(("я" * 32, "a")))
    assert phone.last.buttons[0].id == "я" * 32


async def test_chats_nobody_opened_are_refused(bot: Bot, world: World) -> None:
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(4_999_999_999, "hi")
    with pytest.raises(Forbidden, match="can't initiate conversation"):
        await bot.send_message(world.telegram_phone().id, "hi")


async def test_a_wrong_token_is_refused(make_bot: Callable[[str, float], Bot]) -> None:
    with pytest.raises(InvalidToken):
        await make_bot("700000001:wrong", 5).initialize()


async def test_commands_are_kept_by_language_and_scope(bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("help", "Aide")], language_code="fr")
    assert [command.description for command in await bot.get_my_commands(language_code="fr")] == ["Aide"]
    assert await bot.get_my_commands() == ()
    await bot.delete_my_commands(language_code="fr")
    assert await bot.get_my_commands(language_code="fr") == ()
    with pytest.raises(BadRequest):
        await bot.set_my_commands([BotCommand("Not-allowed", "x")])
    await bot.set_my_description("About us")
    assert (await bot.get_my_description()).description == "About us"


async def test_a_message_that_looks_like_json_stays_text(bot: Bot, phone: TelegramPhone) -> None:
    await bot.send_message(phone.id, '{"a": [1]}')
    assert phone.last.text == '{"a": [1]}'


async def test_the_chat_can_be_described_and_typing_be_shown(bot: Bot, phone: TelegramPhone) -> None:
    assert (await bot.get_chat(phone.id)).first_name == "Amina"
    assert await bot.send_chat_action(phone.id, "typing")
    assert (await bot.get_me()).is_bot
