"""A model as a team has it: pushed with git and git-lfs, with versions and stages of GTO."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field
from pathlib import Path

from modelkeep.domain.access import Role
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User

CARD = """\
---
license: mit
library_name: safetensors
pipeline_tag: tabular-classification
tags:
- churn
---

# Churn
"""


@dataclass
class Model:
    """A repo with two versions of a model, the older one in prod.

    Attributes:
        tree: Its owner's clone.
        files: The SHA-256 of all files, by version.
        commits: The commit of each version.
    """

    hub: Hub
    owner: User
    repo: HubRepo
    git: Git
    tree: Path
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.repo.full_name

    def add_version(self, version: str, weights: bytes) -> None:
        """Commits weights and tags them as a version of ``churn``."""
        contents: dict[str, bytes | str] = {
            "README.md": CARD,
            "config.json": json.dumps({"version": version}),
            "weights/model.bin": weights,
            "weights/part#1 é.txt": "a name with a blank\n",
        }
        self.commits[version] = self.git.commit(self.tree, contents, f"Version {version}")
        self.git("tag", "-a", f"churn@{version}", "-m", version, cwd=self.tree)
        self.git("push", "-q", "origin", "main", f"churn@{version}", cwd=self.tree)
        paths = self.git("ls-files", "-z", cwd=self.tree).split("\0")
        self.files[version] = {
            path: hashlib.sha256((self.tree / path).read_bytes()).hexdigest() for path in paths if path
        }

    def promote(self, version: str, stage: str, number: int) -> None:
        """Puts a version into a stage, as GTO does it: by a tag."""
        tag = f"churn#{stage}#{number}"
        # What happens within a second has no order in Git.
        at = {"GIT_COMMITTER_DATE": f"{2_000_000_000 + number} +0000"}
        self.git("tag", "-a", tag, "-m", stage, self.commits[version], cwd=self.tree, env=at)
        self.git("push", "-q", "origin", tag, cwd=self.tree)


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of all files below a folder, without what a client keeps there for itself."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".cache" not in path.relative_to(folder).parts
    }


def push_model(hub: Hub, owner: User, folder: Path, *, size: int = 3_000_000) -> Model:
    """A new repo of ``owner`` with churn v1.0.0, in prod, and v1.1.0, with weights of ``size`` bytes."""
    repo = hub.repo((owner, Role.OWNER))
    git = Git(folder / "git-home", owner.token)
    model = Model(hub, owner, repo, git, git.clone(repo.git_url, "tree"))
    for number, version in enumerate(("v1.0.0", "v1.1.0")):
        model.add_version(version, random.Random(f"{repo.id}{number}").randbytes(size))
    model.promote("v1.0.0", "prod", 1)
    return model
