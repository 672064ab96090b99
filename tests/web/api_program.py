"""A program that uses the API: a token, and nothing but HTTP."""

import itertools
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from bot.db import Database
from bot.staff import service, tokens
from bot.staff.models import Role
from bot.staff.scopes import Scope, possible

_keys = itertools.count()


def granted(database: Database, role: Role, scopes: Iterable[Scope] | None = None, days: int = 90) -> str:
    """Return the secret of a new token of the staff user with this role; without scopes, of all that it may have."""
    with database.begin() as db:
        administrator, owner = (service.find(db, f"{one}@example.org") for one in (Role.ADMINISTRATOR, role))
        assert administrator
        assert owner
        wanted = possible(owner) if scopes is None else list(scopes)
        row = tokens.grant(db, administrator, owner, "A program", wanted, timedelta(days=days))
        secret = tokens.fetch(db, row, owner)
        assert secret
        return secret


class Program:
    """Calls the API with one token."""

    def __init__(self, app: FastAPI, secret: str | None) -> None:
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://staff.test/api", headers=headers)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.client.get(path, params=query)

    async def post(self, path: str, body: Any = None, key: str | None = "") -> httpx.Response:
        """Post with a key of its own unless one is given; None: without any."""
        chosen = f"key {next(_keys)}" if key == "" else key
        headers = {"Idempotency-Key": chosen} if chosen else {}
        return await self.client.post(path, json=body, headers=headers)
