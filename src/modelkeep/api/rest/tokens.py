"""Personal access tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Number, PageOf
from modelkeep.api.rest.schemas.accounts import MadeToken, NewToken, Token
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.domain.errors import InvalidInput

router = APIRouter(route_class=GuardedRoute, tags=["tokens"])


@router.get("/tokens", operation_id="listTokens", summary="List your tokens")
async def list_tokens(call: CallOf, page: PageOf) -> Listing[Token]:
    """Without their secrets, which nobody can read again."""
    found = await call.run(call.services.tokens.list, call.actor)
    return render.listing(render.page_of_all(found, page), render.token)


@router.post("/tokens", operation_id="createToken", summary="Make a token", status_code=201)
async def create_token(call: CallOf, body: NewToken, response: Response) -> MadeToken:
    """Needs your password (Basic), or a token with scope ``admin``. The secret is answered only here."""
    token, secret = await call.run(
        call.services.tokens.create,
        call.actor,
        name=body.name,
        scopes=body.scopes,
        limits=body.limits,
        expires_at=_end_of(body),
    )
    response.headers["location"] = call.url(f"/tokens/{token.id}")
    return MadeToken(**render.token(token).model_dump(), token=secret)


@router.delete("/tokens/{token_id}", operation_id="revokeToken", summary="Revoke a token", status_code=204)
async def revoke_token(call: CallOf, token_id: Number) -> None:
    """It ends at once, and with it every transfer URL that it was given."""
    await call.run(call.services.tokens.revoke, call.actor, token_id)


def _end_of(body: NewToken) -> datetime | None:
    if body.expires_in is None:
        return body.expires_at
    if body.expires_at is not None:
        raise InvalidInput("Give either expires_at or expires_in, not both.", code="invalid_expiry")
    return datetime.now(UTC) + timedelta(seconds=body.expires_in)
