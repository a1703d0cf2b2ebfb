"""Who is asking: ``whoami-v2``."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, alone, ok
from modelkeep.api.hub.render import date_text
from modelkeep.domain.access import Role, Scope
from modelkeep.domain.accounts import Namespace, Token
from modelkeep.domain.errors import Unauthenticated


def routes() -> list[Route]:
    """The routes of this module."""
    return alone("/api/whoami-v2", _whoami)


async def _whoami(call: Call) -> Response:
    actor = call.actor
    if actor.is_anonymous:
        raise Unauthenticated("Sign in first: send a token.", code="bad_credentials")
    token = await call.run(call.services.tokens.current, actor)
    memberships = await call.run(call.services.organisations.memberships, actor)
    return ok(
        {
            "type": "user",
            "id": f"{actor.user_id or 0:024x}",
            "name": actor.username,
            "fullname": actor.full_name or actor.username,
            "email": actor.email or None,
            "emailVerified": bool(actor.email),
            "isPro": False,
            "canPay": False,
            "avatarUrl": f"{call.base_url}/avatars/{actor.username}.svg",
            "orgs": [_organisation(call, *one) for one in memberships],
            "auth": {"type": "access_token", "accessToken": _token(token)} if token else {"type": "basic"},
        }
    )


def _organisation(call: Call, organisation: Namespace, role: Role) -> dict[str, object]:
    return {
        "type": "org",
        "id": f"{organisation.id:024x}",
        "name": organisation.name,
        "fullname": organisation.full_name or organisation.name,
        "email": None,
        "canPay": False,
        "avatarUrl": f"{call.base_url}/avatars/{organisation.name}.svg",
        "roleInOrg": _ROLES[role],
        "isEnterprise": False,
    }


_ROLES = {
    Role.READER: "read",
    Role.CONTRIBUTOR: "contributor",
    Role.MAINTAINER: "write",
    Role.OWNER: "admin",
}


def _token(token: Token) -> dict[str, object]:
    is_limited = bool(token.limits)
    can_write = not token.scopes.isdisjoint({Scope.WRITE, Scope.ADMIN})
    role = "fineGrained" if is_limited else "write" if can_write else "read"
    return {"displayName": token.name, "role": role, "createdAt": date_text(token.created_at)}
