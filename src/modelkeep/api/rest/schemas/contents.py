"""Commits, trees, refs, and what is written to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt, StringConstraints

from modelkeep.api.rest.schemas.base import Answer, Moment, Sent, SentMessage, SentName
from modelkeep.domain.objects import EntryKind

MOST_FILES = 10_000
MOST_OPERATIONS = 25_000
LARGEST_SIZE = 2**63 - 1

SentPath = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
SentRevision = SentName


class Signature(Answer):
    """Who and when."""

    name: str
    email: str
    when: Moment


class Commit(Answer):
    """A commit."""

    id: str
    tree_id: str
    parents: list[str]
    author: Signature
    committer: Signature
    message: str
    subject: str


class Resolution(Answer):
    """What a revision names now."""

    revision: str
    commit: Commit
    artifact: str | None
    version: str | None
    stage: str | None


class LfsPointer(Answer):
    """The LFS object behind a path."""

    oid: str = Field(description="Its SHA-256.")
    size: int


class Entry(Answer):
    """An entry of a directory."""

    path: str
    kind: EntryKind
    id: str = Field(description="Git's id; that of the pointer for an LFS file.")
    size: int | None
    mode: str = Field(description="Git's mode, octal.")
    lfs: LfsPointer | None


class Tree(Answer):
    """A page of a directory's entries."""

    items: list[Entry]
    next_cursor: str | None
    commit: str


class Ref(Answer):
    """A branch or a tag."""

    name: str
    ref: str = Field(description="The full name.")
    target: str = Field(description="What it points to: a tag object for an annotated tag.")
    commit: str | None = Field(description="The commit that this leads to.")


class NewBranch(Sent):
    """The branch to make."""

    name: SentName
    source: SentRevision | None = Field(
        None, alias="from", description="Where; the default branch if left out."
    )


class NewTag(Sent):
    """The tag to make, annotated where it has a message."""

    name: SentName
    source: SentRevision | None = Field(
        None, alias="from", description="Where; the default branch if left out."
    )
    message: SentMessage | None = None


class PlannedFile(Sent):
    """A file that somebody wants to add."""

    path: SentPath
    size: Annotated[StrictInt, Field(ge=0, le=LARGEST_SIZE)]


class PlannedFiles(Sent):
    """Files that somebody wants to add to a revision."""

    revision: SentRevision | None = None
    files: list[PlannedFile] = Field(max_length=MOST_FILES)


class FileStorage(Answer):
    """Where a file belongs."""

    path: str
    storage: Literal["lfs", "git"]


class FileStorages(Answer):
    """Where files belong, in the order in which they were sent."""

    items: list[FileStorage]


class SentLfsPointer(Sent):
    """An LFS object that was uploaded to the repo."""

    oid: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[StrictInt, Field(ge=0, le=LARGEST_SIZE)]


class AddOperation(Sent):
    """Puts a file: exactly one of ``content`` (text), ``content_base64`` and ``lfs``."""

    op: Literal["add"]
    path: SentPath
    content: str | None = None
    content_base64: str | None = None
    lfs: SentLfsPointer | None = None


class DeleteOperation(Sent):
    """Removes a file, or a directory with all that is in it."""

    op: Literal["delete"]
    path: SentPath


class CopyOperation(Sent):
    """Copies a file as it is at the parent commit."""

    op: Literal["copy"]
    source: SentPath = Field(alias="from")
    to: SentPath


Operation = Annotated[AddOperation | DeleteOperation | CopyOperation, Field(discriminator="op")]


class NewCommit(Sent):
    """The commit to make."""

    branch: SentName | None = Field(None, description="The default branch if left out.")
    message: SentMessage
    parent: SentName | None = Field(None, description="The commit that the branch must be at.")
    author: dict[str, object] | None = Field(None, description="Ignored: the author is who signs in.")
    operations: list[Operation] = Field(min_length=1, max_length=MOST_OPERATIONS)
    create_branch_from: SentRevision | None = Field(
        None, description="Makes the branch here if it is not there."
    )


class MadeCommit(Answer):
    """A new commit, and the branch that it is on."""

    commit: Commit
    branch: str
