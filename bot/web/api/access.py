"""Who calls, for what; and calls that happen once, however often they are repeated."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.staff import audit, tokens
from bot.staff.models import ApiCall, ApiToken, StaffUser
from bot.staff.scopes import Scope
from bot.web.api.problems import Refused
from bot.web.console.context import ConsoleContext

P = ParamSpec("P")
T = TypeVar("T")
_bearer = HTTPBearer(scheme_name="token", auto_error=False, description="A token of the console's page “API tokens”.")

#: What a caller writes to be able to repeat a call: any text of its own, another for each thing it wants done.
IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=200, description="Needed: the same key does the same thing only once."),
]


@dataclass(frozen=True, slots=True)
class Call:
    """One request of one program."""

    request: Request
    context: ConsoleContext
    token: ApiToken

    @property
    def user(self) -> StaffUser:
        """Return whom the program acts for."""
        return self.token.user

    async def read(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(db, ...)` for reading only."""
        return await self.context.database.query(function, *args, **kwargs)

    async def write(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(db, ...)` in a transaction; the audit trail notes the token."""

        def work(db: Session) -> T:
            db.info[audit.CALLER] = {"token": self.token.id}
            return function(db, *args, **kwargs)

        return await self.context.database.run(work)

    async def once(self, key: str | None, status: int, work: Callable[[Session], BaseModel]) -> Response:
        """Do the work the first time that this key comes, and give the same answer every time."""
        if not key:
            raise Refused(400, "key-missing", "Send the header Idempotency-Key with a text of your own: a UUID.")
        asked = [self.request.method, self.request.url.path, (await self.request.body()).hex()]
        said, again = await self.write(_once, self.token.id, _hash(key), _hash("\n".join(asked)), work)
        headers = {"Idempotency-Replayed": "true"} if again else {}
        return Response(said, status, headers, "application/json")


def _once(
    db: Session, token_id: int, key: str, request_hash: str, work: Callable[[Session], BaseModel]
) -> tuple[str, bool]:
    """Return the answer, and whether it is that of an earlier call; one that fails leaves no trace of the key."""
    row = ApiCall(token_id=token_id, key=key, request_hash=request_hash, at=clock.now())
    try:
        with db.begin_nested():
            db.add(row)
    except IntegrityError:  # also while the first call is still at work: then we waited for its end
        earlier = db.get_one(ApiCall, (token_id, key))
        if earlier.request_hash != request_hash:
            raise Refused(422, "key-used", "This Idempotency-Key was used for another call: take a new one.") from None
        return earlier.answer or "", True
    row.answer = work(db).model_dump_json()
    return row.answer, False


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


async def enter(
    request: Request, wanted: SecurityScopes, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Call:
    """Let a call in whose token counts, has the scope, and has not called too often."""
    context: ConsoleContext = request.app.state.context
    if given is None:
        raise _unknown("Send the header Authorization: Bearer with a token of the console's page “API tokens”.")
    found = await context.database.run(tokens.use, given.credentials, context.settings.api_rate)
    if isinstance(found, tokens.Refused):
        if found.again is None:
            raise _unknown("This token is unknown, revoked or too old: have a new one granted in the console.")
        wait = {"Retry-After": str(found.again)}
        raise Refused(429, "too-many", f"Too many calls in this minute: go on in {found.again} seconds.", wait)
    for scope in wanted.scopes:
        tokens.require_scope(found, Scope(scope))
    return Call(request, context, found)


def _unknown(says: str) -> Refused:
    return Refused(401, "no-token", says, {"WWW-Authenticate": "Bearer"})


def needs(scope: Scope) -> Any:
    """Return the dependency of a route that a token with this scope may call."""
    return Security(enter, scopes=[scope])


#: A call of a token, whatever it is for.
AnyToken = Annotated[Call, Security(enter)]
