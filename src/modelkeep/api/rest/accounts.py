"""Who is there: the caller, users; and which version of the hub."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, PageOf, Search
from modelkeep.api.rest.schemas.accounts import (
    HubVersion,
    Identity,
    MadeUser,
    Membership,
    NewUser,
    User,
    UserChange,
)
from modelkeep.api.rest.schemas.base import Listing

router = APIRouter(route_class=GuardedRoute, tags=["accounts"])


@router.get("/whoami", operation_id="whoami", summary="Who the hub takes you for")
async def show_identity(call: CallOf) -> Identity:
    """The user, the token in use, and the organisations that the user belongs to."""
    if call.actor.user_id is None:
        return Identity(user=None, token=None, organisations=[])
    user = await call.run(call.services.accounts.get, call.actor, call.actor.username)
    token = await call.run(call.services.tokens.current, call.actor)
    memberships = await call.run(call.services.organisations.memberships, call.actor)
    return Identity(
        user=render.user(user, call.actor),
        token=render.current_token(token) if token else None,
        organisations=[Membership(name=place.name, role=render.label(role)) for place, role in memberships],
    )


@router.get("/version", operation_id="showVersion", summary="The version of the hub")
async def show_version(call: CallOf) -> HubVersion:
    """Anybody may ask."""
    return HubVersion(version=call.rest.version)


@router.get("/users", operation_id="listUsers", summary="List users")
async def list_users(call: CallOf, page: PageOf, query: Search = None) -> Listing[User]:
    """For administrators of the hub."""
    found = await call.run(call.services.accounts.list, call.actor, page, query)
    return render.listing(found, lambda user: render.user(user, call.actor))


@router.post("/users", operation_id="createUser", summary="Make a user", status_code=201)
async def create_user(call: CallOf, body: NewUser, response: Response) -> MadeUser:
    """For administrators of the hub. Without a password the hub makes one up and answers it once."""
    made_up = None if body.password is not None else call.services.accounts.new_password()
    user = await call.run(
        call.services.accounts.create,
        call.actor,
        name=body.name,
        password=body.password or made_up,
        full_name=body.full_name,
        email=body.email,
        is_hub_admin=body.is_hub_admin,
    )
    response.headers["location"] = call.url(f"/users/{user.name}")
    return MadeUser(**render.user(user, call.actor).model_dump(), password=made_up)


@router.get("/users/{name}", operation_id="showUser", summary="Show a user")
async def show_user(call: CallOf, name: Name) -> User:
    """For everybody who is signed in."""
    return render.user(await call.run(call.services.accounts.get, call.actor, name), call.actor)


@router.patch("/users/{name}", operation_id="updateUser", summary="Change a user")
async def update_user(call: CallOf, name: Name, body: UserChange) -> User:
    """Users change themselves; administrators change and disable everybody."""
    user = await call.run(
        call.services.accounts.update,
        call.actor,
        name,
        full_name=body.full_name,
        email=body.email,
        password=body.password,
        is_disabled=body.is_disabled,
    )
    return render.user(user, call.actor)
