"""What the hub answers about people, repos and commits, as frozen dataclasses.

Field names are those of the REST API's JSON. The registry's values are in :mod:`modelkeep.sdk.models_registry`, those
of policies and requests in :mod:`modelkeep.sdk.models_policy`, those of events and webhooks in
:mod:`modelkeep.sdk.models_events`.
"""

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
    """A role, of the user or in the organisation that ``name`` says."""

    name: str
    role: str

    @classmethod
    def read(cls, record: Record) -> Membership:
        """Reads it from an answer of either kind."""
        name = next((key for key in ("name", "user", "username") if key in record), "name")
        return cls(record.text(name), record.text("role", ""))


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
            organisations=tuple(map(Membership.read, record.records("organisations"))),
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
    strict_tags: bool = True
    gated: str | None = None

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
            strict_tags=record.boolean("strict_tags", default=True),
            gated=record.optional_text("gated"),
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
class Key:
    """An SSH public key that somebody signs tags with.

    What it signed before ``removed_at`` counts, unless ``is_revoked``.
    """

    id: int
    name: str
    fingerprint: str
    type: str
    key: str
    created_at: datetime | None
    removed_at: datetime | None = None
    is_revoked: bool = False

    @classmethod
    def read(cls, record: Record) -> Key:
        """Reads it from an answer."""
        return cls(
            id=record.integer("id"),
            name=record.text("name", ""),
            fingerprint=record.text("fingerprint", ""),
            type=record.text("type", ""),
            key=record.text("key", ""),
            created_at=record.optional_time("created_at"),
            removed_at=record.optional_time("removed_at"),
            is_revoked=record.boolean("is_revoked"),
        )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that the hub signs its own tags with; ``principal`` is its name in an allowed_signers file."""

    key: str
    fingerprint: str
    principal: str

    @classmethod
    def read(cls, record: Record) -> SigningKey:
        """Reads it from an answer."""
        return cls(record.text("key"), record.text("fingerprint", ""), record.text("principal", ""))
