"""A policy with order, role, branch and two approvals: every door refuses the same promotion, with the same reasons."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelkeep.domain.access import Role
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User
from tests.support.ssh import SshKey

Machine = Callable[..., Git]
GTO = str(Path(sys.executable).with_name("gto"))
POLICY = """\
version: 1
ordered: true
stages:
  - name: dev
    assign: {role: contributor}
  - name: staging
  - name: prod
    assign: {role: owner}
    branches: [main, "release/*"]
    approvals: 2
    approvers: {role: maintainer}
versions:
  immutable: true
"""


@dataclass
class Scene:
    """A repo under the policy: v0.0.1 on main has been in staging, v0.0.2 on a side branch has been nowhere."""

    hub: Hub
    repo: HubRepo
    owner: User
    maintainer: User
    contributor: User
    git: Git
    tree: Path

    def api(self, user: User, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
        answer = self.hub.request(method, f"/api/v1/repos/{self.repo.full_name}{path}", user.token, json=body)
        return answer.status_code, answer.json()

    def log_in(self, user: User) -> None:
        self.git.log_in(user.token)

    def tags(self) -> list[str]:
        return self.git("ls-remote", "--tags", self.repo.git_url, cwd=self.tree).splitlines()


@pytest.fixture
def scene(hub: Hub, machine: Machine) -> Scene:
    owner, maintainer, contributor = hub.user("owner"), hub.user("maintainer"), hub.user("contributor")
    repo = hub.repo((owner, Role.OWNER), (maintainer, Role.MAINTAINER), (contributor, Role.CONTRIBUTOR))
    git = machine(owner.token)
    tree = git.clone(repo.git_url, "tree")
    first = git.commit(tree, {".modelkeep/policy.yaml": POLICY, "model.txt": "one"})
    git("tag", "-a", "churn@v0.0.1", "-m", "first", first, cwd=tree)
    git("checkout", "-q", "-b", "side", cwd=tree)
    second = git.commit(tree, {"model.txt": "two"})
    git("tag", "-a", "churn@v0.0.2", "-m", "second", second, cwd=tree)
    git("push", "-q", "origin", "main", "side", "--tags", cwd=tree)
    made = Scene(hub, repo, owner, maintainer, contributor, git, tree)
    for stage in ("dev", "staging"):
        status, _ = made.api(owner, "PUT", f"/artifacts/churn/stages/{stage}", {"version": "v0.0.1"})
        assert status == 201
    git("fetch", "-q", "--tags", "--force", cwd=tree)
    return made


def by_rest(scene: Scene, user: User, version: str, stage: str) -> list[str]:
    status, problem = scene.api(user, "PUT", f"/artifacts/churn/stages/{stage}", {"version": version})
    assert status == 403, problem
    return str(problem["detail"]).splitlines()


def by_dry_run(scene: Scene, user: User, version: str, stage: str) -> list[str]:
    body = {"version": version, "dry_run": True}
    status, plan = scene.api(user, "PUT", f"/artifacts/churn/stages/{stage}", body)
    assert (status, plan["allowed"]) == (200, False)
    checks = plan["checks"]
    assert isinstance(checks, list)
    return [f"{check['message']} {check['remedy']}" for check in checks if not check["passed"]]


def by_pushed_tag(scene: Scene, user: User, version: str, stage: str) -> list[str]:
    scene.log_in(user)
    tag = f"churn#{stage}#9"
    scene.git("tag", "-a", tag, "-m", "by hand", f"churn@{version}^{{commit}}", cwd=scene.tree)
    text = scene.git.refused("origin", tag, cwd=scene.tree)
    scene.git("tag", "-d", tag, cwd=scene.tree)
    return [line.rstrip() for line in re.findall(r"^remote: - (.*)$", text, re.MULTILINE)]


def by_gto(scene: Scene, user: User, version: str, stage: str) -> list[str]:
    """gto shows nothing of what a server says, but git does, of the tag that gto made."""
    before = set(scene.git("tag", cwd=scene.tree).splitlines())
    scene.log_in(user)
    done = subprocess.run(
        [GTO, "assign", "churn", "--version", version, "--stage", stage, "--push"],
        cwd=scene.tree,
        env=scene.git.env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0, done.stdout
    (tag,) = set(scene.git("tag", cwd=scene.tree).splitlines()) - before
    text = scene.git.refused("origin", tag, cwd=scene.tree)
    scene.git("tag", "-d", tag, cwd=scene.tree)
    return _reasons(text, "remote: - ")


def by_command_line(scene: Scene, user: User, version: str, stage: str) -> list[str]:
    command = [sys.executable, "-m", "modelkeep", "promote", scene.repo.full_name, "churn"]
    done = subprocess.run(
        [*command, "--stage", stage, "--version", version, "--url", scene.hub.url],
        env={**os.environ, "HOME": str(scene.git.home), "MODELKEEP_TOKEN": user.token},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0, done.stdout
    return done.stderr.removeprefix("error: ").splitlines()


def by_approval(scene: Scene, user: User, version: str, stage: str) -> list[str]:
    """What is shown with a request, but for who would assign it."""
    body = {"artifact": "churn", "stage": stage, "version": version}
    status, request = scene.api(user, "POST", "/promotions", body)
    assert status == 201, request
    scene.api(user, "POST", f"/promotions/{request['number']}/withdraw")
    blocking = request["blocking"]
    assert isinstance(blocking, list)
    return [f"{check['message']} {check['remedy']}" for check in blocking]


def _reasons(text: str, mark: str) -> list[str]:
    return [line.rstrip() for line in re.findall(f"^{mark}(.*)$", text, re.MULTILINE)]


DOORS = (by_rest, by_dry_run, by_pushed_tag, by_gto, by_command_line)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_with_the_same_reasons(scene: Scene, door: Callable[..., list[str]]) -> None:
    before = scene.tags()
    name, commit = scene.maintainer.name, scene.git("rev-parse", "side", cwd=scene.tree)[:12]
    assert door(scene, scene.maintainer, "v0.0.2", "prod") == [
        f"Stage 'prod' of 'churn' is assigned by owners; {name} has the role maintainer. Ask one of them to do it.",
        "v0.0.2 of 'churn' has not been in 'staging', which comes before 'prod'. Promote it to 'staging' first.",
        f"Commit {commit} is not on 'main' or 'release/*', as stage 'prod' wants it. Merge it there, or promote a "
        "version of such a branch.",
        "Stage 'prod' needs 2 approvals by maintainers, not by the proposer; v0.0.2 of 'churn' has 0. Propose the "
        "promotion, and have it approved.",
    ]
    assert door(scene, scene.contributor, "v0.0.2", "qa") == [
        "'qa' is no stage that .modelkeep/policy.yaml on main allows for 'churn': it names dev, staging and prod. "
        "Choose one of them, or have the stage added."
    ]
    assert scene.tags() == before


def test_a_request_shows_the_same_reasons(scene: Scene) -> None:
    shown = by_approval(scene, scene.contributor, "v0.0.2", "prod")
    assert shown == by_rest(scene, scene.owner, "v0.0.2", "prod")


def _approve(scene: Scene) -> str:
    """Has v0.0.1 approved for prod by two who may not assign it; gives the request's path."""
    body = {"artifact": "churn", "stage": "prod", "version": "v0.0.1"}
    _, request = scene.api(scene.contributor, "POST", "/promotions", body)
    path = f"/promotions/{request['number']}"
    namespace = scene.repo.full_name.partition("/")[0]
    other = scene.hub.user("other")
    scene.hub.services.organisations.set_member(scene.hub.local, namespace, other.name, Role.MAINTAINER)
    for user in (scene.maintainer, other):
        status, request = scene.api(user, "POST", f"{path}/approve")
        assert status == 200
    assert request["state"] == "approved"
    return path


