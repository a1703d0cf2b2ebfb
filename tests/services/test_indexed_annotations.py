"""What the default branch says is in the index, through every move of the branch, as if read anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from modelkeep.db import registry
from modelkeep.db.engine import Database, open_database
from modelkeep.domain.access import Actor
from modelkeep.domain.paging import PageRequest
from modelkeep.domain.registry import ArtifactFilter, ArtifactSummary
from modelkeep.server.wiring import Hub, open_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.settings import Settings
from tests.support.git import Git

CONTENTS = {
    "artifacts.yaml": (
        "churn:\n  type: model\n  path: models/churn.pkl\n  labels: [tabular, eu]\n  description: Who leaves\n",
        "churn:\n  type: dataset\niris:\n  path: s3://bucket/iris\n",
        "churn: [this is no artifact\n",
        "{}\n",
        "",
    ),
    "models/dvc.yaml": (
        "artifacts:\n  net:\n    type: model\n    path: net.bin\n    labels: [deep]\n",
        "artifacts:\n  net: 5\n",
        "stages: {}\n",
        "",
    ),
    "models/churn.pkl.dvc": ("outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: churn.pkl\n", ""),
    "README.md": (
        "---\nlicense: mit\npipeline_tag: text-generation\ntags: [a, b, A]\nbase_model: acme/base\n---\n# One\n",
        "\n---\nlicense: apache-2.0\nlibrary_name: transformers\ntags: [b]\n---\narxiv:1810.04805\n",
        "---\nlicense: [\n---\n",
        "# No front matter\n",
        "",
    ),
    "model.onnx": ("x", ""),
    "notes.txt": ("one\n", "two\n"),
}
"""What may stand in a file; nothing where it is taken away."""


class Repo:
    """A repo whose refs are moved behind the hub's back, each followed by the index."""

    def __init__(self, hub: Hub, database: Database, git: Git, data: Path) -> None:
        root = local_administrator()
        self._ada = Actor(hub.accounts.create(root, name="ada").id, "ada")
        self._hub, self._database, self._git = hub, database, git
        self.id = hub.repos.create(root, namespace="ada", name="models", empty=True).repo.id
        (head,) = (data / "repos").rglob("HEAD")
        self._bare = head.parent

    def commit(self, branch: str, changed: dict[str, str]) -> None:
        """``changed`` are contents by path; an empty one removes the file."""
        lines = [f"commit refs/heads/{branch}", "committer A <a@b> 1700000000 +0000", "data 1", "x"]
        if self._git.attempt("rev-parse", "--verify", f"refs/heads/{branch}", cwd=self._bare).code == 0:
            lines.append(f"from refs/heads/{branch}^0")
        for path, content in changed.items():
            if content:
                lines += [f"M 644 inline {path}", f"data {len(content.encode())}", content]
            else:
                lines.append(f"D {path}")
        stream = "\n".join([*lines, ""]).encode()
        self._git("fast-import", "--quiet", "--force", cwd=self._bare, input=stream)
        self.follow(f"refs/heads/{branch}")

    def move(self, branch: str, to: str | None) -> None:
        """Points a branch elsewhere, or deletes it; one that is not there stays so."""
        arguments = ("-d", f"refs/heads/{branch}") if to is None else (f"refs/heads/{branch}", to)
        self._git.attempt("update-ref", *arguments, cwd=self._bare)
        self.follow(f"refs/heads/{branch}")

    def tag(self, name: str) -> None:
        self._git.attempt("tag", "-a", "-m", "x", name, "refs/heads/main", cwd=self._bare)
        self.follow(f"refs/tags/{name}")

    def set_default(self, branch: str) -> None:
        self._hub.repos.update(local_administrator(), "ada", "models", default_branch=branch)

    def follow(self, ref: str) -> None:
        with self._database.write() as tx:
            self._hub.indexing.apply(tx, self.id, [ref])

    def rebuild(self) -> None:
        self._hub.indexing.rebuild(self.id)

    def snapshot(self) -> registry.Snapshot:
        with self._database.read() as tx:
            return registry.snapshot(tx, self.id)

    def artifacts(self) -> dict[str, ArtifactSummary]:
        page = self._hub.registry_lists.artifacts(self._ada, PageRequest(), ArtifactFilter())
        return {row.artifact: row for row in page.items}

    def branches(self) -> list[str]:
        rows = self.snapshot()["git_refs"]
        return [
            str(row[0]).removeprefix("refs/heads/") for row in rows if str(row[0]).startswith("refs/heads/")
        ]


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    data = tmp_path / "hub"
    with open_hub(Settings.load(data=data)) as hub:
        database = open_database(f"sqlite:///{data / 'modelkeep.db'}")
        try:
            yield Repo(hub, database, Git(tmp_path / "home"), data)
        finally:
            database.close()


@pytest.mark.parametrize("seed", range(4))
def test_step_by_step_is_anew(repo: Repo, seed: int) -> None:
    random = Random(seed)
    for number in range(25):
        branch = random.choice(("main", "main", "dev"))
        what = random.random()
        if what < 0.6:
            paths = random.sample(sorted(CONTENTS), random.randrange(1, 3))
            repo.commit(branch, {path: random.choice(CONTENTS[path]) for path in paths})
        elif what < 0.75:
            repo.move(branch, random.choice(("refs/heads/main", "refs/heads/main~1", "refs/heads/dev", None)))
        elif what < 0.85 and repo.branches():
            repo.set_default(random.choice(repo.branches()))
        else:
            repo.tag(random.choice((f"churn@v1.{number}.0", f"churn#prod#{number}", f"other@v0.{number}.0")))
        followed = repo.snapshot()
        repo.rebuild()
        assert repo.snapshot() == followed


def test_a_file_alone_makes_an_artifact(repo: Repo) -> None:
    repo.commit("main", {"artifacts.yaml": CONTENTS["artifacts.yaml"][0]})
    said = repo.artifacts()["churn"]
    assert (said.is_registered, said.type, said.path, said.labels, said.description) == (
        False,
        "model",
        "models/churn.pkl",
        ("tabular", "eu"),
        "Who leaves",
    )
    assert (said.latest, said.versions, said.updated_at) == (None, 0, None)
    repo.tag("churn@v1.0.0")
    tagged = repo.artifacts()["churn"]
    assert (tagged.is_registered, tagged.latest, tagged.type) == (True, "v1.0.0", "model")
    assert tagged.updated_at == tagged.latest_at is not None
    repo.commit("main", {"artifacts.yaml": ""})
    left = repo.artifacts()["churn"]
    assert (left.is_registered, left.type, left.labels) == (True, None, ())


def test_only_the_default_branch_speaks(repo: Repo) -> None:
    repo.commit("main", {"notes.txt": "one\n"})
    repo.commit("dev", {"artifacts.yaml": CONTENTS["artifacts.yaml"][1]})
    assert repo.artifacts() == {}
    repo.set_default("dev")
    assert sorted(repo.artifacts()) == ["churn", "iris"]
    repo.set_default("main")
    assert repo.artifacts() == {}


def test_a_file_that_cannot_be_read_is_a_problem(repo: Repo) -> None:
    repo.commit("main", {"artifacts.yaml": CONTENTS["artifacts.yaml"][2]})
    (problem,) = repo.snapshot()["file_problems"]
    assert problem[1] == "artifacts.yaml"
    repo.commit("main", {"artifacts.yaml": CONTENTS["artifacts.yaml"][0]})
    assert repo.snapshot()["file_problems"] == []
