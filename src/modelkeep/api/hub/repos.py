"""Repos made, deleted, moved and set: ``create_repo`` and its like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, alone, api, kind_of, ok, place_of
from modelkeep.api.hub.render import Json, page_path
from modelkeep.domain.access import Visibility
from modelkeep.domain.errors import AlreadyExists, InvalidInput, NotFound, NotPermitted, Unauthenticated
from modelkeep.domain.gating import Gating
from modelkeep.domain.names import fold
from modelkeep.domain.repos import Repo, RepoKind


def routes() -> list[Route]:
    """The routes of this module."""
    return [
        *alone("/api/repos/create", _create, "POST"),
        *alone("/api/repos/delete", _delete, "DELETE"),
        *alone("/api/repos/move", _move, "POST"),
        *api("/settings", _set, "PUT"),
    ]


async def _create(call: Call) -> Response:
    sent = await call.json()
    kind = kind_of(sent.get("type"))
    if call.actor.is_anonymous:
        raise Unauthenticated("Sign in first: send a token.", code="bad_credentials")
    namespace, name = _named(call, sent)
    visibility = _visibility(sent)
    try:
        access = await call.run(
            call.services.repos.create,
            call.actor,
            place_of(kind, namespace),
            name,
            visibility=visibility,
            in_own_name=True,
        )
    except NotFound:
        # As for a namespace that the actor knows but may not use: clients then look whether the repo is there.
        raise NotPermitted(
            f"You cannot make a {kind} under the namespace '{namespace}'.", code="role_missing"
        ) from None
    except AlreadyExists as error:
        return await _taken(call, kind, namespace, name, error)
    return ok({"url": _url(call, access.repo), "name": str(access.repo.full_name), "id": access.repo.id[:24]})


async def _taken(call: Call, kind: RepoKind, namespace: str, name: str, error: AlreadyExists) -> Response:
    """The answer for a repo that is there; its ``url`` is what ``exist_ok`` goes on with."""
    access = await call.run(call.services.repos.get, call.actor, place_of(kind, namespace), name)
    message = f"You already created this {kind} repo: {access.repo.full_name}."
    if fold(access.repo.name) != fold(name):
        message = error.message
    return ok({"error": message, "url": _url(call, access.repo)}, 409, {"X-Error-Message": message})


async def _delete(call: Call) -> Response:
    sent = await call.json()
    kind = kind_of(sent.get("type"))
    namespace, name = _named(call, sent)
    await call.run(call.services.repos.delete, call.actor, place_of(kind, namespace), name)
    return ok({})


async def _move(call: Call) -> Response:
    sent = await call.json()
    kind = kind_of(sent.get("type"))
    old_namespace, old_name = _id(sent, "fromRepo")
    namespace, name = _id(sent, "toRepo")
    try:
        access = await call.run(
            call.services.repos.move,
            call.actor,
            place_of(kind, old_namespace),
            old_name,
            new_namespace=namespace,
            new_name=name,
        )
    except AlreadyExists:
        raise AlreadyExists(
            f"A {kind} repository called {namespace}/{name} already exists", code="repo_exists"
        ) from None
    return ok({"url": _url(call, access.repo), "name": str(access.repo.full_name)})


async def _set(call: Call) -> Response:
    sent = await call.json()
    visibility, gated = _visibility(sent), Gating.parse(sent.get("gated"))
    # Old clients switch Xet on by this; it always is.
    is_about_xet = sent.get("xetEnabled") is True
    if visibility is None and "gated" not in sent and not is_about_xet:
        raise InvalidInput(
            "Send what is to change: 'visibility' (or 'private') or 'gated'.", code="invalid_body"
        )
    named = (call.actor, call.namespace, call.repo)
    if "gated" in sent:
        await call.run(call.services.gating.configure, *named, gated)
    if visibility is not None:
        await call.run(call.services.repos.update, *named, visibility=visibility)
    return ok(_settings((await call.run(call.services.repos.get, *named)).repo))


def _settings(repo: Repo) -> Json:
    return {
        "private": repo.visibility is not Visibility.PUBLIC,
        "visibility": repo.visibility.value,
        "gated": repo.gated.value if repo.gated is not None else False,
    }


def _visibility(sent: Mapping[str, Any]) -> Visibility | None:
    """What a body says about who may read; None where it says nothing.

    Raises:
        InvalidInput: It says something that this hub does not know.
    """
    private, named = sent.get("private"), sent.get("visibility")
    if named is not None:
        if not isinstance(named, str):
            raise InvalidInput("'visibility' must be a text.", code="invalid_visibility")
        return Visibility.parse(named)
    if private is None:
        return None
    if not isinstance(private, bool):
        raise InvalidInput("'private' must be true or false.", code="invalid_visibility")
    return Visibility.PRIVATE if private else Visibility.PUBLIC


def _named(call: Call, sent: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name of a body; without an organisation the actor's own."""
    name, namespace = sent.get("name"), sent.get("organization")
    if not isinstance(name, str) or not isinstance(namespace, str | None):
        raise InvalidInput("'name' must be a text, and 'organization' too if given.", code="invalid_body")
    if not namespace and "/" in name:
        return _id(sent, "name")
    return namespace or call.actor.username, name


def _id(sent: Mapping[str, Any], field: str) -> tuple[str, str]:
    text = sent.get(field)
    namespace, slash, name = text.partition("/") if isinstance(text, str) else ("", "", "")
    if not slash or not namespace or not name:
        raise InvalidInput(f"'{field}' must have the form NAMESPACE/REPO.", code="invalid_body")
    return namespace, name


def _url(call: Call, repo: Repo) -> str:
    return call.base_url + page_path(repo)
