"""From what people write for a revision to a commit.

A revision is a branch, a tag, a pull request (``refs/pr/3``), a commit (also shortened), ``artifact@latest``,
``artifact@v1.2.3`` or ``artifact#stage``; in a repo with one artifact also ``latest``, ``v1.2.3`` or the stage alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from modelkeep.db import registry as registry_index
from modelkeep.db.transaction import Transaction
from modelkeep.domain.discussions import number_of
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.repos import Repo
from modelkeep.domain.versions import PATTERN as VERSION_PATTERN
from modelkeep.git import objects, refs

_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9\-/_]*[a-zA-Z0-9])?"
_SHORTCUT = re.compile(
    rf"(?P<artifact>(?:[a-zA-Z0-9\-_./]+[:=])?{_NAME})"
    rf"(?:#(?P<stage>{_NAME})|@(?P<version>latest|greatest|{VERSION_PATTERN}))",
    re.ASCII,
)
_COMMIT = re.compile(r"[0-9a-f]{4,40}", re.ASCII)
_VERSION = re.compile(VERSION_PATTERN, re.ASCII)
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Resolved:
    """A revision and the commit it names now; artifact, version and stage where it was named through them."""

    revision: str
    commit: str
    artifact: str | None = None
    version: str | None = None
    stage: str | None = None


def resolve(tx: Transaction, repo: Repo, git_dir: Path, revision: str | None) -> Resolved:
    """Finds the commit that ``revision`` names; None or an empty string is the default branch.

    Raises:
        NotFound: Nothing of that name (code ``revision_not_found``), or nothing was pushed yet (``empty_repo``).
        InvalidInput: It is no possible name, or a shortened commit id that fits several commits.
    """
    wanted = revision or repo.default_branch
    if wanted == "HEAD":
        wanted = repo.default_branch
    if len(wanted) > _LONGEST or "\0" in wanted:
        raise InvalidInput("This cannot be a revision.", code="invalid_revision")
    found = (
        _by_shortcut(tx, repo, wanted)
        # Who pins a commit gets that commit, whatever branch somebody gave its name.
        or (_by_commit(git_dir, wanted) if len(wanted) == 40 else None)
        or (None if _names_artifact(tx, repo, wanted) else _by_ref(git_dir, wanted))
        or _by_commit(git_dir, wanted)
        or _by_only_artifact(tx, repo, wanted)
    )
    if found is not None:
        return found
    if wanted == repo.default_branch and not revision:
        raise NotFound(
            f"The repo {repo.full_name} has no branch '{wanted}' yet; push something first.",
            code="empty_repo",
        )
    raise NotFound(
        f"There is no revision {wanted[:100]!r} in {repo.full_name}: no branch, tag, commit, version or stage.",
        code="revision_not_found",
        revision=wanted,
    )


def _by_shortcut(tx: Transaction, repo: Repo, wanted: str) -> Resolved | None:
    match = _SHORTCUT.fullmatch(wanted)
    if match is None:
        return None
    artifact = match["artifact"].replace("=", ":", 1)
    if match["stage"]:
        return _stage(tx, repo, wanted, artifact, match["stage"])
    return _version(tx, repo, wanted, artifact, match["version"])


def _names_artifact(tx: Transaction, repo: Repo, wanted: str) -> bool:
    """Whether it can only mean a version or a stage: a branch must not stand in for one that is empty."""
    match = _SHORTCUT.fullmatch(wanted)
    return match is not None and match["artifact"].replace("=", ":", 1) in registry_index.artifacts_of(
        tx, repo.id
    )


def _by_ref(git_dir: Path, wanted: str) -> Resolved | None:
    names = [wanted] if wanted.startswith("refs/") else [f"refs/heads/{wanted}", f"refs/tags/{wanted}"]
    allowed = [
        name
        for name in names
        if (name.startswith(("refs/heads/", "refs/tags/")) and refs.is_valid_name(name))
        or number_of(name) is not None
    ]
    present = refs.read_refs(git_dir, allowed) if allowed else {}
    for name in allowed:
        ref = present.get(name)
        if ref is not None and ref.commit is not None:
            return Resolved(wanted, ref.commit)
    return None


def _by_commit(git_dir: Path, wanted: str) -> Resolved | None:
    if not _COMMIT.fullmatch(wanted.lower()):
        return None
    commit = objects.resolve_commit(git_dir, wanted.lower())
    return Resolved(wanted, commit) if commit else None


def _by_only_artifact(tx: Transaction, repo: Repo, wanted: str) -> Resolved | None:
    artifacts = registry_index.artifacts_of(tx, repo.id)
    if len(artifacts) != 1:
        return None
    if wanted in ("latest", "greatest") or _VERSION.fullmatch(wanted):
        return _version(tx, repo, wanted, artifacts[0], wanted)
    return _stage(tx, repo, wanted, artifacts[0], wanted)


def _stage(tx: Transaction, repo: Repo, wanted: str, artifact: str, stage: str) -> Resolved | None:
    row = registry_index.stage_row(tx, repo.id, artifact, stage)
    return Resolved(wanted, row.commit, artifact, row.version, stage) if row else None


def _version(tx: Transaction, repo: Repo, wanted: str, artifact: str, version: str) -> Resolved | None:
    if version in ("latest", "greatest"):
        row = registry_index.latest_row(tx, repo.id, artifact)
    else:
        row = registry_index.version_row(tx, repo.id, artifact, version)
    if row is None or not row.is_active:
        return None
    return Resolved(wanted, row.commit, artifact, row.version)
