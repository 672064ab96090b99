"""Whatever schemathesis makes of the API's document, right and wrong, the API answers it without failing."""

import asyncio
import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode

from bot import clock
from bot.db import Database
from bot.staff.models import Role
from bot.web.api.problems import MEDIA_TYPE
from tests.exports import towns
from tests.web.api_program import Program, granted
from tests.web.console_browser import build
from tests.web.test_console_broadcasts import add_member

#: Inputs in all; `make fuzz` tries many more.
INPUTS = int(os.environ.get("OUTREACH_FUZZ", "0"))


def send(loop: asyncio.AbstractEventLoop, program: Program, case: Case) -> httpx.Response:
    """Send a case with the program's token."""
    headers = {str(name): str(value).encode("utf-8", "replace") for name, value in dict(case.headers or {}).items()}
    headers.pop("Authorization", None)
    content = None
    if not isinstance(case.body, schemathesis.core.NotSet):
        content = json.dumps(case.body, default=str).encode()
        headers["Content-Type"] = b"application/json"
    query = {str(name): value for name, value in dict(case.query or {}).items()}
    request = program.client.build_request(
        case.method, case.formatted_path, params=query, headers=headers, content=content
    )
    return loop.run_until_complete(program.client.send(request))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # the stricter one
def test_no_call_fails_whatever_it_says(
    database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime
) -> None:
    with database.begin() as db:
        add_member(db, 1)
        towns.add_run(db, towns.add_survey(db), {"origin": "LS"}, began=clock.now())
    app = build(database, messages_dir, tmp_path, api_rate=100_000)
    program = Program(app, granted(database, Role.ADMINISTRATOR))
    loop, counts, began = asyncio.new_event_loop(), dict[int, int](), time.monotonic()
    document = loop.run_until_complete(program.get("/openapi.json")).json()
    operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
    each = max(1, INPUTS // len(operations) // 2)
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @seed(7)
            @settings(
                max_examples=each,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def try_it(case: Case) -> None:
                answer = send(loop, program, case)
                counts[answer.status_code] = counts.get(answer.status_code, 0) + 1
                assert answer.status_code < 500, (case.method, case.path, answer.text)
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == MEDIA_TYPE
                    assert answer.json()["detail"]

            try_it()
    loop.close()
    assert sum(counts.values()) >= len(operations)
    report(counts, began)


def report(counts: dict[int, int], began: float) -> None:
    """Print what was tried, for `make fuzz`."""
    figures: dict[str, Any] = {"fuzz": "api", "inputs": sum(counts.values()), "statuses": counts, "failures": 0}
    print(json.dumps(figures | {"seconds": round(time.monotonic() - began)}))
