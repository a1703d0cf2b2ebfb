"""A commit keeps its version also once that was deregistered: another one there would stop every gto command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from modelkeep.domain.access import Role
from tests.support.git import Git
from tests.support.hub import Hub

Machine = Callable[..., Git]
GTO = str(Path(sys.executable).with_name("gto"))


def test_neither_a_push_nor_the_api_gives_a_commit_a_second_version(hub: Hub, machine: Machine) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.MAINTAINER))
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"file.txt": "first\n"})
    for tag in ("m@v1.0.0", "m@v1.0.0!"):
        git("tag", "-a", "-m", "x", tag, cwd=tree)
    git("push", "-q", "origin", "main", "m@v1.0.0", "m@v1.0.0!", cwd=tree)

    git("tag", "-a", "-m", "x", "m@v2.0.0", cwd=tree)
    assert "is already version v1.0.0 of 'm'" in git.refused("origin", "m@v2.0.0", cwd=tree)

    artifact = f"/api/v1/repos/{repo.full_name}/artifacts/m"
    with hub.client(user.token) as client:
        for change in (
            client.post(f"{artifact}/versions", json={"version": "v2.0.0"}),
            client.post(f"{artifact}/versions", json={}),
            client.put(f"{artifact}/stages/prod", json={"revision": "main"}),
        ):
            assert (change.status_code, change.json()["code"]) == (409, "version_exists_for_commit")
        again = client.post(f"{artifact}/versions", json={"version": "v1.0.0"})
        assert (again.status_code, again.json()["is_active"]) == (201, True)
        assert client.put(f"{artifact}/stages/prod", json={"version": "v1.0.0"}).status_code == 201

    git("tag", "-d", "m@v2.0.0", cwd=tree)
    git("fetch", "-q", "--tags", cwd=tree)
    shown = subprocess.run(
        [GTO, "show", "--json"], cwd=tree, env=git.env, capture_output=True, text=True, timeout=60
    )
    assert shown.returncode == 0, shown.stderr
    assert '"prod": "v1.0.0"' in shown.stdout
