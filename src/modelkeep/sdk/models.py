"""What the hub answers, as frozen dataclasses. Field names are those of the REST API's JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from modelkeep.sdk.errors import BadAnswer
from modelkeep.sdk.wire import Record

EntryKind = Literal["file", "directory", "link", "submodule"]
_ENTRY_KINDS: dict[str, EntryKind] = {
    "file": "file",
    "directory": "directory",
    "link": "link",
    "submodule": "submodule",
}


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account."""

    name: str
    full_name: str
    email: str
    is_hub_admin: bool

    @classmethod
    def read(cls, record: Record) -> User:
        """Reads it from an answer."""
        return cls(
            name=record.text("name"),
            full_name=record.text("full_name", ""),
            email=record.text("email", ""),
            is_hub_admin=record.boolean("is_hub_admin"),
        )


@dataclass(frozen=True, slots=True)
class Token:
    """A personal access token. ``token`` is the secret, given once at creation and empty afterwards."""

    id: int
    name: str
    scopes: tuple[str, ...]
    limits: tuple[str, ...]
    expires_at: datetime | None
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    hint: str = ""
    token: str = ""

    @classmethod
    def read(cls, record: Record) -> Token:
        """Reads it from an answer."""
        return cls(
            id=record.integer("id"),
            name=record.text("name", ""),
            scopes=record.texts("scopes"),
            limits=record.texts("limits"),
            expires_at=record.optional_time("expires_at"),
            created_at=record.optional_time("created_at"),
            last_used_at=record.optional_time("last_used_at"),
            hint=record.text("hint", ""),
            token=record.text("token", ""),
        )

    def __repr__(self) -> str:
        return f"Token(id={self.id}, name={self.name!r}, scopes={self.scopes!r}, hint={self.hint!r})"


@dataclass(frozen=True, slots=True)
class Membership:
    """An organisation that one belongs to, with one's role."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the hub takes the caller for; ``user`` is None for an anonymous one, ``token`` without a token."""

    user: User | None
    token: Token | None
    organisations: tuple[Membership, ...]

    @classmethod
    def read(cls, record: Record) -> Identity:
        """Reads it from an answer."""
        user, token = record.optional_record("user"), record.optional_record("token")
        return cls(
            user=User.read(user) if user else None,
            token=Token.read(token) if token else None,
            organisations=tuple(
                Membership(item.text("name"), item.text("role", ""))
                for item in record.records("organisations")
            ),
        )


@dataclass(frozen=True, slots=True)
class Organisation:
    """A namespace that people share. ``role`` is the caller's own, empty without one."""

    name: str
    full_name: str
    default_visibility: str
    role: str
    created_at: datetime | None

    @classmethod
    def read(cls, record: Record) -> Organisation:
        """Reads it from an answer."""
        return cls(
            name=record.text("name"),
            full_name=record.text("full_name", ""),
            default_visibility=record.text("default_visibility", ""),
            role=record.text("role", ""),
            created_at=record.optional_time("created_at"),
        )


@dataclass(frozen=True, slots=True)
class Repo:
    """A repo. ``full_name`` is ``namespace/name``; ``urls`` has ``git``, ``lfs`` and ``api``."""

    id: str
    namespace: str
    name: str
    full_name: str
    kind: str
    description: str
    labels: tuple[str, ...]
    visibility: str
    default_branch: str
    role: str
    created_at: datetime | None
    updated_at: datetime | None
    urls: dict[str, str]
    lfs_bytes: int | None = None
    lfs_files: int | None = None

    @classmethod
    def read(cls, record: Record) -> Repo:
        """Reads it from an answer."""
        size = record.optional_record("size")
        return cls(
            id=record.text("id"),
            namespace=record.text("namespace"),
            name=record.text("name"),
            full_name=record.text("full_name"),
            kind=record.text("kind", "model"),
            description=record.text("description", ""),
            labels=record.texts("labels"),
            visibility=record.text("visibility", ""),
            default_branch=record.text("default_branch", "main"),
            role=record.text("role", ""),
            created_at=record.optional_time("created_at"),
            updated_at=record.optional_time("updated_at"),
            urls=record.text_map("urls"),
            lfs_bytes=size.optional_integer("lfs_bytes") if size else None,
            lfs_files=size.optional_integer("lfs_files") if size else None,
        )


