"""Names of branches that mislead whoever asks for a commit, a version or a stage."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from modelkeep.domain.access import Role
from tests.support.hub import Hub, HubRepo, User


@pytest.fixture
def owner(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def contributor(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def repo(hub: Hub, owner: User, contributor: User) -> HubRepo:
    return hub.repo((owner, Role.OWNER), (contributor, Role.CONTRIBUTOR))


def _commit(hub: Hub, user: User, repo: HubRepo, branch: str) -> str:
    body = {
        "message": "Change",
        "operations": [{"op": "add", "path": "file.txt", "content": branch}],
        "branch": branch,
        "create_branch_from": "main",
    }
    answer = hub.request("POST", f"/api/v1/repos/{repo.full_name}/commits", user.token, json=body)
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["commit"]["id"]
    return found


def _resolved(hub: Hub, user: User, repo: HubRepo, revision: str) -> str | None:
    path = f"/api/v1/repos/{repo.full_name}/revisions/{quote(revision, safe='')}"
    answer = hub.request("GET", path, user.token)
    found: str | None = answer.json()["commit"]["id"] if answer.status_code == 200 else None
    return found


def test_a_commit_id_names_the_commit_not_a_branch_of_that_name(
    hub: Hub, repo: HubRepo, owner: User, contributor: User
) -> None:
    main = _resolved(hub, owner, repo, "main")
    assert main is not None
    other = _commit(hub, contributor, repo, main)
    assert _resolved(hub, owner, repo, main) == main
    assert _resolved(hub, owner, repo, f"refs/heads/{main}") == other


def test_no_branch_stands_in_for_an_empty_stage_or_a_missing_version(
    hub: Hub, repo: HubRepo, owner: User, contributor: User
) -> None:
    made = hub.request("POST", f"/api/v1/repos/{repo.full_name}/artifacts/m/versions", owner.token, json={})
    assert made.status_code == 201, made.text
    for name in ("m#prod", "m@v9.0.0"):
        other = _commit(hub, contributor, repo, name)
        assert _resolved(hub, owner, repo, name) is None
        assert _resolved(hub, owner, repo, f"refs/heads/{name}") == other


def test_a_branch_may_look_like_a_stage_of_something_that_is_no_artifact(
    hub: Hub, repo: HubRepo, contributor: User
) -> None:
    assert _resolved(hub, contributor, repo, "fix#12") is None
    made = _commit(hub, contributor, repo, "fix#12")
    assert _resolved(hub, contributor, repo, "fix#12") == made
