"""What the installation has taken from people, seen from the providers' side: an answer of 2xx is a promise."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.emulators.world import World

#: A choice of a question: survey, step, choice. What begins with a star is no choice.
_CHOICE = re.compile(r"sv:\d+:([0-9a-f]{8}):[^*]")


@dataclass
class Witness:
    """Every thing that people did, by its external id."""

    taken: dict[str, str] = field(default_factory=dict)  #: external id -> who
    refused: dict[str, str] = field(default_factory=dict)  #: the same, of what no attempt has brought in yet
    steps: dict[str, list[str]] = field(default_factory=dict)  #: who -> places of a survey answered by a button
    statuses: Counter[int | None] = field(default_factory=Counter)  #: answers to webhooks; None: no connection

    def watch(self, world: World) -> None:
        """See each call to the webhooks from now on."""
        post = world._webhooks.post

        async def seen(url: str, headers: Mapping[str, str], *, form: Any = None, json: Any = None) -> int | None:
            status = await post(url, headers, form=form, json=json)
            self.statuses[status] += 1
            if found := _who_did_what(form, json):
                self._note(*found, is_taken=status is not None and status // 100 == 2)
            return status

        world._webhooks.post = seen  # type: ignore[method-assign]

    def _note(self, who: str, id: str, button: str, *, is_taken: bool) -> None:
        if not is_taken:
            if id not in self.taken:
                self.refused[id] = who
            return
        is_new = id not in self.taken
        self.taken[id] = who
        self.refused.pop(id, None)
        if is_new and (choice := _CHOICE.match(button)):
            self.steps.setdefault(who, []).append(choice[1])

    def answered(self, who: str) -> set[str]:
        """Return the places of a survey that a person has left behind: of the last one a tick may be all there is."""
        steps = self.steps.get(who, [])
        return {step for step in steps if step != steps[-1]}


def _who_did_what(form: Any, json: Any) -> tuple[str, str, str] | None:
    """Return the address, the external id and the button of an inbound message; None for callbacks of status."""
    if json:
        what = json.get("message") or json.get("callback_query")
        return (str(what["from"]["id"]), str(json["update_id"]), what.get("data", "")) if what else None
    if form and form.get("SmsStatus") == "received":
        return form["From"], form["MessageSid"], form.get("ButtonPayload") or form.get("ListId") or ""
    return None