def test_an_approved_promotion_can_be_made_by_git(scene: Scene) -> None:
    path = _approve(scene)
    scene.log_in(scene.owner)
    for tag in ("churn#prod#7", "churn#prod#8"):
        scene.git("tag", "-a", tag, "-m", "by hand", "churn@v0.0.1^{commit}", cwd=scene.tree)
    # One request is good for one assignment, also within one push.
    text = scene.git.refused("origin", "churn#prod#7", "churn#prod#8", cwd=scene.tree)
    assert "has 0. Propose" in text
    scene.git("push", "-q", "origin", "churn#prod#7", cwd=scene.tree)
    _, request = scene.api(scene.contributor, "GET", path)
    assert (request["state"], request["tag"]) == ("completed", "churn#prod#7")
    assert "needs 2 approvals" in scene.git.refused("origin", "churn#prod#8", cwd=scene.tree)


def test_an_approved_promotion_can_be_made_by_the_command_line(scene: Scene) -> None:
    path = _approve(scene)
    assert scene.api(scene.owner, "PUT", "/artifacts/churn/stages/prod", {"version": "v0.0.1"})[0] == 201
    assert scene.api(scene.contributor, "GET", path)[1]["state"] == "completed"
    scene.git("fetch", "-q", "--tags", cwd=scene.tree)
    text = scene.git(
        "tag", "-l", "--format=%(contents:subject)%0a%0a%(contents:body)", "churn#prod#3", cwd=scene.tree
    )
    trailers = scene.git("interpret-trailers", "--parse", input=text.encode()).splitlines()
    names = [name for name, _, _ in (line.partition(": ") for line in trailers)]
    assert names == ["Version", "Proposed-By", "Approved-By", "Approved-By", "Policy-Digest"]
    digest = trailers[-1].partition(": ")[2]
    scene.git("checkout", "-q", "main", cwd=scene.tree)
    shown = subprocess.run(
        ["sha256sum", scene.tree / ".modelkeep" / "policy.yaml"], capture_output=True, text=True, check=True
    )
    assert digest == f"sha256:{shown.stdout.split()[0]}"


