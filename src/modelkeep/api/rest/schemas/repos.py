"""Repos, their protection rules, and the audit log."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictBool

from modelkeep.api.rest.schemas.base import Answer, Moment, RoleLabel, Sent, SentName
from modelkeep.domain.access import Visibility
from modelkeep.domain.gating import Gating
from modelkeep.domain.repos import RepoKind

RefKind = Literal["branch", "tag"]


class RepoUrls(Answer):
    """Where a repo is reached: by git, by git-lfs, by programs."""

    git: str
    lfs: str
    api: str


class RepoSize(Answer):
    """What a repo's LFS objects take."""

    lfs_bytes: int
    lfs_files: int


class Repo(Answer):
    """A repo."""

    id: str = Field(description="Never changes.")
    namespace: str
    name: str
    full_name: str
    kind: RepoKind
    description: str
    labels: list[str]
    visibility: Visibility
    default_branch: str
    strict_tags: bool = Field(description="Whether registry tags that would stop `gto` are refused.")
    gated: Gating | None = Field(description="How requests for its content are answered; null: it is open.")
    role: RoleLabel | None = Field(description="What the caller may do here.")
    created_at: Moment
    updated_at: Moment
    deleted_at: Moment | None
    urls: RepoUrls


class SizedRepo(Repo):
    """A repo, and how large it is."""

    size: RepoSize


class NewRepo(Sent):
    """The repo to make."""

    namespace: SentName | None = Field(
        None, description="A user or an organisation; the caller's own if left out."
    )
    name: SentName
    kind: Literal["model", "dataset"] = "model"
    description: str = ""
    labels: list[str] = Field(default=[], max_length=1000)
    visibility: Visibility | None = Field(None, description="The namespace's default if left out.")
    default_branch: SentName | None = None
    empty: StrictBool = Field(False, description="Without a first commit.")


class RepoChange(Sent):
    """What to change of a repo; what is left out stays. A new ``name`` or ``namespace`` moves it."""

    description: str | None = None
    labels: list[str] | None = Field(None, max_length=1000)
    visibility: Visibility | None = None
    default_branch: SentName | None = None
    strict_tags: StrictBool | None = None
    name: SentName | None = None
    namespace: SentName | None = None


class DeletedRepo(Answer):
    """Until when a repo can be restored."""

    restorable_until: Moment


class Dependant(Answer):
    """What needs the repo."""

    kind: str
    name: str
    version: str | None = None


class Protection(Answer):
    """A rule for branches or tags."""

    id: int
    kind: RefKind
    pattern: str
    push_role: RoleLabel
    allows_force: bool
    allows_delete: bool


class NewProtection(Sent):
    """The rule to add; ``pattern`` is shell style, such as ``release/*``."""

    kind: RefKind
    pattern: SentName
    push_role: RoleLabel
    allows_force: StrictBool = False
    allows_delete: StrictBool = False


class Indexed(Answer):
    """How much was read anew."""

    refs: int


class AuditEntry(Answer):
    """Something that was changed, by whom, with what, from where."""

    at: Moment
    user: str
    token_id: int | None
    address: str
    door: str
    action: str
    target: str
    details: dict[str, str | int | bool | None]
