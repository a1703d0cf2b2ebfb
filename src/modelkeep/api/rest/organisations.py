"""Organisations and their members."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, PageOf, Search
from modelkeep.api.rest.schemas.accounts import (
    Member,
    MemberRole,
    NewOrganisation,
    Organisation,
    OrganisationChange,
)
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.domain.access import Role
from modelkeep.domain.errors import NotFound
from modelkeep.services.access import NamespaceAccess

router = APIRouter(route_class=GuardedRoute, prefix="/orgs", tags=["organisations"])


@router.get("", operation_id="listOrganisations", summary="List organisations")
async def list_organisations(call: CallOf, page: PageOf, query: Search = None) -> Listing[Organisation]:
    """Those that you belong to; all of them for an administrator of the hub."""
    found = await call.run(call.services.organisations.list, call.actor, page, query)
    memberships = await call.run(call.services.organisations.memberships, call.actor)
    roles = {place.id: role for place, role in memberships}
    least = Role.OWNER if call.actor.is_hub_admin else None
    return render.listing(found, lambda place: render.organisation(place, least or roles.get(place.id)))


@router.post("", operation_id="createOrganisation", summary="Make an organisation", status_code=201)
async def create_organisation(call: CallOf, body: NewOrganisation, response: Response) -> Organisation:
    """You become its owner."""
    made = await call.run(
        call.services.organisations.create,
        call.actor,
        body.name,
        full_name=body.full_name,
        default_visibility=body.default_visibility,
        members=[(member.user, Role.parse(member.role)) for member in body.members],
    )
    response.headers["location"] = call.url(f"/orgs/{made.name}")
    return render.organisation(made, Role.OWNER)


@router.get("/{org}", operation_id="showOrganisation", summary="Show an organisation")
async def show_organisation(call: CallOf, org: Name) -> Organisation:
    """For its members; for others there is no such organisation."""
    return _shown(await call.run(call.services.organisations.get, call.actor, org))


@router.patch("/{org}", operation_id="updateOrganisation", summary="Change an organisation")
async def update_organisation(call: CallOf, org: Name, body: OrganisationChange) -> Organisation:
    """Only owners may."""
    changed = await call.run(
        call.services.organisations.update,
        call.actor,
        org,
        full_name=body.full_name,
        default_visibility=body.default_visibility,
    )
    return _shown(changed)


@router.delete("/{org}", operation_id="deleteOrganisation", summary="Delete an organisation", status_code=204)
async def delete_organisation(call: CallOf, org: Name) -> None:
    """Only owners may, and only when it has no repos."""
    await call.run(call.services.organisations.delete, call.actor, org)


@router.get("/{org}/members", operation_id="listMembers", summary="List the members of an organisation")
async def list_members(call: CallOf, org: Name, page: PageOf) -> Listing[Member]:
    """For its members."""
    found = await call.run(call.services.organisations.members, call.actor, org)
    return render.listing(render.page_of_all(found, page), render.member)


@router.put("/{org}/members/{user}", operation_id="setMember", summary="Give somebody a role")
async def set_member(call: CallOf, org: Name, user: Name, body: MemberRole) -> Member:
    """Only owners may; the last owner stays one."""
    await call.run(call.services.organisations.set_member, call.actor, org, user, Role.parse(body.role))
    return await _member(call, user, body)


@router.delete(
    "/{org}/members/{user}", operation_id="removeMember", summary="Take somebody's role away", status_code=204
)
async def remove_member(call: CallOf, org: Name, user: Name) -> None:
    """Owners may, and members themselves; the last owner stays."""
    await call.run(call.services.organisations.remove_member, call.actor, org, user)


async def _member(call: CallOf, name: str, body: MemberRole) -> Member:
    user = await call.run(call.services.accounts.get, call.actor, name)
    return Member(user=user.name, full_name=user.full_name, role=body.role)


def _shown(access: NamespaceAccess) -> Organisation:
    if not access.namespace.is_organisation:
        raise NotFound(f"There is no organisation '{access.namespace.name}'.", code="namespace_not_found")
    return render.organisation(access.namespace, access.role)
