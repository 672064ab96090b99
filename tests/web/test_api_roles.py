"""Every route of the API with a token of every role, with a token that lacks its scope, and with none."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.db import Database
from bot.staff.models import Role
from bot.staff.roles import ROLES
from bot.staff.scopes import NEEDS, Scope
from tests.web.api_program import Program, granted
from tests.web.console_browser import build

#: What a token may ask whatever it is for.
ANY_TOKEN = {("get", "/token")}


def routes(document: dict[str, Any]) -> Iterator[tuple[str, str, Scope | None]]:
    """Yield method, path and scope of each route, as the document tells programs."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            [security] = operation["security"]
            scopes = [Scope(scope) for scope in security["token"]]
            assert len(scopes) <= 1
            yield method, path, scopes[0] if scopes else None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # permissions do not depend on it
async def test_every_route_is_open_to_its_scope_and_the_roles_behind_it_alone(
    database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime
) -> None:
    app = build(database, messages_dir, tmp_path, api_rate=100_000)
    every = {role: Program(app, granted(database, role)) for role in Role}
    listed = list(routes((await every[Role.EDITOR].get("/openapi.json")).json()))
    assert {(method, path) for method, path, scope in listed if scope is None} == ANY_TOKEN
    assert {scope for _, _, scope in listed} >= set(Scope) - {Scope.EXPORTS_IDENTIFIED}
    stranger = Program(app, None)
    for method, path, scope in listed:
        address = path.replace("{id}", "1").replace("{contact}", "1").replace("{name}", "x")
        assert (await stranger.client.request(method, address)).status_code == 401, path
        for role, program in every.items():
            answer = await program.client.request(method, address)
            allowed = scope is None or NEEDS[scope] in ROLES[role]
            assert (answer.status_code != 403) == allowed, (method, path, role)
            assert answer.status_code < 500
    for scope in {scope for _, _, scope in listed if scope}:
        role = next(role for role in Role if NEEDS[scope] in ROLES[role])
        others = [other for other in Scope if other != scope and NEEDS[other] in ROLES[role]]
        lacking = Program(app, granted(database, role, others))
        for method, path, wanted in listed:
            if wanted == scope:
                address = path.replace("{id}", "1").replace("{contact}", "1").replace("{name}", "x")
                assert (await lacking.client.request(method, address)).status_code == 403, (method, path)
