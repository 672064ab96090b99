"""Content objects at Twilio: buttons, lists and templates are made once for each definition."""

import asyncio
import hashlib
import json
from typing import Any

from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from bot.channels.base import ContentStore


class TwilioContents:
    """Makes content objects; through twilio's synchronous client, whose asynchronous one breaks JSON bodies."""

    def __init__(self, client: Client, store: ContentStore) -> None:
        self._client, self._store = client, store
        self._locks: dict[str, asyncio.Lock] = {}

    async def session_content(self, types: dict[str, Any]) -> str:
        """Return the id of unapproved content, usable inside the window."""
        definition = hashlib.sha256(json.dumps(types, sort_keys=True).encode()).hexdigest()
        async with self._locks.setdefault(definition, asyncio.Lock()):
            known = await self._store.get(definition)
            if known:
                return known
            created = await asyncio.to_thread(self._create, f"session_{definition[:24]}", "en", types, {"1": "Text"})
            await self._store.put(definition, created)
        self._locks.pop(definition, None)
        return created

    async def create(self, name: str, language: str, types: dict[str, Any], samples: dict[str, str]) -> str:
        """Make a content object and return its id."""
        return await asyncio.to_thread(self._create, name, language, types, samples)

    async def submit(self, content_id: str, name: str, category: str) -> None:
        """Ask WhatsApp to approve a content object as a template."""
        await asyncio.to_thread(self._ask_approval, content_id, name, category)

    async def approval(self, content_id: str) -> str:
        """Return the provider's word on a template: approved, pending, rejected ..."""
        fetched = await asyncio.to_thread(self._client.content.v1.contents(content_id).approval_fetch().fetch)
        return str((fetched.whatsapp or {}).get("status", "unsubmitted"))

    def _create(self, name: str, language: str, types: dict[str, Any], samples: dict[str, str]) -> str:
        request = ContentList.ContentCreateRequest(
            {"friendly_name": name, "language": language, "variables": samples, "types": types}
        )
        return str(self._client.content.v1.contents.create(content_create_request=request).sid)

    def _ask_approval(self, content_id: str, name: str, category: str) -> None:
        request = ApprovalCreateList.ContentApprovalRequest({"name": name, "category": category.upper()})
        self._client.content.v1.contents(content_id).approval_create.create(content_approval_request=request)
