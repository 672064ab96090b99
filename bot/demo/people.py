"""How a person of the cast behaves: reads what arrives on the phone and answers it, as people do."""

import random
from dataclasses import dataclass

from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.demo.cast import Person
from bot.emulators.phone import PhoneMessage
from bot.emulators.telegram_phone import TelegramPhone
from bot.emulators.whatsapp_phone import WhatsAppPhone

AnyPhone = TelegramPhone | WhatsAppPhone

#: Real seconds after which a person gives up waiting for the bot.
PATIENCE = 20.0
WHOLE_PLAY = 600.0
MUMBLE = "hmm what is this"
TICK = "✓"
LONGEST_SURVEY = 200  #: messages read in one survey before a person gives up


@dataclass(slots=True)
class Life:
    """One person with a phone in hand."""

    person: Person
    phone: AnyPhone
    phrases: "Phrases"
    chance: random.Random
    mumbled: bool = False

    # registration

    async def register(self) -> None:
        """Open the join link and answer until the bot has no question left."""
        await self._start()
        while True:
            message = await self._next()
            if message is None or self._says(message, "registration.declined", "registration.underage"):
                return
            if self._says(message, "registration.done"):
                return
            await self._answer_registration(message)

    async def _start(self) -> None:
        if isinstance(self.phone, TelegramPhone):
            await self.phone.start(self.person.link)
        else:
            await self.phone.send(f"START {self.person.link}")

    async def _answer_registration(self, message: PhoneMessage) -> None:
        step = _step(message)
        if self.person.habit == "mumbles" and not self.mumbled and step in ("consent", "origin"):
            self.mumbled = True
            await self.phone.send(MUMBLE)
            return
        match step:
            case "language":
                await self.press(f"reg:language:{self.person.language}", message)
            case "consent":
                await self.press(f"reg:consent:{'no' if self.person.habit == 'declines' else 'yes'}", message)
            case "adult":
                await self.press(f"reg:adult:{'no' if self.person.habit == 'underage' else 'yes'}", message)
            case "origin":
                await self.press(f"reg:origin:{self.person.origin}", message)
            case "link" | "residence" | "city" | "timezone":
                await self.press(message.buttons[0].id, message)
            case "interests":
                await self._choose_interests(message)
            case None if self._says(message, "registration.ask_residence"):
                await self.say(self.person.home)

    async def _choose_interests(self, message: PhoneMessage) -> None:
        if any(button.id == "reg:interests:skip" for button in message.buttons):
            await self.say(self.person.interests)
        else:
            await self.press("reg:interests:done", message)

    # survey

    async def answer_survey(self, *, changes_language: bool) -> bool:
        """Write SURVEY and answer to the end; True when all was sent in."""
        await self.phone.send("SURVEY")
        for number in range(LONGEST_SURVEY):
            message = await self._next()
            if message is None or self._says(message, "survey.none_open", "survey.already_done"):
                return False
            if self._says(message, "survey.submitted"):
                return True
            if changes_language and number >= 8:
                changes_language = False
                await self._change_language()
            else:
                await self._answer_question(message)
        return False

    async def _change_language(self) -> None:
        await self.phone.send("LANGUAGE")
        found = await self.phone.wait_for(lambda message: _has(message, "menu:language:"), PATIENCE)
        await self.phone.tap(f"menu:language:{'en' if self.person.language == 'fr' else 'fr'}", found)

    async def _answer_question(self, message: PhoneMessage) -> None:
        tokens = {id.split(":", 3)[3]: id for id in _ids(message, "sv:")}
        choices = [id for token, id in tokens.items() if not token.startswith("*")]
        optional = self._says(message, "survey.hint_optional")
        if "*submit" in tokens:
            await self.phone.tap(tokens["*submit"], message)
        elif optional and self.chance.random() < 0.15:
            await self.phone.send("SKIP")
        elif self.chance.random() < 0.04:
            await self.phone.send(MUMBLE)
        elif "*done" in tokens and any(button.label.startswith(TICK) for button in message.buttons):
            await self.phone.tap(tokens["*done"], message)
        elif choices:
            await self.phone.tap(tokens.get("yes") or self.chance.choice(choices), message)
        else:
            await self._type_answer(message, optional)

    async def _type_answer(self, message: PhoneMessage, optional: bool) -> None:
        """Answer what has no buttons; a second try is another one."""
        if self._says(message, "survey.hint_number"):
            await self.phone.send(self.chance.choice(("2015", "2 015", "12")))
        elif self._says(message, "survey.hint_choose_many_once"):
            await self.phone.send(self.chance.choice(("1", "2", "1 2", "1,3")))
        elif self._says(message, "survey.hint_choose_one"):
            await self.phone.send(str(self.chance.randint(1, 3)))
        elif self._says(message, "survey.hint_text"):
            await self.phone.send("SKIP" if optional and self.chance.random() < 0.5 else self.person.home)

    # sessions

    async def answer_invitation(self) -> None:
        """Wait for an invitation and answer it with a button."""
        found = await self.phone.wait_for(lambda message: bool(_rsvp(message)), WHOLE_PLAY)
        await self.phone.tap(self.chance.choices(_rsvp(found), weights=(6, 2, 2))[0], found)

    # pressing and reading

    async def press(self, id: str, message: PhoneMessage) -> None:
        """Press a button; the impatient press twice."""
        await self.phone.tap(id, message)
        if self.person.habit == "repeats":
            await self.phone.tap(id, message)

    async def say(self, text: str) -> None:
        """Write a text; the impatient write it twice."""
        await self.phone.send(text)
        if self.person.habit == "repeats":
            await self.phone.send(text)

    async def wait_for(self, key: str) -> None:
        """Wait for one wording of the bot."""
        await self.phone.wait_for(lambda message: self._says(message, key), PATIENCE)

    async def _next(self) -> PhoneMessage | None:
        """Return the next message, or None when the bot stays silent."""
        try:
            return await self.phone.next_message(PATIENCE)
        except TimeoutError:
            return None

    def _says(self, message: PhoneMessage, *keys: str) -> bool:
        """Know a wording of the bot in any language, as a person knows the sense of it."""
        return any(wording in message.text for key in keys for wording in self.phrases.of(key))


class Phrases:
    """The beginnings of the bot's wordings in every language, by which people know what is meant."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._known: dict[str, frozenset[str]] = {}

    def of(self, key: str) -> frozenset[str]:
        """Return how a wording begins in each language."""
        if key not in self._known:
            texts = (self._content.catalogue.entry(key, language) for language in LANGUAGES)
            forms = (entry.forms[0] for entry in texts if entry)
            self._known[key] = frozenset(form.split("{", 1)[0].split("\n", 1)[0] for form in forms)
        return self._known[key]


def _step(message: PhoneMessage) -> str | None:
    """Return which question of the registration the buttons belong to."""
    found = _ids(message, "reg:")
    return found[0].split(":")[1] if found else None


def _rsvp(message: PhoneMessage) -> list[str]:
    """Return the ids of yes, maybe and no under an invitation."""
    return [button.id for button in message.buttons if button.id.rpartition(":")[2] in ("yes", "maybe", "no")][:3]


def _ids(message: PhoneMessage, prefix: str) -> list[str]:
    return [button.id for button in message.buttons if button.id.startswith(prefix)]


def _has(message: PhoneMessage, prefix: str) -> bool:
    return bool(_ids(message, prefix))
