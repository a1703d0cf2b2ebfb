"""Role by action by visibility, through this door: one table."""

from __future__ import annotations

import pytest

from modelkeep.domain.access import Action, Role, allows
from tests.api.rest.world import PEOPLE, World

VISIBILITIES = ("private", "shared", "public")


def attempt(world: World, who: str | None, action: Action, repo: str) -> int:
    """Asks for ``action`` in one way that changes little; gives the status."""
    client, name = world.as_(who), world.new_name("x")
    match action:
        case Action.READ:
            return client.get(f"{repo}/tree/main").status_code
        case Action.PROPOSE:
            return client.post(f"{repo}/access").status_code
        case Action.WRITE:
            return client.post(f"{repo}/branches", {"name": name}).status_code
        case Action.REGISTER:
            commit = world.commit(repo, {name: name})
            return client.post(f"{repo}/artifacts/{name}/versions", {"revision": commit}).status_code
        case Action.PROMOTE:
            return client.put(f"{repo}/artifacts/m/stages/{name}", {"version": "latest"}).status_code
        case Action.RETRACT:
            message = {"name": f"{name}@v1.0.0", "message": "m"}
            assert world.as_("olga").post(f"{repo}/tags", message).status_code == 201
            return client.delete(f"{repo}/tags/{name}@v1.0.0").status_code
        case Action.CONFIGURE:
            return client.patch(repo, {"description": name}).status_code
        case Action.ADMINISTER:
            return client.delete(f"{repo}/members/sven2").status_code
    raise AssertionError(f"nobody tries {action}")


ACTIONS = [action for action in Action if action not in (Action.CREATE_REPO, Action.OVERRIDE)]
"""CREATE_REPO is asked of namespaces (test_repos), OVERRIDE of locks (the LFS door)."""

WELL = {
    Action.READ: 200,
    Action.PROPOSE: 422,  # past the gate: the repo is not gated
    Action.WRITE: 201,
    Action.REGISTER: 201,
    Action.PROMOTE: 201,
    Action.RETRACT: 204,
    Action.CONFIGURE: 200,
    Action.ADMINISTER: 404,  # past the gate: there is no such member
}


def expected(who: str | None, action: Action, visibility: str) -> int:
    role = Role.OWNER if who == "ada" else PEOPLE[who] if who is not None else None
    if role is None and (visibility == "public" or (visibility == "shared" and who is not None)):
        role = Role.READER
    if who is None and not (action is Action.READ and role is not None):
        return 401
    if allows(role, action):
        return WELL[action]
    return 403 if role is not None else 404


@pytest.fixture(scope="module", params=VISIBILITIES)
def place(request: pytest.FixtureRequest, world: World) -> tuple[str, str]:
    repo = world.repo(request.param)
    assert world.as_("olga").post(f"{repo}/artifacts/m/versions").status_code == 201
    return request.param, repo


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("who", [*PEOPLE, None])
def test_who_may_do_what(world: World, place: tuple[str, str], who: str | None, action: Action) -> None:
    visibility, repo = place
    assert attempt(world, who, action, repo) == expected(who, action, visibility)


def test_the_table_is_complete() -> None:
    assert set(WELL) == set(ACTIONS)
    statuses = {
        expected(who, action, v) for who in [*PEOPLE, None] for action in ACTIONS for v in VISIBILITIES
    }
    assert statuses == {200, 201, 204, 401, 403, 404, 422}
