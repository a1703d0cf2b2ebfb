"""Who may clone and push, with every way in which git sends credentials."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from modelkeep.domain.access import Role, Scope, Visibility
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User

Machine = Callable[..., Git]


@pytest.fixture(scope="module")
def user(hub: Hub) -> User:
    return hub.user(password="a long pass phrase: 7%")


@pytest.fixture(scope="module")
def repo(hub: Hub, user: User) -> HubRepo:
    return hub.repo((user, Role.CONTRIBUTOR))


def push_something(git: Git, url: str) -> None:
    tree = git.clone(url, "tree")
    git.commit(tree, {"file": f"{git.home}\n"})
    git("push", "-q", "origin", f"HEAD:refs/heads/{git.home.parent.name}", cwd=tree)


def test_token_by_a_credential_helper(machine: Machine, repo: HubRepo, user: User) -> None:
    push_something(machine(user.token), repo.git_url)


def test_token_as_bearer(machine: Machine, repo: HubRepo, user: User) -> None:
    git = machine()
    git("config", "--global", "http.extraHeader", f"Authorization: Bearer {user.token}")
    push_something(git, repo.git_url)


def test_token_in_the_address(machine: Machine, repo: HubRepo, user: User) -> None:
    push_something(machine(), repo.url_as("anything", user.token))


def test_name_and_password_by_a_credential_helper(machine: Machine, repo: HubRepo, user: User) -> None:
    git = machine()
    git.log_in(user.password.replace("%", "%%"), user.name)
    push_something(git, repo.git_url)


def test_name_and_password_as_basic(hub: Hub, repo: HubRepo, user: User) -> None:
    basic = base64.b64encode(f"{user.name}:{user.password}".encode()).decode()
    with hub.client() as client:
        answer = client.get(
            f"{repo.git_url}/info/refs?service=git-upload-pack", headers={"Authorization": f"basic {basic}"}
        )
    assert answer.status_code == 200


def test_an_anonymous_push_to_a_public_repo_asks_for_credentials(hub: Hub, machine: Machine) -> None:
    repo = hub.repo(visibility=Visibility.PUBLIC)
    git = machine()
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"a.txt": "a\n"})
    before = hub.fingerprint(repo)
    assert "could not read Username" in git.refused("origin", "main", cwd=tree)
    with hub.client() as client:
        asked = client.get(f"{repo.git_url}/info/refs?service=git-receive-pack")
        sent = client.post(
            f"{repo.git_url}/git-receive-pack",
            content=b"0000",
            headers={"Content-Type": "application/x-git-receive-pack-request"},
        )
    assert asked.status_code == sent.status_code == 401
    assert asked.headers["www-authenticate"].startswith("Basic realm=")
    assert hub.fingerprint(repo) == before


@pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.SHARED, Visibility.PUBLIC])
def test_a_reader_clones_but_cannot_push(hub: Hub, machine: Machine, visibility: Visibility) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.READER), visibility=visibility)
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"a.txt": "a\n"})
    before = hub.fingerprint(repo)
    said = git.refused("origin", "main", cwd=tree)
    assert "403" in said
    assert "needs the role contributor; you are reader" in said
    assert hub.fingerprint(repo) == before


def test_every_signed_in_user_reads_a_shared_repo(hub: Hub, machine: Machine) -> None:
    repo = hub.repo(visibility=Visibility.SHARED)
    assert machine(hub.user().token).clone(repo.git_url, "tree").is_dir()
    assert machine().attempt("clone", repo.git_url, "tree").code != 0


@pytest.mark.parametrize("kind", ["revoked", "expired", "unknown", "disabled"])
def test_a_token_that_ended_opens_nothing(hub: Hub, machine: Machine, kind: str) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.OWNER))
    secret = user.token
    if kind == "revoked":
        hub.revoke(secret)
    elif kind == "expired":
        secret = hub.expired_token(user.name)
    elif kind == "unknown":
        secret = "mk_" + "x" * 46
        hub.secrets.add(secret)
    else:
        hub.services.accounts.update(hub.local, user.name, is_disabled=True)
    done = machine(secret).attempt("ls-remote", repo.git_url)
    assert done.code != 0
    assert "Authentication failed" in done.err or "could not read" in done.err
    public = hub.repo(visibility=Visibility.PUBLIC)
    with hub.client(secret) as client:
        answers = [client.get(f"{r.git_url}/info/refs?service=git-upload-pack") for r in (repo, public)]
    # Not even what anybody may read: who sends wrong credentials should learn that they are wrong.
    assert [answer.status_code for answer in answers] == [401, 401]
    assert not [answer for answer in answers if secret in answer.text]


@pytest.mark.parametrize(
    ("scopes", "branch", "version", "stage"),
    [
        ((Scope.READ,), False, False, False),
        ((Scope.WRITE,), True, True, False),
        ((Scope.PROMOTE,), False, True, True),
        ((Scope.WRITE, Scope.PROMOTE), True, True, True),
        ((Scope.ADMIN,), True, True, True),
    ],
)
def test_the_scopes_of_a_token_decide_ref_by_ref(
    hub: Hub, machine: Machine, scopes: tuple[Scope, ...], branch: bool, version: bool, stage: bool
) -> None:
    owner = hub.user()
    repo = hub.repo((owner, Role.OWNER))
    git = machine(hub.token(owner.name, *scopes))
    tree = git.clone(repo.git_url, "tree")
    git("tag", "-a", "-m", "One", "m@v1.0.0", cwd=tree)
    git("tag", "-a", "-m", "Two", "m#prod#1", cwd=tree)
    before = hub.fingerprint(repo)
    for ref, allowed in (("HEAD:refs/heads/dev", branch), ("m@v1.0.0", version), ("m#prod#1", stage)):
        if allowed:
            git("push", "-q", "origin", ref, cwd=tree)
            before = hub.fingerprint(repo)
        else:
            said = git.refused("origin", ref, cwd=tree)
            assert "This token does not allow" in said
            assert hub.fingerprint(repo) == before


def test_a_token_limited_to_another_repo_is_a_strangers(hub: Hub, machine: Machine) -> None:
    owner = hub.user()
    repo, other = hub.repo((owner, Role.OWNER)), hub.repo((owner, Role.OWNER))
    public = hub.repo((owner, Role.OWNER), visibility=Visibility.PUBLIC)
    secret = hub.token(owner.name, limits=[other.full_name])
    git = machine(secret)
    assert git.clone(other.git_url, "other").is_dir()
    done = git.attempt("clone", repo.git_url, "tree")
    assert done.code != 0
    assert "not found" in done.err
    tree = git.clone(public.git_url, "public")
    git.commit(tree, {"a.txt": "a\n"})
    assert "403" in git.refused("origin", "main", cwd=tree)


def test_a_token_limited_to_an_organisation_reaches_its_repos(hub: Hub, machine: Machine) -> None:
    owner = hub.user()
    repo, other = hub.repo((owner, Role.OWNER)), hub.repo((owner, Role.OWNER))
    git = machine(hub.token(owner.name, limits=[repo.namespace]))
    push_something(git, repo.git_url)
    assert git.attempt("ls-remote", other.git_url).code != 0


def test_a_member_who_left_reads_no_more(hub: Hub, machine: Machine) -> None:
    user, keeper = hub.user(), hub.user()
    repo = hub.repo((user, Role.MAINTAINER), (keeper, Role.OWNER))
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    hub.services.organisations.remove_member(hub.local, repo.namespace, user.name)
    done = git.attempt("fetch", cwd=tree)
    assert done.code != 0
    assert "not found" in done.err
