"""What a token says of itself."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from bot.staff.scopes import possible
from bot.web.api.access import AnyToken

router = APIRouter(tags=["token"])


class TokenOut(BaseModel):
    """The token of the call."""

    id: int
    name: str
    scopes: list[str]
    usable: list[str]  #: the scopes that the owner's role allows today
    expires_at: datetime


@router.get("/token")
async def own(call: AnyToken) -> TokenOut:
    """Tell what this token is for."""
    token = call.token
    usable = [scope for scope in possible(call.user) if scope in token.scopes]
    return TokenOut(id=token.id, name=token.name, scopes=token.scopes, usable=usable, expires_at=token.expires_at)