def test_the_branch_and_the_tag_may_come_in_one_push(scene: Scene) -> None:
    scene.log_in(scene.owner)
    git, tree = scene.git, scene.tree
    git("checkout", "-q", "main", cwd=tree)
    policy = POLICY.replace("    approvals: 2\n", "").replace("ordered: true\n", "")
    git.commit(tree, {".modelkeep/policy.yaml": policy})
    git("push", "-q", "origin", "main", cwd=tree)
    commit = git.commit(tree, {"model.txt": "three"})
    git("tag", "-a", "churn@v0.0.3", "-m", "third", commit, cwd=tree)
    git("tag", "-a", "churn#prod#9", "-m", "prod", commit, cwd=tree)
    assert f"{commit[:12]} is not on 'main'" in git.refused(
        "origin", "churn#prod#9", "churn@v0.0.3", cwd=tree
    )
    git("push", "-q", "origin", "main", "churn#prod#9", "churn@v0.0.3", cwd=tree)


def test_a_pushed_policy_holds_from_the_next_push_on(scene: Scene) -> None:
    git, tree = scene.git, scene.tree
    scene.log_in(scene.maintainer)
    git("checkout", "-q", "main", cwd=tree)
    git.commit(tree, {".modelkeep/policy.yaml": "version: 1\n"})
    git("tag", "-a", "churn#prod#9", "-m", "prod", "churn@v0.0.1^{commit}", cwd=tree)
    assert "is assigned by owners" in git.refused("origin", "main", "churn#prod#9", cwd=tree)
    git("push", "-q", "origin", "main", cwd=tree)
    git("push", "-q", "origin", "churn#prod#9", cwd=tree)


def test_a_contributor_can_neither_change_the_policy_nor_break_it(scene: Scene) -> None:
    git, tree = scene.git, scene.tree
    git("checkout", "-q", "main", cwd=tree)
    git.commit(tree, {".modelkeep/policy.yaml": "version: 1\nstages: [{name: prod, approvals: -1}]\n"})
    scene.log_in(scene.contributor)
    assert "Changing .modelkeep/policy.yaml on main needs the role maintainer" in git.refused(
        "origin", "main", cwd=tree
    )
    scene.log_in(scene.owner)
    text = git.refused("origin", "main", cwd=tree)
    assert "line 2, column 34: 'approvals' must be at least 0" in text
    git("push", "-q", "origin", "main:refs/heads/try", cwd=tree)
    (tree / ".modelkeep" / "policy.yaml").unlink()
    (tree / ".modelkeep" / "policy.yaml").symlink_to("../model.txt")
    git.commit(tree, {})
    assert "no ordinary file" in git.refused("origin", "main", cwd=tree)


