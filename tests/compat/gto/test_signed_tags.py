"""The real gto reads signed tags as it reads others, whoever signed them: its messages have no signature in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from modelkeep.db import registry
from modelkeep.domain.access import Role
from tests.compat.gto.test_gto_client import Gto
from tests.support.git import Git
from tests.support.hub import Hub
from tests.support.ssh import SshKey

Machine = Callable[..., Git]


def test_messages_of_signed_tags_are_as_they_were_written(hub: Hub, machine: Machine, tmp_path: Path) -> None:
    owner = hub.user()
    repo = hub.repo((owner, Role.OWNER))
    git = machine(owner.token)
    SshKey(tmp_path / "ssh").configure(git)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"model.txt": "weights\n"})
    git("push", "-q", "origin", "main", cwd=tree)
    base = f"/api/v1/repos/{repo.full_name}/artifacts/m"
    made = [
        hub.request("POST", f"{base}/versions", owner.token, json={"message": "First\n\nwith a body"}),
        hub.request("PUT", f"{base}/stages/dev", owner.token, json={"version": "v0.0.1"}),
    ]
    assert [answer.status_code for answer in made] == [201, 201]
    git("fetch", "-q", "--tags", cwd=tree)
    git("tag", "-s", "-m", "Mine", "m#prod#2", "m@v0.0.1^{commit}", cwd=tree)
    git("push", "-q", "origin", "m#prod#2", cwd=tree)
    expected = {
        "m@v0.0.1": "First\n\nwith a body",
        "m#dev#1": "Assigning stage dev to artifact m version v0.0.1",
        "m#prod#2": "Mine",
    }
    for tag in expected:
        assert "-----BEGIN SSH SIGNATURE-----" in git("cat-file", "tag", tag, cwd=tree)

    gto = Gto(git, tree)
    shown = {event["ref"]: event["message"] for event in json.loads(gto("history", "--json"))}
    assert shown == expected
    assert gto.registry() == {"m": ("v0.0.1", {"dev": "v0.0.1", "prod": "v0.0.1"})}
    assert gto("doctor").strip()

    with hub.stores.database.read() as tx:
        indexed = {event.tag: event.message for event in registry.events_of(tx, repo.id, "m")}
    assert {tag: message.rstrip("\n") for tag, message in indexed.items()} == expected
