"""The one call that every message takes; twilio's objects around it would cost as much as all the rest of sending."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from twilio.base.version import Version
from twilio.http.response import Response

from bot.channels.whatsapp.http import PooledClient, authorised

_URI = "https://api.twilio.com/2010-04-01/Accounts/{account}/Messages.json"


class Creating:
    """Creates messages of one account."""

    def __init__(self, http: PooledClient, account_sid: str, auth_token: str) -> None:
        self._http, self._uri = http, _URI.format(account=account_sid)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        self._headers = authorised(headers, (account_sid, auth_token))

    async def create(self, fields: Mapping[str, str]) -> str:
        """Create a message and return its id; raise what twilio's own client raises, or ValueError for a bad answer."""
        status, answer = await self._http.post(self._uri, urlencode(fields).encode(), self._headers)
        if not 200 <= status < 300:
            response = Response(status, answer.decode("utf-8", "replace"))
            raise Version.exception("POST", self._uri, response, "Unable to create record")
        created = json.loads(answer)
        if not isinstance(created, dict) or not created.get("sid"):
            raise ValueError("no id")
        return str(created["sid"])
