"""Who belongs to a single repo, which of its refs are protected, and its index."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, Number, PageOf
from modelkeep.api.rest.schemas.accounts import Member, MemberRole
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.repos import Indexed, NewProtection, Protection
from modelkeep.domain.access import Role

router = APIRouter(route_class=GuardedRoute, prefix="/repos/{ns}/{repo}", tags=["repo settings"])


@router.get("/members", operation_id="listRepoMembers", summary="List who has a role in a repo itself")
async def list_members(call: CallOf, ns: Name, repo: Name, page: PageOf) -> Listing[Member]:
    """Beside the members of its organisation. For maintainers."""
    found = await call.run(call.services.repo_members.list, call.actor, ns, repo)
    return render.listing(render.page_of_all(found, page), render.member)


@router.put("/members/{user}", operation_id="setRepoMember", summary="Give somebody a role in a repo")
async def set_member(call: CallOf, ns: Name, repo: Name, user: Name, body: MemberRole) -> Member:
    """Only owners may."""
    await call.run(call.services.repo_members.set, call.actor, ns, repo, user, Role.parse(body.role))
    known = await call.run(call.services.accounts.get, call.actor, user)
    return Member(user=known.name, full_name=known.full_name, role=body.role)


@router.delete(
    "/members/{user}",
    operation_id="removeRepoMember",
    summary="Take somebody's role in a repo away",
    status_code=204,
)
async def remove_member(call: CallOf, ns: Name, repo: Name, user: Name) -> None:
    """Only owners may."""
    await call.run(call.services.repo_members.remove, call.actor, ns, repo, user)


@router.get("/protections", operation_id="listProtections", summary="List the rules for branches and tags")
async def list_protections(call: CallOf, ns: Name, repo: Name, page: PageOf) -> Listing[Protection]:
    """The default branch is protected also without a rule."""
    found = await call.run(call.services.protections.list, call.actor, ns, repo)
    return render.listing(render.page_of_all(found, page), render.protection)


@router.post(
    "/protections", operation_id="addProtection", summary="Protect branches or tags", status_code=201
)
async def add_protection(
    call: CallOf, ns: Name, repo: Name, body: NewProtection, response: Response
) -> Protection:
    """For maintainers."""
    rule = await call.run(
        call.services.protections.add,
        call.actor,
        ns,
        repo,
        is_tag=body.kind == "tag",
        pattern=body.pattern,
        push_role=Role.parse(body.push_role),
        allows_force=body.allows_force,
        allows_delete=body.allows_delete,
    )
    place = f"/repos/{render.segment(ns)}/{render.segment(repo)}/protections/{rule.id}"
    response.headers["location"] = call.url(place)
    return render.protection(rule)


@router.delete(
    "/protections/{rule_id}", operation_id="removeProtection", summary="Remove a rule", status_code=204
)
async def remove_protection(call: CallOf, ns: Name, repo: Name, rule_id: Number) -> None:
    """For maintainers."""
    await call.run(call.services.protections.remove, call.actor, ns, repo, rule_id)


@router.post("/reindex", operation_id="reindexRepo", summary="Rebuild a repo's index from Git")
async def reindex_repo(call: CallOf, ns: Name, repo: Name) -> Indexed:
    """For maintainers. Nothing but the index changes."""
    return Indexed(refs=await call.write(call.services.indexing.rebuild_named, call.actor, ns, repo))
