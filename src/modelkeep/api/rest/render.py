"""From domain values to wire shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import quote

from modelkeep.api.rest.schemas import accounts, contents, registry
from modelkeep.api.rest.schemas import gating as gating_shapes
from modelkeep.api.rest.schemas import repos as repo_shapes
from modelkeep.api.rest.schemas.base import Listing, RoleLabel
from modelkeep.domain import accounts as people
from modelkeep.domain import gating, objects, repos
from modelkeep.domain.access import Actor, Role
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.events import TagProblem
from modelkeep.domain.paging import Page, PageRequest, encode_cursor
from modelkeep.domain.registry import ArtifactSummary, HeldStage, StageRow, VersionRow

T = TypeVar("T")
Shape = TypeVar("Shape")

_LABELS: dict[Role, RoleLabel] = {
    Role.READER: "reader",
    Role.CONTRIBUTOR: "contributor",
    Role.MAINTAINER: "maintainer",
    Role.OWNER: "owner",
}


def listing(page: Page[T], shape: Callable[[T], Shape]) -> Listing[Shape]:
    """A page of a list."""
    return Listing(items=[shape(item) for item in page.items], next_cursor=page.next_cursor)


def page_of_all(items: Sequence[T], page: PageRequest) -> Page[T]:
    """A page of a list that is short enough to be at hand as a whole.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    start = 0
    if page.after is not None:
        position = page.after[0] if len(page.after) == 1 else None
        if not isinstance(position, int) or position < 0:
            raise InvalidInput("This cursor belongs to another list.", code="invalid_cursor")
        start = position
    stop = start + page.limit
    return Page(tuple(items[start:stop]), encode_cursor((stop,)) if stop < len(items) else None)


def role(value: Role | None) -> RoleLabel | None:
    """A role by its label; None for a stranger."""
    return None if value is None else _LABELS[value]


def label(value: Role) -> RoleLabel:
    """A role by its label."""
    return _LABELS[value]


def user(value: people.User, viewer: Actor) -> accounts.User:
    """A user; the e-mail address is for the user and for administrators."""
    is_known = value.id == viewer.user_id or viewer.is_hub_admin
    return accounts.User(
        name=value.name,
        full_name=value.full_name,
        email=value.email if is_known else None,
        is_hub_admin=value.is_hub_admin,
        is_disabled=value.is_disabled,
        created_at=value.created_at,
    )


def current_token(value: people.Token) -> accounts.CurrentToken:
    """The token in use."""
    return accounts.CurrentToken(
        id=value.id,
        name=value.name,
        scopes=sorted(value.scopes),
        limits=sorted(value.limits),
        expires_at=value.expires_at,
    )


def token(value: people.Token) -> accounts.Token:
    """A token without its secret."""
    return accounts.Token(
        id=value.id,
        name=value.name,
        scopes=sorted(value.scopes),
        limits=sorted(value.limits),
        expires_at=value.expires_at,
        hint=value.hint,
        created_at=value.created_at,
        last_used_at=value.last_used_at,
        revoked_at=value.revoked_at,
    )


def organisation(value: people.Namespace, own_role: Role | None) -> accounts.Organisation:
    """An organisation, with the caller's role."""
    return accounts.Organisation(
        name=value.name,
        full_name=value.full_name,
        default_visibility=value.default_visibility,
        created_at=value.created_at,
        role=role(own_role),
    )


def member(value: people.Member) -> accounts.Member:
    """Somebody's role."""
    return accounts.Member(user=value.username, full_name=value.full_name, role=_LABELS[value.role])


def access_request(value: gating.AccessRequest) -> gating_shapes.AccessRequest:
    """A request for access."""
    return gating_shapes.AccessRequest(
        user=value.username,
        full_name=value.full_name,
        email=value.email or None if not value.is_granted else None,
        status=value.status,
        asked_at=value.asked_at,
        decided_at=value.decided_at,
        decided_by=value.decided_by,
        reason=value.reason,
        fields=value.fields,
    )


def repo(value: repos.Repo, own_role: Role | None, base_url: str) -> repo_shapes.Repo:
    """A repo, with the caller's role."""
    address = f"{base_url}{'/datasets' if value.kind is repos.RepoKind.DATASET else ''}/{value.full_name}"
    return repo_shapes.Repo(
        id=value.id,
        namespace=value.namespace,
        name=value.name,
        full_name=str(value.full_name),
        kind=value.kind,
        description=value.description,
        labels=list(value.labels),
        visibility=value.visibility,
        default_branch=value.default_branch,
        strict_tags=value.strict_tags,
        gated=value.gated,
        role=role(own_role),
        created_at=value.created_at,
        updated_at=value.updated_at,
        deleted_at=value.deleted_at,
        urls=repo_shapes.RepoUrls(
            git=f"{address}.git", lfs=f"{address}.git/info/lfs", api=f"{base_url}/api/v1{repo_path(value)}"
        ),
    )


