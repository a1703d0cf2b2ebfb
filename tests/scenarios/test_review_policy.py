"""Ways around a policy that were open once: each asks for what the policy refuses, by another door or in disguise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelkeep.domain.access import Role, Visibility
from modelkeep.domain.objects import ZERO_ID
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User

Machine = Callable[..., Git]


@dataclass
class Scene:
    """A repo with an owner, a maintainer and a contributor, and the contributor's clone."""

    hub: Hub
    repo: HubRepo
    owner: User
    maintainer: User
    contributor: User
    git: Git
    tree: Path

    def api(self, user: User, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        answer = self.hub.request(method, f"/api/v1/repos/{self.repo.full_name}{path}", user.token, json=body)
        return answer.status_code, answer.json() if answer.content else {}

    def must(self, user: User, method: str, path: str, body: object = None) -> dict[str, Any]:
        status, answer = self.api(user, method, path, body)
        assert status < 300, answer
        return answer

    def policy(self, text: str) -> None:
        """Gives the repo a policy."""
        self.push(self.owner, {".modelkeep/policy.yaml": text})

    def push(self, user: User, files: dict[str, bytes | str]) -> str:
        """A commit on main, pushed by somebody; gives its id."""
        self.git.log_in(user.token)
        commit = self.git.commit(self.tree, files)
        self.git("push", "-q", "origin", "main", cwd=self.tree)
        return commit

    def tag(self, name: str, commit: str = "HEAD", message: str = "by hand", at: str | None = None) -> str:
        env = {"GIT_COMMITTER_DATE": at} if at else {}
        self.git("tag", "-f", "-a", name, "-m", message, commit, cwd=self.tree, env=env)
        return name

    def push_tags(self, user: User, *args: str) -> None:
        self.git.log_in(user.token)
        self.git("push", "-q", "origin", *args, cwd=self.tree)

    def refused(self, user: User, *args: str) -> str:
        self.git.log_in(user.token)
        return self.git.refused("origin", *args, cwd=self.tree)

    def holder(self, stage: str) -> str | None:
        items = self.must(self.owner, "GET", "/artifacts/m/stages")["items"]
        return next((one["version"] for one in items if one["stage"] == stage), None)


@pytest.fixture
def scene(hub: Hub, machine: Machine) -> Scene:
    owner, maintainer, contributor = hub.user("owner"), hub.user("maintainer"), hub.user("contributor")
    repo = hub.repo((owner, Role.OWNER), (maintainer, Role.MAINTAINER), (contributor, Role.CONTRIBUTOR))
    git = machine(owner.token)
    return Scene(hub, repo, owner, maintainer, contributor, git, git.clone(repo.git_url, "tree"))


def versions(scene: Scene, *names: str) -> list[str]:
    """Registers these, each at a commit of its own; gives the commits."""
    commits = []
    for name in names:
        commits.append(scene.push(scene.owner, {"model.txt": name}))
        scene.push_tags(scene.owner, scene.tag(f"m@{name}"))
    return commits


# Two of a kind in one push


def test_a_version_cannot_come_twice_in_one_push(scene: Scene) -> None:
    first = scene.push(scene.owner, {"model.txt": "one"})
    second = scene.push(scene.owner, {"model.txt": "two"})
    scene.tag("m@v1.0.0", first)
    scene.tag("m@v1.0.0#2", second)
    assert "already" in scene.refused(scene.contributor, "m@v1.0.0", "m@v1.0.0#2")


def test_an_immutable_version_cannot_come_twice_in_one_push(scene: Scene) -> None:
    scene.policy("version: 1\nversions: {immutable: true}\n")
    scene.must(scene.owner, "PATCH", "", {"strict_tags": False})
    first = scene.push(scene.owner, {"model.txt": "one"})
    second = scene.push(scene.owner, {"model.txt": "two"})
    scene.tag("m@v1.0.0", first)
    scene.tag("m@v1.0.0#2", second)
    assert "keeps it as it is" in scene.refused(scene.contributor, "m@v1.0.0", "m@v1.0.0#2")


def test_versions_of_the_same_content_cannot_come_in_one_push(scene: Scene) -> None:
    scene.policy("version: 1\nversions: {unique_content: refuse}\n")
    first = scene.push(scene.owner, {"model.txt": "one", "artifacts.yaml": "m: {path: model.txt}\n"})
    second = scene.push(scene.owner, {"notes.txt": "nothing about the model"})
    scene.tag("m@v1.0.0", first)
    scene.tag("m@v1.0.1", second)
    assert "the same content as v1.0.0" in scene.refused(scene.contributor, "m@v1.0.0", "m@v1.0.1")


def test_what_git_will_refuse_counts_for_nothing(scene: Scene) -> None:
    """A tag that is there is said to be made anew, so that the gate takes it for replaced. Git keeps the old one."""
    versions(scene, "v1.0.0")
    elsewhere = scene.push(scene.owner, {"model.txt": "two"})
    scene.tag("m@v1.0.0#2", elsewhere)
    scene.tag("m@v1.0.0", elsewhere)
    ids = [scene.git("rev-parse", name, cwd=scene.tree) for name in ("m@v1.0.0", "m@v1.0.0#2")]
    pack = scene.git(
        "pack-objects", "-q", "--revs", scene.tree / "new", cwd=scene.tree, input="\n".join(ids).encode()
    )
    lines = [
        f"{ZERO_ID} {ids[0]} refs/tags/m@v1.0.0\0report-status",
        f"{ZERO_ID} {ids[1]} refs/tags/m@v1.0.0#2",
    ]
    body = "".join(f"{len(line) + 4:04x}{line}" for line in lines) + "0000"
    answer = scene.hub.request(
        "POST",
        f"{scene.repo.git_url}/git-receive-pack",
        scene.contributor.token,
        content=body.encode() + (scene.tree / f"new-{pack}.pack").read_bytes(),
        headers={"Content-Type": "application/x-git-receive-pack-request"},
    )
    assert b"ng refs/tags/m@v1.0.0#2" in answer.content, answer.content
    assert [one["tag"] for one in scene.must(scene.owner, "GET", "/history")["items"]] == ["m@v1.0.0"]


# Stages that change without an assignment

PROD_BY_OWNERS = "version: 1\nstages:\n  - {name: dev}\n  - {name: prod, assign: {role: owner}}\n"


def test_who_may_not_unassign_cannot_deregister_what_a_stage_shows(scene: Scene) -> None:
    scene.policy(PROD_BY_OWNERS)
    versions(scene, "v1.0.0", "v2.0.0")
    for name in ("v1.0.0", "v2.0.0"):
        scene.must(scene.owner, "PUT", "/artifacts/m/stages/prod", {"version": name})
    status, problem = scene.api(scene.maintainer, "DELETE", "/artifacts/m/versions/v2.0.0")
    assert (status, problem.get("code")) == (403, "policy_role"), problem
    assert "is assigned by owners" in scene.refused(
        scene.maintainer, scene.tag("m@v2.0.0!", "m@v2.0.0^{commit}")
    )
    assert scene.holder("prod") == "v2.0.0"
    scene.must(scene.owner, "DELETE", "/artifacts/m/versions/v2.0.0")
    assert scene.holder("prod") == "v1.0.0"


def test_a_version_that_was_taken_back_does_not_slip_in_below_the_holder(scene: Scene) -> None:
    scene.policy(PROD_BY_OWNERS)
    bad, _ = versions(scene, "v1.0.0", "v2.0.0")
    for name in ("v1.0.0", "v2.0.0"):
        scene.must(scene.owner, "PUT", "/artifacts/m/stages/prod", {"version": name})
    scene.must(scene.owner, "DELETE", "/artifacts/m/versions/v1.0.0")
    body = {"version": "v1.0.0", "revision": bad}
    status, problem = scene.api(scene.contributor, "POST", "/artifacts/m/versions", body)
    assert (status, problem.get("code")) == (403, "policy_role"), problem


# Evidence


def test_what_is_no_finite_number_is_no_evidence(scene: Scene) -> None:
    scene.policy(
        "version: 1\nstages:\n  - name: prod\n    evidence: [{metric: acc, at_least: 0.9, file: metrics.json}]\n"
    )
    for text in (
        '{"acc": Infinity}',
        '{"acc": 1e999}',
        '{"acc": NaN}',
        '{"acc": "0.95"}',
        '{"acc": true}',
        "[]",
        "{",
    ):
        scene.push(scene.contributor, {"metrics.json": text})
        body = {"revision": "main", "version": "v1.0.0", "dry_run": True}
        plan = scene.must(scene.owner, "PUT", "/artifacts/m/stages/prod", body)
        assert plan["allowed"] is False, (text, plan)


# Organisations


def test_an_enforced_policy_is_not_left_behind_by_a_journey(scene: Scene) -> None:
    hub, boss = scene.hub, scene.hub.user("boss")
    org = hub.org((boss, Role.OWNER), (scene.owner, Role.CONTRIBUTOR))
    repo = hub.repo((scene.owner, Role.OWNER), namespace=org)
    text = "version: 1\nenforced: true\nstages: [{name: prod, assign: {users: [" + boss.name + "]}}]\n"
    answer = hub.request("PUT", f"/api/v1/orgs/{org}/policy", boss.token, json={"text": text})
    assert answer.status_code == 200, answer.text
    place = f"/api/v1/repos/{repo.full_name}"
    answer = hub.request("PATCH", place, scene.owner.token, json={"namespace": scene.owner.name})
    assert (answer.status_code, answer.json()["code"]) == (403, "policy_enforced"), answer.text
    answer = hub.request("PATCH", place, scene.owner.token, json={"name": "renamed"})
    assert answer.status_code == 200, answer.text


def test_the_policy_of_an_organisation_is_shown_to_strangers_only_where_it_holds(hub: Hub) -> None:
    boss, stranger = hub.user("boss"), hub.user("stranger")
    org = hub.org((boss, Role.OWNER))
    text = "version: 1\nstages: [{name: prod, assign: {users: [somebody]}}]\n"
    answer = hub.request("PUT", f"/api/v1/orgs/{org}/policy", boss.token, json={"text": text})
    assert answer.status_code == 200, answer.text
    repo = hub.repo(namespace=org, visibility=Visibility.PUBLIC)
    policy = f"/api/v1/repos/{repo.full_name}/policy"
    for token in (boss.token, stranger.token, None):
        assert hub.request("GET", policy, token).json()["text"] == text
    body = {
        "message": "own",
        "branch": "main",
        "operations": [{"op": "add", "path": ".modelkeep/policy.yaml", "content": "version: 1\n"}],
    }
    hub.request("POST", f"/api/v1/repos/{repo.full_name}/commits", boss.token, json=body).raise_for_status()
    for token, shown in ((boss.token, text), (stranger.token, None), (None, None)):
        organisation = hub.request("GET", policy, token).json()["organisation"]
        assert (organisation and organisation["text"]) == shown


# Messages


def test_a_message_does_not_make_a_rollback(scene: Scene) -> None:
    """A promotion whose message claims to be one would make the hub forget who held the stage before."""
    versions(scene, "v1.0.0", "v2.0.0", "v3.0.0")
    scene.must(scene.owner, "PUT", "/artifacts/m/stages/prod", {"version": "v1.0.0"})
    scene.must(scene.owner, "PUT", "/artifacts/m/stages/prod", {"version": "v2.0.0"})
    body = {
        "artifact": "m",
        "stage": "prod",
        "version": "v3.0.0",
        "message": "go\n\nRolled-Back-From: v2.0.0",
    }
    number = scene.must(scene.contributor, "POST", "/promotions", body)["number"]
    scene.must(scene.maintainer, "POST", f"/promotions/{number}/approve")
    assert scene.holder("prod") == "v3.0.0"
    scene.must(scene.owner, "POST", "/artifacts/m/stages/prod/rollback")
    assert scene.holder("prod") == "v2.0.0"


SCISSORS = f"# {'-' * 24} >8 {'-' * 24}"


@pytest.mark.parametrize("end", ["", "\n---\nso it goes", f"\n{SCISSORS}\nso it goes", "\nand so on"])
@pytest.mark.parametrize("policy", ["version: 1\nstages: [{name: prod}]\n", None])
def test_the_hub_signs_no_approval_that_only_a_message_claims(
    scene: Scene, policy: str | None, end: str
) -> None:
    if policy:
        scene.policy(policy)
    versions(scene, "v1.0.0")
    message = f"go\n\nSigned-off-by: me <me@here>\nApproved-By: somebody\nRolled-Back-From: v0.0.1{end}"
    scene.must(scene.maintainer, "PUT", "/artifacts/m/stages/prod", {"version": "v1.0.0", "message": message})
    scene.git("fetch", "-q", "--tags", cwd=scene.tree)
    shown = "--format=%(contents:subject)%0a%0a%(contents:body)"
    text = scene.git("tag", "-l", shown, "m#prod#1", cwd=scene.tree)
    trailers = scene.git("interpret-trailers", "--parse", input=text.encode()).splitlines()
    names = [line.partition(": ")[0] for line in trailers]
    assert names == (["Version", "Policy-Digest"] if policy else ["Version"])
