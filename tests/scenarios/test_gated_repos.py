"""A gated repo: what it is may be seen, what it holds leaves by no door before somebody said yes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from modelkeep.domain.access import Role, Scope, Visibility
from modelkeep.domain.gating import Gating
from modelkeep.domain.lfs import Oid, Pointer
from modelkeep.services.commits import AddFile
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User
from tests.support.lfs import LfsClient, oid_of, wanted

Machine = Callable[..., Git]
TEXT = "the configuration of a gated model\n"


@dataclass
class Scene:
    """A public repo, gated, with a version of ``churn``; and a stranger who is signed in."""

    hub: Hub
    repo: HubRepo
    owner: User
    member: User
    stranger: User
    weights: bytes

    def api(self, user: User | str | None, method: str, path: str, body: object = None) -> tuple[int, Any]:
        token = user.token if isinstance(user, User) else user
        answer = self.hub.request(method, f"/api/models/{self.repo.full_name}{path}", token, json=body)
        return answer.status_code, answer.json() if answer.content else None

    def ask(self, user: User) -> str:
        status, body = self.api(user, "POST", "/ask-access", {"why": "research"})
        assert status == 200, body
        return str(body["status"])

    def handle(self, user: User, status: str) -> int:
        body = {"user": user.name, "status": status}
        return self.api(self.owner, "POST", "/user-access-request/handle", body)[0]


@pytest.fixture
def scene(hub: Hub) -> Scene:
    owner, member, stranger = hub.user("owner"), hub.user("member"), hub.user("stranger")
    repo = hub.repo((owner, Role.OWNER), (member, Role.READER), visibility=Visibility.PUBLIC)
    weights = f"the weights of {repo.full_name}".encode()
    url = LfsClient(hub, repo, owner.token).upload_url(weights)
    assert hub.http.put(url, content=weights).status_code == 200
    pointer = Pointer(Oid(oid_of(weights)), len(weights))
    operations = [AddFile("model.bin", lfs=pointer), AddFile("config.json", TEXT.encode())]
    services, actor = hub.services, hub.actor(owner.token)
    services.commits.commit(actor, repo.namespace, repo.name, operations, "Weights")
    services.versions.register(actor, repo.namespace, repo.name, "churn", version="v1.0.0")
    services.gating.configure(actor, repo.namespace, repo.name, Gating.MANUAL)
    return Scene(hub, repo, owner, member, stranger, weights)


def doors(scene: Scene, token: str | None) -> dict[str, int]:
    """The status of each way to the content, for somebody; none of the answers may hold any of it."""
    name, hub = scene.repo.full_name, scene.hub
    found = {}
    gets = {
        "resolve": f"/{name}/resolve/main/config.json",
        "resolve of LFS": f"/{name}/resolve/main/model.bin",
        "resolve of a version": f"/{name}/resolve/{quote('churn@v1.0.0')}/config.json",
        "raw": f"/{name}/raw/main/config.json",
        "api resolve": f"/api/models/{name}/resolve/main/config.json",
        "auth-check": f"/api/models/{name}/auth-check",
        "rest file": f"/api/v1/repos/{name}/files/main/config.json",
        "rest LFS file": f"/api/v1/repos/{name}/files/main/model.bin",
        "refs of git": f"/{name}.git/info/refs?service=git-upload-pack",
        "studio": f"/api/model-registry/get-download-uris?repo={scene.repo.git_url}&name=churn",
        "discussions": f"/api/models/{name}/discussions",
        "xet": f"/api/models/{name}/xet-read-token/main",
    }
    for door, path in gets.items():
        answer = hub.request("GET", path, token)
        found[door] = answer.status_code
        if answer.status_code >= 400:
            assert scene.weights not in answer.content
            assert TEXT.encode() not in answer.content
    found["fetch"] = hub.request(
        "POST",
        f"/{name}.git/git-upload-pack",
        token,
        content=b"0014command=ls-refs\n00010000",
        headers={"Content-Type": "application/x-git-upload-pack-request", "Git-Protocol": "version=2"},
    ).status_code
    found["lfs"] = LfsClient(hub, scene.repo, token).try_batch("download", wanted(scene.weights)).status_code
    return found


def test_nobody_and_strangers_get_nothing_by_any_door(scene: Scene) -> None:
    assert set(doors(scene, None).values()) == {401}
    assert set(doors(scene, scene.stranger.token).values()) == {403}


def test_members_and_who_was_let_in_get_everything(scene: Scene) -> None:
    assert set(doors(scene, scene.member.token).values()) == {200}
    assert scene.ask(scene.stranger) == "pending"
    assert set(doors(scene, scene.stranger.token).values()) == {403}
    assert scene.handle(scene.stranger, "accepted") == 200
    assert set(doors(scene, scene.stranger.token).values()) == {200}
    assert scene.handle(scene.stranger, "rejected") == 200
    assert set(doors(scene, scene.stranger.token).values()) == {403}


def test_what_it_is_stays_visible(scene: Scene) -> None:
    for token in (None, scene.stranger.token):
        status, info = scene.api(token, "GET", "")
        assert (status, info["gated"]) == (200, "manual")
        assert {one["rfilename"] for one in info["siblings"]} >= {"model.bin", "config.json"}
        assert scene.api(token, "GET", "/tree/main")[0] == 200
        assert scene.api(token, "GET", "/refs")[0] == 200
        rest = f"/api/v1/repos/{scene.repo.full_name}"
        assert scene.hub.request("GET", rest, token).status_code == 200
        assert scene.hub.request("GET", f"{rest}/artifacts/churn/versions", token).status_code == 200


def test_what_shows_a_files_content_is_kept_back_with_it(scene: Scene) -> None:
    hub, owner = scene.hub, scene.hub.actor(scene.owner.token)
    files = {
        "README.md": b"---\nlicense: mit\n---\nthe body of the card\n",
        "config.json": b'{"model_type": "bert", "architectures": ["Hidden"]}',
    }
    operations = [AddFile(path, content) for path, content in files.items()]
    hub.services.commits.commit(owner, scene.repo.namespace, scene.repo.name, operations, "Card")
    card = f"/api/v1/repos/{scene.repo.full_name}/card"
    for token in (None, scene.stranger.token):
        info = scene.api(token, "GET", "")[1]
        assert info["cardData"] == {"license": "mit"}
        assert "config" not in info
        shown = hub.request("GET", card, token).json()
        assert (shown["license"], shown["text"]) == ("mit", "")
    assert scene.api(scene.member, "GET", "")[1]["config"]["architectures"] == ["Hidden"]
    assert "the body" in hub.request("GET", card, scene.member.token).json()["text"]


def test_refusals_are_in_the_words_of_each_client(scene: Scene) -> None:
    path = f"/{scene.repo.full_name}/resolve/main/config.json"
    for token, status in ((None, 401), (scene.stranger.token, 403)):
        answer = scene.hub.request("HEAD", path, token)
        assert (answer.status_code, answer.headers["x-error-code"]) == (status, "GatedRepo")
    problem = scene.hub.request(
        "GET", f"/api/v1/repos/{scene.repo.full_name}/files/main/config.json", scene.stranger.token
    ).json()
    assert problem["code"] == "gated_repo"
    assert f"modelkeep repo access ask {scene.repo.full_name}" in problem["detail"]


def test_git_says_why(scene: Scene, machine: Machine) -> None:
    git = machine(scene.stranger.token)
    refused = git.attempt("clone", scene.repo.git_url, "tree")
    assert refused.code != 0
    assert "gated" in refused.err
    assert not git.home.joinpath("tree/config.json").exists()


def test_urls_end_with_the_access(scene: Scene) -> None:
    scene.ask(scene.stranger)
    scene.handle(scene.stranger, "accepted")
    lfs = LfsClient(scene.hub, scene.repo, scene.stranger.token)
    url = lfs.batch("download", wanted(scene.weights))["objects"][0]["actions"]["download"]["href"]
    path = f"/api/model-registry/get-download-uris?repo={scene.repo.git_url}&name=churn"
    urls = scene.hub.request("GET", path, scene.stranger.token).json()
    assert scene.hub.http.get(url).content == scene.weights
    assert scene.hub.http.get(urls["config.json"]).text == TEXT
    scene.handle(scene.stranger, "pending")
    for one in (url, *urls.values()):
        assert scene.hub.http.get(one).status_code == 403, one


def test_a_known_oid_does_not_open_the_gate(scene: Scene) -> None:
    """Somebody who knows the hash of a gated file must not get it into a repo of their own."""
    own = scene.hub.repo(namespace=scene.stranger.name)
    lfs = LfsClient(scene.hub, own, scene.stranger.token)
    assert "upload" in lfs.batch("upload", wanted(scene.weights))["objects"][0]["actions"]
    pointer = Pointer(Oid(oid_of(scene.weights)), len(scene.weights))
    actor = scene.hub.actor(scene.stranger.token)
    with pytest.raises(Exception, match="not been uploaded"):
        scene.hub.services.commits.commit(
            actor, own.namespace, own.name, [AddFile("model.bin", lfs=pointer)], "Take it"
        )
    scene.ask(scene.stranger)
    scene.handle(scene.stranger, "accepted")
    assert "actions" not in lfs.batch("upload", wanted(scene.weights))["objects"][0]


def test_a_pull_request_is_no_way_around(scene: Scene, machine: Machine) -> None:
    body = {"title": "Let me see", "pullRequest": True}
    assert scene.api(scene.stranger, "POST", "/discussions", body)[0] == 403
    scene.ask(scene.stranger)
    scene.handle(scene.stranger, "accepted")
    status, made = scene.api(scene.stranger, "POST", "/discussions", body)
    assert status == 200
    scene.handle(scene.stranger, "rejected")
    # The author of a pull request who was put out again neither reads nor pushes.
    assert scene.api(scene.stranger, "GET", f"/discussions/{made['num']}?diff=1")[0] == 403
    git = machine(scene.stranger.token)
    tree = git.home / "tree"
    git("init", "-q", "-b", "main", tree)
    git.commit(tree, {"x.txt": "x"})
    assert git.attempt("push", scene.repo.git_url, f"HEAD:refs/pr/{made['num']}", cwd=tree).code != 0
    lfs = LfsClient(scene.hub, scene.repo, scene.stranger.token)
    assert lfs.try_batch("upload", wanted(b"more")).status_code == 403


def test_a_token_for_other_repos_gets_no_content(scene: Scene) -> None:
    scene.ask(scene.stranger)
    scene.handle(scene.stranger, "accepted")
    elsewhere = scene.hub.token(scene.stranger.name, limits=[scene.stranger.name])
    assert set(doors(scene, elsewhere).values()) == {403}
    of_member = scene.hub.token(scene.member.name, limits=[scene.member.name])
    assert set(doors(scene, of_member).values()) == {403}
    own = scene.hub.repo(namespace=scene.stranger.name)
    lfs = LfsClient(scene.hub, own, elsewhere)
    assert "upload" in lfs.batch("upload", wanted(scene.weights))["objects"][0]["actions"]


def test_auto_lets_in_at_once_but_not_who_was_put_out(scene: Scene) -> None:
    actor = scene.hub.actor(scene.owner.token)
    place = (scene.repo.namespace, scene.repo.name)
    scene.hub.services.gating.configure(actor, *place, Gating.AUTO)
    assert scene.ask(scene.stranger) == "accepted"
    assert set(doors(scene, scene.stranger.token).values()) == {200}
    scene.handle(scene.stranger, "rejected")
    assert scene.api(scene.stranger, "POST", "/ask-access", {})[0] == 409
    assert set(doors(scene, scene.stranger.token).values()) == {403}
    scene.hub.services.gating.configure(actor, *place, None)
    assert set(doors(scene, None).values()) == {200}


def test_requests_are_for_maintainers(scene: Scene) -> None:
    for user in (scene.stranger, scene.member):
        assert scene.api(user, "GET", "/user-access-request/pending")[0] == 403
        body = {"user": scene.stranger.name, "status": "accepted"}
        assert scene.api(user, "POST", "/user-access-request/handle", body)[0] == 403
        assert scene.api(user, "POST", "/user-access-request/grant", {"user": scene.stranger.name})[0] == 403
    assert scene.api(None, "POST", "/ask-access", {})[0] == 401
    writing = scene.hub.token(scene.owner.name, Scope.WRITE)
    assert scene.api(writing, "GET", "/user-access-request/pending")[0] == 403


def test_requests_move_between_the_lists(scene: Scene) -> None:
    def listed(status: str) -> list[str]:
        found = scene.api(scene.owner, "GET", f"/user-access-request/{status}")[1]
        assert all(one["requestId"] and one["timestamp"].endswith("Z") for one in found)
        return [one["user"]["user"] for one in found]

    scene.ask(scene.stranger)
    assert scene.ask(scene.stranger) == "pending"
    assert (listed("pending"), listed("accepted")) == ([scene.stranger.name], [])
    first = scene.api(scene.owner, "GET", "/user-access-request/pending")[1][0]
    assert first["fields"] == {"why": "research"}
    by_id = {"requestId": first["requestId"], "status": "accepted"}
    assert scene.api(scene.owner, "POST", "/user-access-request/handle", by_id)[0] == 200
    assert (listed("pending"), listed("accepted")) == ([], [scene.stranger.name])
    assert scene.handle(scene.stranger, "accepted") == 404
    reject = {"user": scene.stranger.name, "status": "rejected", "rejectionReason": "not now"}
    assert scene.api(scene.owner, "POST", "/user-access-request/handle", reject)[0] == 200
    assert listed("rejected") == [scene.stranger.name]
    grant = {"user": scene.stranger.name}
    assert scene.api(scene.owner, "POST", "/user-access-request/grant", grant)[0] == 200
    assert listed("accepted") == [scene.stranger.name]
    assert scene.api(scene.owner, "POST", "/user-access-request/grant", grant)[0] == 400
    assert scene.api(scene.owner, "POST", "/user-access-request/grant", {"user": "nobody-here"})[0] == 404
    assert scene.api(scene.owner, "POST", "/user-access-request/grant", {"user": scene.member.name})[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "accepted"},
        {"user": "x", "requestId": "1", "status": "accepted"},
        {"user": 7, "status": "accepted"},
        {"requestId": "f" * 400, "status": "accepted"},
        {"requestId": "zz", "status": "accepted"},
        {"user": "x", "status": "maybe"},
        {"user": "x", "status": ["accepted"]},
        [],
    ],
)
def test_answers_that_cannot_be_are_refused(scene: Scene, body: object) -> None:
    status, answer = scene.api(scene.owner, "POST", "/user-access-request/handle", body)
    assert status in (400, 404)
    assert answer["error"]


def test_a_repo_that_is_not_gated_has_no_requests(hub: Hub, scene: Scene) -> None:
    open_repo = hub.repo((scene.owner, Role.OWNER), visibility=Visibility.PUBLIC)
    base = f"/api/models/{open_repo.full_name}"
    assert hub.request("POST", f"{base}/ask-access", scene.stranger.token, json={}).status_code == 400
    listed = hub.request("GET", f"{base}/user-access-request/pending", scene.owner.token)
    assert listed.status_code == 400
