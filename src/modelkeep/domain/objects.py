"""What Git holds, as values: commits, trees, refs, tags and proposed ref updates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ZERO_ID = "0" * 40


@dataclass(frozen=True, slots=True)
class Signature:
    """Who and when, as Git records it: ``when`` is aware, in the author's own offset, to the second."""

    name: str
    email: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. ``message`` is whole, subject and body."""

    id: str
    tree_id: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0]


class EntryKind(StrEnum):
    """What a tree entry is. ``LINK`` is a symbolic link, ``SUBMODULE`` a commit of another repository."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    SUBMODULE = "submodule"


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One entry of a tree.

    ``size`` is in bytes of the file as a user sees it: of the LFS object where ``lfs_oid`` is set (then ``id`` is the
    pointer's blob and ``pointer_size`` its size), of the blob otherwise; None for directories and submodules.
    """

    path: str
    kind: EntryKind
    id: str
    mode: int
    size: int | None
    lfs_oid: str | None = None
    pointer_size: int | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """A ref by its full name.

    ``target`` is what it points to (a tag object for an annotated tag), ``commit`` what that peels to (None where it
    peels to something else than a commit).
    """

    name: str
    target: str
    commit: str | None

    @property
    def is_branch(self) -> bool:
        """Whether it lies under ``refs/heads/``."""
        return self.name.startswith("refs/heads/")

    @property
    def is_tag(self) -> bool:
        """Whether it lies under ``refs/tags/``."""
        return self.name.startswith("refs/tags/")

    @property
    def short_name(self) -> str:
        """The name without ``refs/heads/`` or ``refs/tags/``."""
        for prefix in ("refs/heads/", "refs/tags/"):
            if self.name.startswith(prefix):
                return self.name[len(prefix) :]
        return self.name


@dataclass(frozen=True, slots=True)
class RawTag:
    """A tag ref with the raw content of the object it points to.

    ``content`` is the tag object's bytes (``object … type … tag … tagger …``), or None where the ref points straight to
    ``target_type`` (a lightweight tag). ``ref_name`` is without ``refs/tags/``. ``peeled_type`` and ``peeled_id`` say
    what one gets when all tag objects are followed; ``direct_type``/``direct_id`` what the (first) tag object names.
    """

    ref_name: str
    target: str
    target_type: str
    content: bytes | None
    direct_id: str
    direct_type: str
    peeled_id: str
    peeled_type: str


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """A proposed move of one ref; ``old`` or ``new`` is :data:`ZERO_ID` where the ref is created or deleted."""

    ref: str
    old: str
    new: str

    @property
    def is_create(self) -> bool:
        """Whether the ref did not exist."""
        return self.old == ZERO_ID

    @property
    def is_delete(self) -> bool:
        """Whether the ref goes away."""
        return self.new == ZERO_ID


@dataclass(frozen=True, slots=True)
class NewBlob:
    """A blob that arrives with a push: its id and its size in bytes.

    ``content`` is there where it is small enough to be an LFS pointer (under 1,024 bytes).
    """

    id: str
    size: int
    content: bytes | None
