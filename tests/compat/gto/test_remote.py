"""gto writes to the hub, from a clone and by URL; then the hub answers what gto prints in a fresh clone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from modelkeep.domain.access import Role
from tests.compat.gto.readout import Answered, Printed
from tests.support.git import Git
from tests.support.hub import Hub

Machine = Callable[..., Git]
GTO = str(Path(sys.executable).with_name("gto"))


def run(git: Git, where: Path, *args: str) -> str:
    done = subprocess.run([GTO, *args], cwd=where, env=git.env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def same_everywhere(answered: Answered, printed: Printed, *names: str) -> None:
    """The hub's answers equal what gto prints; there must be something to print."""
    shown = printed("show", "--json")
    assert shown != "{}\n"
    assert answered("show") == shown
    assert answered("history") == printed("history", "--json")
    assert answered("stages") == printed("stages", "--json")
    for name in names:
        assert answered("show", name=name) == printed("show", name, "--json")


def test_from_a_clone_and_by_url(hub: Hub, machine: Machine) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.MAINTAINER))
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    url = repo.url_as(user.name, user.token)
    git.commit(tree, {"artifacts.yaml": "churn:\n  type: model\n  path: model.txt\n", "model.txt": "1"})
    git("push", "-q", "origin", "main", cwd=tree)

    run(git, tree, "register", "churn", "--version", "v1.0.0", "-m", "Erste Fassung ✓", "--push")
    run(git, tree, "assign", "churn", "--version", "v1.0.0", "--stage", "prod", "--push")
    git.commit(tree, {"model.txt": "2"})
    git("push", "-q", "origin", "main", cwd=tree)
    run(git, git.home, "register", "churn", "HEAD", "--bump-minor", "--repo", url)
    run(git, git.home, "assign", "churn", "--version", "v1.1.0", "--stage", "dev", "--repo", url)
    answered = Answered(hub, repo, user.token)
    same_everywhere(answered, Printed(git.clone(repo.git_url, "one")), "churn", "churn@latest", "churn#dev")

    run(git, git.home, "assign", "churn", "--version", "v1.1.0", "--stage", "prod", "--repo", url)
    run(git, git.home, "deprecate", "churn", "v1.1.0", "prod", "--repo", url)
    git("fetch", "-q", "--tags", cwd=tree)
    run(git, tree, "deprecate", "churn", "v1.0.0", "--push")
    run(git, git.home, "register", "models:digits", "--repo", url)
    run(git, git.home, "deprecate", "models:digits", "--repo", url)
    run(git, git.home, "assign", "bare", "--stage", "dev", "--skip-registration", "--repo", url)
    fresh = Printed(git.clone(repo.git_url, "two"))
    same_everywhere(answered, fresh, "churn", "models:digits", "bare", "churn#dev")
    assert answered("check-ref", ref="refs/tags/churn@v1.0.0!") == fresh(
        "check-ref", "refs/tags/churn@v1.0.0!", "--json"
    )

    run(git, git.home, "deprecate", "churn", "v1.1.0", "--delete", "--repo", url)
    same_everywhere(answered, Printed(git.clone(repo.git_url, "three")), "churn", "churn@v1.0.0")


def test_what_the_hub_writes(hub: Hub, machine: Machine) -> None:
    """Its tags are signed, which gto does not show."""
    user = hub.user()
    repo = hub.repo((user, Role.MAINTAINER))
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"artifacts.yaml": "m: {}\nother: {labels: [x]}\n"})
    git("push", "-q", "origin", "main", cwd=tree)
    base = f"/api/v1/repos/{repo.full_name}/artifacts/m"
    with hub.client(user.token) as client:
        for answer in (
            client.post(f"{base}/versions", json={"version": "v1.0.0", "message": "Grüße\n\nzwei Zeilen"}),
            client.put(f"{base}/stages/prod", json={"version": "v1.0.0", "message": "los"}),
            client.request("DELETE", f"{base}/stages/prod"),
        ):
            assert answer.status_code == 201, answer.text
    fresh = git.clone(repo.git_url, "fresh")
    assert "SSH SIGNATURE" in git("cat-file", "tag", "m@v1.0.0", cwd=fresh)
    answered = Answered(hub, repo, user.token)
    same_everywhere(answered, Printed(fresh), "m", "other")
    assert "SIGNATURE" not in answered("show", name="m")


def test_an_empty_repo_and_what_is_not_there(hub: Hub, machine: Machine) -> None:
    user = hub.user()
    git = machine(user.token)
    for empty in (True, False):
        repo = hub.repo((user, Role.MAINTAINER), empty=empty)
        answered, printed = Answered(hub, repo, user.token), Printed(git.clone(repo.git_url, f"empty{empty}"))
        for command in ("show", "history", "stages"):
            assert answered(command) == printed(command, "--json")
        assert answered("stages", allowed=True) == printed("stages", "--json", "--allowed")
        assert answered("check-ref", ref="m@v1.0.0") == printed("check-ref", "m@v1.0.0", "--json") == ""
        assert answered("check-ref", ref="main") == printed("check-ref", "main", "--json") == ""
        assert answered("history", name="m") == printed("history", "m", "--json")
        missing = answered.get("gto/show", name="m@latest")
        assert (missing.status_code, missing.json()["code"]) == (404, "no_artifact")
