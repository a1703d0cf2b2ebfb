"""``dvc.yaml`` as the real DVC reads it, and as the hub reads and writes it."""

from __future__ import annotations

import json
from collections.abc import Callable

from modelkeep.domain.access import Role
from tests.compat.dvc.conftest import Dvc
from tests.support.git import Git
from tests.support.hub import Hub

PIPELINE = """\
# How it is made.
stages:
  train:
    cmd: echo 1 > m.bin   # not yet
artifacts:
  churn:
    path: m.bin
    type: model
    desc: Who leaves
    labels: [tabular]  # why
    meta: {owner: ana}
"""
READ = """
import json, sys
from dvc.repo import Repo
print(json.dumps({
    file: {name: artifact.to_dict() for name, artifact in found.items()}
    for file, found in Repo(sys.argv[1]).artifacts.read().items()
}))
"""


def test_the_hub_and_dvc_read_alike_what_either_wrote(
    hub: Hub, machine: Callable[..., Git], dvc: Dvc
) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.MAINTAINER))
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {".dvc/config": "", "dvc.yaml": PIPELINE, "nlp/dvc.yaml": PIPELINE, "nlp/m.bin": "1"})
    git("push", "-q", "origin", "main", cwd=tree)
    base = f"/api/v1/repos/{repo.full_name}"
    with hub.client(user.token) as client:
        body = {
            "description": "Who stays",
            "add_labels": ["daily"],
            "custom": {"owner": "bob", "1.10": "yes"},
        }
        assert client.patch(f"{base}/artifacts/nlp%3Achurn/annotation", json=body).status_code == 201
        body = {"path": "nlp/other.bin", "type": "model"}
        assert client.patch(f"{base}/artifacts/nlp%3Anew/annotation", json=body).status_code == 201
        items = client.get(f"{base}/annotations").json()["items"]
    git("pull", "-q", cwd=tree)
    done = dvc(["python", "-c", READ, tree], user.token)
    assert done.returncode == 0, done.stderr
    theirs = {}
    for file, found in json.loads(done.stdout).items():
        directory = file.rpartition("/")[0]
        for name, artifact in found.items():
            path = f"{directory}/{artifact['path']}" if directory else artifact["path"]
            said = (
                path,
                artifact.get("type"),
                artifact.get("desc"),
                artifact.get("labels"),
                artifact.get("meta"),
            )
            theirs[f"{directory}:{name}" if directory else name] = said
    assert {
        item["artifact"]: (
            item["path"],
            item["type"],
            item["description"] or None,
            item["labels"] or None,
            item["custom"],
        )
        for item in items
    } == {name: (*said[:2], *(value or None for value in said[2:])) for name, said in theirs.items()}
    assert set(theirs) == {"churn", "nlp:churn", "nlp:new"}
    assert "cmd: echo 1 > m.bin   # not yet\n" in (tree / "nlp" / "dvc.yaml").read_text()
