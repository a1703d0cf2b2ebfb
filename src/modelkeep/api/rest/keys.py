"""Public SSH keys of users, the hub's own, and whose signatures count where."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import PlainTextResponse, Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, Number, PageOf
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.keys import Key, NewKey, SigningKey, TagSignature
from modelkeep.domain.signatures import SignatureState, UserKey

router = APIRouter(route_class=GuardedRoute, tags=["keys"])

WithRemoved = Annotated[bool, Query(description="Also keys that were removed or revoked.")]


@router.get("/user/keys", operation_id="listOwnKeys", summary="List your SSH keys")
async def list_own_keys(call: CallOf, page: PageOf, removed: WithRemoved = False) -> Listing[Key]:
    """Oldest first."""
    found = await call.run(call.services.keys.list, call.actor, in_use_only=not removed)
    return render.listing(render.page_of_all(found, page), render_key)


@router.post("/user/keys", operation_id="addKey", summary="Add an SSH key", status_code=201)
async def add_key(call: CallOf, body: NewKey, response: Response) -> Key:
    """A public key to sign tags with. Needs your password (Basic), or a token with scope `admin` and no limits."""
    made = await call.run(call.services.keys.add, call.actor, name=body.name, key=body.key)
    response.headers["location"] = call.url(f"/user/keys/{made.id}")
    return render_key(made)


@router.delete("/user/keys/{key_id}", operation_id="removeKey", summary="Remove an SSH key", status_code=204)
async def remove_key(
    call: CallOf,
    key_id: Number,
    revoke: Annotated[
        bool, Query(description="Also what it signed before counts no more: others may have the key.")
    ] = False,
) -> None:
    """New tags signed with it do not count; those dated before still do, unless it is revoked."""
    await call.run(call.services.keys.remove, call.actor, key_id, revoke=revoke)


@router.get("/users/{name}/keys", operation_id="listKeys", summary="List the SSH keys of a user")
async def list_keys(call: CallOf, name: Name, page: PageOf, removed: WithRemoved = False) -> Listing[Key]:
    """For everybody who is signed in; oldest first."""
    found = await call.run(call.services.keys.list, call.actor, name, in_use_only=not removed)
    return render.listing(render.page_of_all(found, page), render_key)


@router.get("/signing-key", operation_id="showSigningKey", summary="Show the key that the hub signs with")
async def show_signing_key(call: CallOf) -> SigningKey:
    """Anybody may ask."""
    own = call.services.signatures.hub_key()
    return SigningKey(key=own.key.text, fingerprint=own.key.fingerprint, principal=own.principal)


@router.get(
    "/repos/{ns}/{repo}/allowed-signers",
    operation_id="showAllowedSigners",
    summary="Show whose signatures count",
    response_class=PlainTextResponse,
)
async def show_allowed_signers(call: CallOf, ns: Name, repo: Name) -> PlainTextResponse:
    """A file for Git's `gpg.ssh.allowedSignersFile`: the hub's keys, and those of all who may write."""
    return PlainTextResponse(await call.run(call.services.signatures.allowed_signers, call.actor, ns, repo))


@router.get(
    "/repos/{ns}/{repo}/tags/{name}/signature",
    operation_id="showSignature",
    summary="Show how a tag is signed",
)
async def show_signature(call: CallOf, ns: Name, repo: Name, name: Name) -> TagSignature:
    """Verified with Git, against the keys of the hub and of all its users."""
    return render_signature(await call.run(call.services.signatures.signature_of, call.actor, ns, repo, name))


def render_key(value: UserKey) -> Key:
    """A public key."""
    return Key(
        id=value.id,
        name=value.name,
        fingerprint=value.fingerprint,
        type=value.type,
        key=value.key,
        created_at=value.created_at,
        removed_at=value.removed_at,
        is_revoked=value.is_revoked,
    )


def render_signature(value: SignatureState) -> TagSignature:
    """The signature of a tag."""
    return TagSignature(status=value.status, signer=value.signer, fingerprint=value.fingerprint)