def repo_path(value: repos.Repo) -> str:
    """Where a repo is in this API."""
    return f"/repos/{value.full_name}"


def segment(value: str) -> str:
    """A name as a segment of a URL's path."""
    return quote(value, safe="")


def protection(value: repos.Protection) -> repo_shapes.Protection:
    """A rule for branches or tags."""
    return repo_shapes.Protection(
        id=value.id,
        kind="tag" if value.is_tag else "branch",
        pattern=value.pattern,
        push_role=_LABELS[value.push_role],
        allows_force=value.allows_force,
        allows_delete=value.allows_delete,
    )


def audit_entry(value: repos.AuditEntry) -> repo_shapes.AuditEntry:
    """An entry of the audit log."""
    return repo_shapes.AuditEntry(
        at=value.at,
        user=value.username,
        token_id=value.token_id,
        address=value.address,
        door=value.door,
        action=value.action,
        target=value.target,
        details=dict(value.details),
    )


def signature(value: objects.Signature) -> contents.Signature:
    """Who and when."""
    return contents.Signature(name=value.name, email=value.email, when=value.when)


def commit(value: objects.Commit) -> contents.Commit:
    """A commit."""
    return contents.Commit(
        id=value.id,
        tree_id=value.tree_id,
        parents=list(value.parents),
        author=signature(value.author),
        committer=signature(value.committer),
        message=value.message,
        subject=value.subject,
    )


def entry(value: objects.TreeEntry) -> contents.Entry:
    """An entry of a directory."""
    lfs = None
    if value.lfs_oid is not None:
        lfs = contents.LfsPointer(oid=value.lfs_oid, size=value.size or 0)
    return contents.Entry(
        path=value.path, kind=value.kind, id=value.id, size=value.size, mode=f"{value.mode:06o}", lfs=lfs
    )


def ref(value: objects.Ref) -> contents.Ref:
    """A branch or a tag."""
    return contents.Ref(name=value.short_name, ref=value.name, target=value.target, commit=value.commit)


def artifact(value: ArtifactSummary) -> registry.Artifact:
    """An artifact of a repo that the caller named."""
    return registry.Artifact(
        artifact=value.artifact,
        latest=value.latest,
        stages=dict(value.stages),
        versions=value.versions,
        type=value.type,
        path=value.path,
        description=value.description,
        labels=list(value.labels),
        is_registered=value.is_registered,
        is_deprecated=value.is_deprecated,
        updated_at=value.updated_at,
        latest_at=value.latest_at,
    )


def registry_artifact(value: ArtifactSummary) -> registry.RegistryArtifact:
    """An artifact of some repo."""
    return registry.RegistryArtifact(repo=value.repo, **dict(artifact(value)))


def registry_stage(value: HeldStage) -> registry.RegistryStage:
    """Who holds a stage in some repo."""
    return registry.RegistryStage(repo=value.repo, **dict(stage(value.stage)))


def version(value: VersionRow) -> registry.Version:
    """A version."""
    return registry.Version(
        artifact=value.artifact,
        version=value.version,
        commit=value.commit,
        tag=value.tag,
        is_latest=value.is_latest,
        is_active=value.is_active,
        stages=list(value.stages),
        registered_at=value.registered_at,
        author=value.author,
        author_email=value.author_email,
        message=value.message,
    )


def registered_version(value: VersionRow, warnings: Sequence[str] = ()) -> registry.RegisteredVersion:
    """A version that was just registered."""
    return registry.RegisteredVersion(**version(value).model_dump(), warnings=list(warnings))


def stage(value: StageRow) -> registry.Stage:
    """Who holds a stage."""
    return registry.Stage(
        artifact=value.artifact,
        stage=value.stage,
        version=value.version,
        commit=value.commit,
        tag=value.tag,
        assigned_at=value.assigned_at,
        author=value.author,
        author_email=value.author_email,
    )


def problem(value: TagProblem) -> registry.TagProblem:
    """A tag that cannot be read."""
    return registry.TagProblem(tag=value.tag, code=value.code, reason=value.reason, remedy=value.remedy)