@dataclass(frozen=True, slots=True)
class Signature:
    """Who and when, as Git records it."""

    name: str
    email: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """A Git commit."""

    id: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str

    @classmethod
    def read(cls, record: Record) -> Commit:
        """Reads it from an answer."""
        people = []
        for name in ("author", "committer"):
            person = record.record(name)
            people.append(Signature(person.text("name", ""), person.text("email", ""), person.time("when")))
        return cls(
            record.text("id"), record.texts("parents"), people[0], people[1], record.text("message", "")
        )


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or a tag: its short name, its full name, and the commit that it leads to."""

    name: str
    ref: str
    target: str
    commit: str | None

    @classmethod
    def read(cls, record: Record) -> Ref:
        """Reads it from an answer."""
        return cls(
            record.text("name"),
            record.text("ref", ""),
            record.text("target", ""),
            record.optional_text("commit"),
        )


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """An entry of a folder at a revision.

    ``size`` is in bytes of the content that a download gives; ``lfs_oid`` is its SHA-256 where it is kept in
    LFS, and ``id`` is the Git blob's (of the pointer then).
    """

    path: str
    kind: EntryKind
    id: str
    size: int | None
    lfs_oid: str | None

    @classmethod
    def read(cls, record: Record) -> TreeEntry:
        """Reads it from an answer."""
        lfs = record.optional_record("lfs")
        kind = _ENTRY_KINDS.get(record.text("kind"))
        if kind is None:
            raise BadAnswer(f"The hub lists an entry of an unknown kind, {record.text('kind')[:40]!r}.")
        return cls(
            path=record.text("path"),
            kind=kind,
            id=record.text("id"),
            size=lfs.integer("size") if lfs else record.optional_integer("size"),
            lfs_oid=lfs.text("oid") if lfs else None,
        )


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a revision names now: a commit and, where it named a version or a stage, which."""

    revision: str
    commit: Commit
    artifact: str | None
    version: str | None
    stage: str | None

    @classmethod
    def read(cls, record: Record) -> Resolution:
        """Reads it from an answer."""
        return cls(
            revision=record.text("revision", ""),
            commit=Commit.read(record.record("commit")),
            artifact=record.optional_text("artifact"),
            version=record.optional_text("version"),
            stage=record.optional_text("stage"),
        )


@dataclass(frozen=True, slots=True)
class Artifact:
    """A registered model: its latest version (None without one) and which version holds each stage.

    ``repo`` is the full name of the repo that it lives in; ``versions`` counts them (None where the hub did
    not say).
    """

    repo: str
    artifact: str
    latest: str | None
    stages: dict[str, str]
    versions: int | None = None

    @classmethod
    def read(cls, record: Record, repo: str | None = None) -> Artifact:
        """Reads it from an answer; ``repo`` where the answer is about one repo."""
        return cls(
            repo=repo or record.text("repo"),
            artifact=record.text("artifact"),
            latest=record.optional_text("latest"),
            stages=record.text_map("stages"),
            versions=record.optional_integer("versions"),
        )


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version of an artifact."""

    artifact: str
    version: str
    commit: str
    tag: str
    is_latest: bool
    is_active: bool
    stages: tuple[str, ...]
    registered_at: datetime | None
    author: str
    author_email: str
    message: str

    @classmethod
    def read(cls, record: Record) -> Version:
        """Reads it from an answer."""
        return cls(
            artifact=record.text("artifact"),
            version=record.text("version"),
            commit=record.text("commit"),
            tag=record.text("tag", ""),
            is_latest=record.boolean("is_latest"),
            is_active=record.boolean("is_active", default=True),
            stages=record.texts("stages"),
            registered_at=record.optional_time("registered_at"),
            author=record.text("author", ""),
            author_email=record.text("author_email", ""),
            message=record.text("message", ""),
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """Who holds a stage: a version (None for a commit without one), since when, by whom."""

    artifact: str
    stage: str
    version: str | None
    commit: str
    tag: str
    assigned_at: datetime | None
    author: str
    author_email: str

    @classmethod
    def read(cls, record: Record) -> Stage:
        """Reads it from an answer."""
        return cls(
            artifact=record.text("artifact"),
            stage=record.text("stage"),
            version=record.optional_text("version"),
            commit=record.text("commit", ""),
            tag=record.text("tag", ""),
            assigned_at=record.optional_time("assigned_at"),
            author=record.text("author", ""),
            author_email=record.text("author_email", ""),
        )
