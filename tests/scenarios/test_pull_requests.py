"""Pull requests through git and through the Hub's door: who opens them, who pushes to them, how they are merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelkeep.domain.access import Role, Scope, Visibility
from modelkeep.services.commits import AddFile
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User
from tests.support.lfs import LfsClient, wanted

Machine = Callable[..., Git]


@dataclass
class Scene:
    """A shared repo with an owner, a contributor, and two people who may only read."""

    hub: Hub
    repo: HubRepo
    owner: User
    writer: User
    author: User
    other: User

    def call(self, user: User | None, method: str, path: str, body: object = None, status: int = 200) -> Any:
        answer = self.hub.request(
            method, f"/api/models/{self.repo.full_name}{path}", user.token if user else None, json=body
        )
        assert answer.status_code == status, f"{answer.status_code} {answer.text}"
        return answer.json()

    def open(self, user: User, title: str = "A better model", status: str = "open") -> int:
        body = {"title": title, "description": "It is better.", "pullRequest": True}
        number = int(self.call(user, "POST", "/discussions", body)["num"])
        if status == "open":
            self.call(user, "POST", f"/discussions/{number}/status", {"status": "open"})
        return number

    def commit(self, user: User, number: int, files: dict[str, str]) -> str:
        operations = [AddFile(path, text.encode()) for path, text in files.items()]
        actor = self.hub.actor(user.token)
        _, made = self.hub.services.commits.commit(
            actor, self.repo.namespace, self.repo.name, operations, "Improve it", ref=f"refs/pr/{number}"
        )
        return made.id

    def push_main(self, files: dict[str, str]) -> str:
        operations = [AddFile(path, text.encode()) for path, text in files.items()]
        actor = self.hub.actor(self.owner.token)
        return self.hub.services.commits.commit(
            actor, self.repo.namespace, self.repo.name, operations, "Main goes on"
        )[1].id

    def main(self) -> str:
        refs = self.call(self.owner, "GET", "/refs")
        return str(next(one["targetCommit"] for one in refs["branches"] if one["name"] == "main"))


@pytest.fixture
def scene(hub: Hub) -> Scene:
    owner, writer, author, other = (
        hub.user("owner"),
        hub.user("writer"),
        hub.user("author"),
        hub.user("other"),
    )
    repo = hub.repo((owner, Role.OWNER), (writer, Role.CONTRIBUTOR), visibility=Visibility.SHARED)
    scene = Scene(hub, repo, owner, writer, author, other)
    scene.push_main({"model.txt": "one\n", "notes.txt": "a\n"})
    return scene


def test_a_reader_proposes_and_a_writer_merges_forward(scene: Scene) -> None:
    number = scene.open(scene.author)
    commit = scene.commit(scene.author, number, {"model.txt": "two\n"})
    details = scene.call(scene.author, "GET", f"/discussions/{number}?diff=1")
    assert details["status"] == "open"
    assert details["changes"]["base"] == "refs/heads/main"
    assert details["filesWithConflicts"] == []
    assert "+two" in details["diff"]
    assert [event["data"]["oid"] for event in details["events"] if event["type"] == "commit"] == [commit]
    scene.call(scene.author, "POST", f"/discussions/{number}/merge", status=403)
    scene.call(scene.writer, "POST", f"/discussions/{number}/merge", {"comment": "Thanks"})
    assert scene.main() == commit
    merged = scene.call(scene.author, "GET", f"/discussions/{number}")
    assert (merged["status"], merged["changes"]["mergeCommitId"]) == ("merged", commit)
    assert [event["type"] for event in merged["events"]][-2:] == ["comment", "status-change"]
    scene.call(scene.writer, "POST", f"/discussions/{number}/merge", status=409)


def test_both_sides_went_on_and_are_joined_by_a_merge_commit(scene: Scene) -> None:
    number = scene.open(scene.author)
    head = scene.commit(scene.author, number, {"model.txt": "two\n"})
    tip = scene.push_main({"notes.txt": "b\n"})
    scene.call(scene.owner, "POST", f"/discussions/{number}/merge", {})
    merged = scene.main()
    found = scene.call(scene.owner, "GET", f"/commits/{merged}")
    assert {head, tip} <= {one["id"] for one in found}
    assert found[0]["title"] == f"A better model (#{number})"
    path = f"/{scene.repo.full_name}/resolve/{merged}"
    texts = [
        scene.hub.request("GET", f"{path}/{n}", scene.owner.token).text for n in ("model.txt", "notes.txt")
    ]
    assert texts == ["two\n", "b\n"]


def test_a_conflict_names_the_files_and_changes_nothing(scene: Scene) -> None:
    number = scene.open(scene.author)
    scene.commit(scene.author, number, {"model.txt": "two\n"})
    tip = scene.push_main({"model.txt": "three\n"})
    details = scene.call(scene.owner, "GET", f"/discussions/{number}")
    assert details["filesWithConflicts"] == ["model.txt"]
    refused = scene.call(scene.owner, "POST", f"/discussions/{number}/merge", {}, status=409)
    assert "model.txt" in refused["error"]
    assert scene.main() == tip
    assert scene.call(scene.owner, "GET", f"/discussions/{number}")["status"] == "open"


def test_git_pushes_to_ones_own_pull_request_only(scene: Scene, machine: Machine) -> None:
    number = scene.open(scene.author)
    ref = f"refs/pr/{number}"
    git, other, writer = (machine(user.token) for user in (scene.author, scene.other, scene.writer))
    tree = git.clone(scene.repo.git_url, "tree")
    first = git.commit(tree, {"model.txt": "mine\n"})
    git("push", "origin", f"{first}:{ref}", cwd=tree)
    assert scene.call(scene.author, "GET", f"/revision/refs%2Fpr%2F{number}")["sha"] == first
    # Somebody else fetches it by its name, but has no pull request and may not push.
    theirs = other.clone(scene.repo.git_url, "tree")
    assert ref not in other("for-each-ref", cwd=theirs)
    other("fetch", "origin", ref, cwd=theirs)
    assert other("rev-parse", "FETCH_HEAD", cwd=theirs).strip() == first
    assert other.attempt("push", "origin", f"HEAD:{ref}", cwd=theirs).code != 0
    # With one of their own they get to the gate, which knows whose is whose.
    scene.open(scene.other)
    stranger = other.attempt("push", "--force", "origin", f"HEAD:{ref}", cwd=theirs)
    assert stranger.code != 0
    assert "pull request: only they" in stranger.err
    # A contributor may.
    helping = writer.clone(scene.repo.git_url, "tree")
    writer("fetch", "origin", ref, cwd=helping)
    writer("checkout", "-q", "FETCH_HEAD", cwd=helping)
    second = writer.commit(helping, {"notes.txt": "help\n"})
    writer("push", "origin", f"{second}:{ref}", cwd=helping)
    assert scene.call(scene.author, "GET", f"/revision/refs%2Fpr%2F{number}")["sha"] == second


@pytest.mark.parametrize("ref", ["refs/pr/99", "refs/pr/1/x", "refs/pr/01", "refs/pr/x", "refs/pr/1.lock"])
def test_refs_of_pull_requests_are_made_by_the_hub_alone(scene: Scene, machine: Machine, ref: str) -> None:
    git = machine(scene.owner.token)
    tree = git.clone(scene.repo.git_url, "tree")
    refused = git.attempt("push", "origin", f"HEAD:{ref}", cwd=tree)
    assert refused.code != 0
    assert ref not in git("ls-remote", scene.repo.git_url, cwd=tree)


def test_a_reader_with_a_pull_request_still_pushes_nothing_else(scene: Scene, machine: Machine) -> None:
    number = scene.open(scene.author)
    git = machine(scene.author.token)
    tree = git.clone(scene.repo.git_url, "tree")
    git.commit(tree, {"model.txt": "mine\n"})
    before = scene.main()
    for target in ("refs/heads/main", "refs/heads/new", "refs/tags/v1", "refs/tags/churn@v1.0.0"):
        assert git.attempt("push", "origin", f"HEAD:{target}", cwd=tree).code != 0, target
    assert git.attempt("push", "origin", f":refs/pr/{number}", cwd=tree).code != 0
    together = git.attempt("push", "origin", f"HEAD:refs/pr/{number}", "HEAD:refs/heads/main", cwd=tree)
    assert together.code != 0
    assert scene.main() == before
    # Once it is closed, nothing at all.
    scene.call(scene.author, "POST", f"/discussions/{number}/status", {"status": "closed"})
    assert git.attempt("push", "origin", f"HEAD:refs/pr/{number}", cwd=tree).code != 0


def test_large_files_come_with_a_pull_request_and_not_without(scene: Scene) -> None:
    content = b"large file of a proposal"
    client = LfsClient(scene.hub, scene.repo, scene.author.token)
    assert client.try_batch("upload", wanted(content)).status_code == 403
    scene.open(scene.author)
    assert "upload" in client.batch("upload", wanted(content))["objects"][0]["actions"]


def test_an_announced_pull_request_lets_objects_in(scene: Scene) -> None:
    actor = scene.hub.actor(scene.author.token)
    scene.hub.services.pull_requests.announce(actor, scene.repo.namespace, scene.repo.name)
    client = LfsClient(scene.hub, scene.repo, scene.author.token)
    assert "upload" in client.batch("upload", wanted(b"to be proposed"))["objects"][0]["actions"]
    reading = LfsClient(scene.hub, scene.repo, scene.hub.token(scene.author.name, Scope.READ))
    assert reading.try_batch("upload", wanted(b"to be proposed")).status_code == 403


def test_the_index_of_pull_requests_rebuilds_to_the_same(scene: Scene) -> None:
    number = scene.open(scene.author)
    scene.commit(scene.author, number, {"model.txt": "two\n"})

    def indexed() -> list[tuple[str, str]]:
        found = scene.call(scene.owner, "GET", "/refs?include_prs=1")
        return [(one["ref"], one["targetCommit"]) for kind in sorted(found) for one in found[kind]]

    before = indexed()
    assert f"refs/pr/{number}" in dict(before)
    assert scene.repo.id not in scene.hub.services.indexing.lagging()
    scene.hub.services.indexing.rebuild(scene.repo.id)
    assert indexed() == before
    listed = scene.hub.request("GET", f"/api/v1/repos/{scene.repo.full_name}/refs", scene.owner.token).json()[
        "items"
    ]
    assert not any(one["name"].startswith("refs/pr/") for one in listed)


def test_an_opening_whose_commit_fails_leaves_nothing(scene: Scene) -> None:
    actor = scene.hub.actor(scene.author.token)
    place = (scene.repo.namespace, scene.repo.name)
    with (
        pytest.raises(ValueError, match="stop"),
        scene.hub.services.pull_requests.opening(actor, *place, title="Never", base=None),
    ):
        raise ValueError("stop")
    assert scene.call(scene.author, "GET", "/discussions")["count"] == 0
    assert scene.call(scene.author, "GET", "/refs?include_prs=1")["pullRequests"] == []


def test_locked_files_are_not_merged_past_their_owner(scene: Scene) -> None:
    number = scene.open(scene.author)
    scene.commit(scene.author, number, {"model.txt": "two\n"})
    locked = LfsClient(scene.hub, scene.repo, scene.owner.token).post("/locks", {"path": "model.txt"})
    assert locked.status_code == 201
    refused = scene.call(scene.writer, "POST", f"/discussions/{number}/merge", {}, status=409)
    assert "locked" in refused["error"]
    scene.call(scene.owner, "POST", f"/discussions/{number}/merge", {})


def test_a_policy_is_not_changed_by_way_of_a_merge(scene: Scene) -> None:
    number = scene.open(scene.author)
    scene.commit(scene.author, number, {".modelkeep/policy.yaml": "version: 1\n"})
    scene.call(scene.writer, "POST", f"/discussions/{number}/merge", {}, status=403)
    scene.call(scene.owner, "POST", f"/discussions/{number}/merge", {})


def test_comments_belong_to_who_wrote_them(scene: Scene) -> None:
    body = {"title": "A question", "description": "Why?"}
    number = scene.call(scene.author, "POST", "/discussions", body)["num"]
    place = f"/discussions/{number}"
    said = scene.call(scene.other, "POST", f"{place}/comment", {"comment": "Because <b>"})["newMessage"]
    assert said["data"]["latest"] | {"updatedAt": ""} == {
        "raw": "Because <b>",
        "html": "<p>Because &lt;b&gt;</p>",
        "updatedAt": "",
        "author": {"name": scene.other.name, "fullname": scene.other.name, "type": "user"},
    }
    edit = f"{place}/comment/{said['id']}/edit"
    scene.call(scene.author, "POST", edit, {"content": "No"}, status=403)
    scene.call(scene.owner, "POST", edit, {"content": "No"}, status=403)
    edited = scene.call(scene.other, "POST", edit, {"content": "Since"})["updatedComment"]
    assert (edited["data"]["edited"], len(edited["data"]["history"])) == (True, 1)
    scene.call(scene.author, "POST", f"{place}/comment/{said['id']}/hide", status=403)
    hidden = scene.call(scene.owner, "POST", f"{place}/comment/{said['id']}/hide")["updatedComment"]
    assert hidden["data"]["hidden"]
    assert "Since" not in str(scene.call(scene.owner, "GET", place))
    scene.call(scene.other, "POST", edit, {"content": "Again"}, status=409)


def test_who_opened_it_or_may_write_closes_and_renames(scene: Scene) -> None:
    number = scene.call(scene.author, "POST", "/discussions", {"title": "A question"})["num"]
    place = f"/discussions/{number}"
    scene.call(scene.other, "POST", f"{place}/status", {"status": "closed"}, status=403)
    scene.call(scene.other, "POST", f"{place}/title", {"title": "Mine now"}, status=403)
    renamed = scene.call(scene.author, "POST", f"{place}/title", {"title": "An answer"})["newTitle"]
    assert renamed["data"] == {"from": "A question", "to": "An answer"}
    scene.call(scene.writer, "POST", f"{place}/status", {"status": "closed", "comment": "Done"})
    scene.call(scene.writer, "POST", f"{place}/status", {"status": "merged"}, status=400)
    assert scene.call(None, "GET", place, status=401)
    listed = scene.call(scene.other, "GET", "/discussions?status=closed&type=discussion&p=0")
    assert [one["title"] for one in listed["discussions"]] == ["An answer"]
    assert scene.call(scene.other, "GET", "/discussions?status=open")["count"] == 0


@pytest.mark.parametrize("title", ["", "ab", "x" * 201, "two\nlines", "nul\0nul", 7, None])
def test_titles_that_cannot_be_are_refused(scene: Scene, title: object) -> None:
    refused = scene.call(scene.author, "POST", "/discussions", {"title": title}, status=400)
    assert refused["error"]


@pytest.mark.parametrize("number", ["0", "99", "x", "-1", "1e3", "9" * 30])
def test_what_is_not_there_is_not_found(scene: Scene, number: str) -> None:
    scene.call(scene.author, "GET", f"/discussions/{number}", status=404)
    scene.call(scene.owner, "POST", f"/discussions/{number}/merge", {}, status=404)


def test_repos_of_others_stay_hidden(hub: Hub, scene: Scene, tmp_path: Path) -> None:
    private = hub.repo((scene.owner, Role.OWNER))
    body = {"title": "Let me in", "pullRequest": True}
    path = f"/api/models/{private.full_name}/discussions"
    assert hub.request("POST", path, scene.author.token, json=body).status_code == 404
    assert hub.request("POST", path, json=body).status_code == 401
    reading = hub.token(scene.author.name, Scope.READ)
    shared = f"/api/models/{scene.repo.full_name}/discussions"
    assert hub.request("POST", shared, reading, json=body).status_code == 403
