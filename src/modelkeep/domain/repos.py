"""Repos, their protection rules, LFS locks and audit entries, as values."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from modelkeep.domain.access import Role, Visibility
from modelkeep.domain.gating import Gating
from modelkeep.domain.names import RepoName


class RepoKind(StrEnum):
    """What a repo holds. Each kind has its own name space and the same Git machinery."""

    MODEL = "model"
    DATASET = "dataset"


_DATASETS = "datasets/"


def place_of(namespace: str) -> tuple[RepoKind, str]:
    """What kind of repo an address means, and the namespace itself.

    Repos of models are addressed as ``acme/churn``, those of datasets as ``datasets/acme/churn``, in URLs too:
    wherever a service takes the namespace of a repo it takes ``datasets/acme`` too.
    """
    if namespace.startswith(_DATASETS):
        return RepoKind.DATASET, namespace.removeprefix(_DATASETS)
    return RepoKind.MODEL, namespace


@dataclass(frozen=True, slots=True)
class Repo:
    """A repo.

    ``id`` (32 hexadecimal characters) never changes and names its directory; ``deleted_at`` is set while it can still
    be restored. ``pristine_commit`` is the commit that the hub made at creation, until somebody pushes. With
    ``strict_tags`` registry tags that cannot be read, or would stop ``gto``, are refused. The content of a ``gated``
    repo is for those with a role in it and those whose request for access was accepted.
    """

    id: str
    namespace_id: int
    namespace: str
    name: str
    kind: RepoKind
    description: str
    visibility: Visibility
    default_branch: str
    labels: tuple[str, ...]
    pristine_commit: str | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    strict_tags: bool = True
    gated: Gating | None = None

    @property
    def full_name(self) -> RepoName:
        """``namespace/name``, as written."""
        return RepoName(self.namespace, self.name)

    @property
    def place(self) -> str:
        """The namespace as :func:`place_of` reads it: ``acme``, or ``datasets/acme``."""
        return f"{_DATASETS}{self.namespace}" if self.kind is RepoKind.DATASET else self.namespace

    @property
    def address(self) -> str:
        """What it is addressed by: ``acme/churn``, or ``datasets/acme/churn``."""
        return f"{self.place}/{self.name}"


@dataclass(frozen=True, slots=True)
class Protection:
    """A rule for refs whose short name matches ``pattern`` (shell style; ``*`` also matches ``/``).

    Attributes:
        id: Its number within the hub.
        is_tag: For tags; otherwise for branches.
        pattern: ``main``, ``release/*``, ``v*``.
        push_role: The smallest role that may create or move such a ref.
        allows_force: Whether it may be moved to a commit that is no descendant (tags: moved at all).
        allows_delete: Whether it may be deleted.
    """

    id: int
    is_tag: bool
    pattern: str
    push_role: Role
    allows_force: bool = False
    allows_delete: bool = False

    def covers(self, is_tag: bool, short_name: str) -> bool:
        """Whether the rule speaks about this ref."""
        return self.is_tag == is_tag and fnmatch.fnmatchcase(short_name, self.pattern)


@dataclass(frozen=True, slots=True)
class Lock:
    """An LFS file lock (Git LFS, docs/api/locking.md). ``id`` is opaque to clients."""

    id: str
    path: str
    ref: str | None
    owner_id: int
    owner_name: str
    locked_at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that was changed, by whom, with what, from where.

    ``action`` is ``noun.verb`` (``repo.create``, ``stage.assign``); ``target`` the name of what it was done to.
    """

    at: datetime
    user_id: int | None
    username: str
    token_id: int | None
    address: str
    door: str
    action: str
    target: str
    repo_id: str | None
    namespace_id: int | None
    details: Mapping[str, str | int | bool | None]