def test_a_warning_reaches_who_pushes(scene: Scene) -> None:
    git, tree = scene.git, scene.tree
    scene.log_in(scene.contributor)
    git("checkout", "-q", "main", cwd=tree)
    commit = git.commit(tree, {})
    git("tag", "-a", "churn@v0.0.9", "-m", "again", commit, cwd=tree)
    done = git.attempt("push", "origin", "main", "churn@v0.0.9", cwd=tree)
    assert done.code == 0
    assert "remote: Note: Version v0.0.9 of 'churn' has the same content as v0.0.1." in done.err


def test_a_version_stays_where_it_is(scene: Scene) -> None:
    scene.log_in(scene.owner)
    git, tree = scene.git, scene.tree
    assert "cannot be deleted" in git.refused("origin", ":churn@v0.0.1", cwd=tree)
    git("tag", "-f", "-a", "churn@v0.0.1", "-m", "moved", "side", cwd=tree)
    assert "cannot be moved" in git.refused("-f", "origin", "churn@v0.0.1", cwd=tree)


SIGNED = "version: 1\nstages: [{name: prod, signed: true}]\n"


def test_a_stage_may_want_signed_tags(scene: Scene, tmp_path: Path) -> None:
    git, tree = scene.git, scene.tree
    scene.log_in(scene.owner)
    git("checkout", "-q", "main", cwd=tree)
    git.commit(tree, {".modelkeep/policy.yaml": SIGNED})
    git("push", "-q", "origin", "main", cwd=tree)
    git("tag", "-a", "churn#prod#3", "-m", "bare", "churn@v0.0.1^{commit}", cwd=tree)
    assert "needs a signed tag; the tag has none." in git.refused("origin", "churn#prod#3", cwd=tree)
    keys = {user.name: SshKey(tmp_path / user.name) for user in (scene.maintainer, scene.contributor)}
    for user in (scene.maintainer, scene.contributor):
        key = keys[user.name]
        key.configure(git)
        git("tag", "-s", "-f", "churn#prod#3", "-m", "signed", "churn@v0.0.1^{commit}", cwd=tree)
        assert "a key that the hub does not know" in git.refused("origin", "churn#prod#3", cwd=tree)
        body = {"name": "laptop", "key": key.public}
        assert scene.hub.request("POST", "/api/v1/user/keys", user.token, json=body).status_code == 201
    # The last one is the contributor's, who may not assign; the pusher may, but has not signed.
    text = git.refused("origin", "churn#prod#3", cwd=tree)
    assert f"is signed by {scene.contributor.name}, who may not assign it" in text
    keys[scene.maintainer.name].configure(git)
    git("tag", "-s", "-f", "churn#prod#3", "-m", "signed", "churn@v0.0.1^{commit}", cwd=tree)
    git("push", "-q", "origin", "churn#prod#3", cwd=tree)
    # What the hub makes itself is signed by the hub; who brings such a tag back has not made it.
    status, made = scene.api(scene.owner, "PUT", "/artifacts/churn/stages/prod", {"version": "v0.0.2"})
    assert status == 201, made
    git("fetch", "-q", "--tags", cwd=tree)
    other = scene.hub.repo((scene.owner, Role.OWNER), empty=True)
    git("push", "-q", other.git_url, "main", "side", cwd=tree)
    text = git.refused(other.git_url, str(made["tag"]), cwd=tree)
    assert "is signed by the hub, which did not make it here" in text


def test_of_two_who_use_an_approval_at_once_one_gets_it(scene: Scene) -> None:
    path = _approve(scene)
    answers: list[int] = []

    def promote() -> None:
        status, _ = scene.api(scene.owner, "PUT", "/artifacts/churn/stages/prod", {"version": "v0.0.1"})
        answers.append(status)

    threads = [threading.Thread(target=promote) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers)[0] == 201
    assert all(status in (403, 409) for status in sorted(answers)[1:])
    assert scene.api(scene.contributor, "GET", path)[1]["state"] == "completed"
