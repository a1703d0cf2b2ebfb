"""The real gto in a clone, against the hub: what it writes the index shows, and what the hub writes it reads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelkeep.domain.access import Role
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo

Machine = Callable[..., Git]
GTO = str(Path(sys.executable).with_name("gto"))


class Gto:
    """gto in one clone."""

    def __init__(self, git: Git, tree: Path) -> None:
        self.git = git
        self.tree = tree

    def attempt(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [GTO, *args], cwd=self.tree, env=self.git.env, capture_output=True, text=True, timeout=60
        )

    def __call__(self, *args: str) -> str:
        done = self.attempt(*args)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def registry(self) -> dict[str, tuple[str | None, dict[str, str]]]:
        """For each artifact the latest version and who holds which stage, as gto sees it."""
        shown: dict[str, Any] = json.loads(self("show", "--json"))
        return {
            name: (entry["version"], {stage: held for stage, held in entry["stage"].items() if held})
            for name, entry in shown.items()
        }

    def versions(self, artifact: str) -> list[tuple[str, str, list[str]]]:
        """Version, commit and active stages, as gto sees them."""
        return [
            (
                entry["version"],
                entry["commit_hexsha"],
                sorted(stage["stage"] for stage in entry["stages"] if stage["is_active"]),
            )
            for entry in json.loads(self("show", artifact, "--json"))
        ]


class Index:
    """The hub's own view, over REST."""

    def __init__(self, hub: Hub, repo: HubRepo, token: str) -> None:
        self._hub = hub
        self._token = token
        self._base = f"/api/v1/repos/{repo.full_name}/artifacts"

    def _items(self, path: str) -> list[dict[str, Any]]:
        answer = self._hub.request("GET", f"{self._base}{path}", self._token)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def registry(self) -> dict[str, tuple[str | None, dict[str, str]]]:
        return {entry["artifact"]: (entry["latest"], entry["stages"]) for entry in self._items("")}

    def versions(self, artifact: str) -> list[tuple[str, str, list[str]]]:
        items = self._items(f"/{artifact}/versions")
        return [
            (item["version"], item["commit"], sorted(item["stages"])) for item in items if item["is_active"]
        ]


def test_what_gto_writes_the_index_shows(hub: Hub, machine: Machine) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.MAINTAINER))
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    gto, index = Gto(git, tree), Index(hub, repo, user.token)
    first = git.commit(tree, {"model.bin": b"1" * 1000})
    git("push", "-q", "origin", "main", cwd=tree)

    gto("register", "churn", "--version", "v1.0.0", "--push")
    gto("assign", "churn", "--version", "v1.0.0", "--stage", "prod", "--push")
    assert index.registry() == {"churn": ("v1.0.0", {"prod": "v1.0.0"})}
    assert index.versions("churn") == [("v1.0.0", first, ["prod"])]

    # gto pushes a tag of a commit that no branch has: it comes along.
    second = git.commit(tree, {"model.bin": b"2" * 1000})
    git("lfs", "push", "origin", "main", cwd=tree)
    gto("assign", "churn", "--stage", "staging", "--push")
    git("push", "-q", "--tags", cwd=tree)  # gto does not push the version that it registers on the way
    gto("register", "other", "--push")
    assert index.registry() == {
        "churn": ("v1.0.1", {"prod": "v1.0.0", "staging": "v1.0.1"}),
        "other": ("v0.0.1", {}),
    }
    assert index.versions("churn") == [("v1.0.1", second, ["staging"]), ("v1.0.0", first, ["prod"])]
    gto("deprecate", "churn", "v1.0.1", "staging", "--push")
    gto("deprecate", "churn", "v1.0.0", "--push")

    fresh = Gto(git, git.clone(repo.git_url, "fresh"))
    assert index.registry() == fresh.registry() == {"churn": ("v1.0.1", {}), "other": ("v0.0.1", {})}
    assert index.versions("churn") == fresh.versions("churn")
    before = hub.snapshot(repo.id)
    hub.services.indexing.rebuild(repo.id)
    assert hub.snapshot(repo.id) == before


def test_what_the_hub_writes_gto_reads(hub: Hub, machine: Machine) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.MAINTAINER))
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"model.bin": b"1" * 1000})
    git("push", "-q", "origin", "main", cwd=tree)
    base = f"/api/v1/repos/{repo.full_name}/artifacts/churn"
    with hub.client(user.token) as client:
        assert client.post(f"{base}/versions", json={"version": "v1.0.0"}).status_code == 201
        assert client.put(f"{base}/stages/prod", json={"version": "v1.0.0"}).status_code == 201
        git.commit(tree, {"model.bin": b"2" * 1000})
        git("push", "-q", "origin", "main", cwd=tree)
        assert client.put(f"{base}/stages/prod", json={"revision": "main"}).status_code == 201
        assert client.post(f"{base}/stages/prod/rollback", json={}).status_code == 201

    fresh = Gto(git, git.clone(repo.git_url, "fresh"))
    index = Index(hub, repo, user.token)
    assert fresh.registry() == index.registry() == {"churn": ("v1.0.1", {"prod": "v1.0.0"})}
    assert fresh.versions("churn") == index.versions("churn")
    # gto counts on from the hub's counter.
    assert "churn#staging#4" in fresh(
        "assign", "churn", "--version", "v1.0.1", "--stage", "staging", "--push"
    )
    assert index.registry() == {"churn": ("v1.0.1", {"prod": "v1.0.0", "staging": "v1.0.1"})}


def test_of_two_clones_that_count_alike_the_second_is_refused(hub: Hub, machine: Machine) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.MAINTAINER))
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"a.txt": "a\n"})
    git("tag", "-a", "-m", "x", "m@v1.0.0", cwd=tree)
    git("push", "-q", "origin", "main", "m@v1.0.0", cwd=tree)
    one, other = Gto(git, git.clone(repo.git_url, "one")), Gto(git, git.clone(repo.git_url, "other"))
    one("assign", "m", "--version", "v1.0.0", "--stage", "prod", "--push")
    before = hub.fingerprint(repo)
    assert other.attempt("assign", "m", "--version", "v1.0.0", "--stage", "prod", "--push").returncode == 1
    assert hub.fingerprint(repo) == before
