"""What files of a repo say about artifacts, and versions with all that belongs to them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from modelkeep.api.rest.schemas.base import Answer, Sent, SentMessage, SentName
from modelkeep.api.rest.schemas.contents import Commit
from modelkeep.api.rest.schemas.keys import TagSignature
from modelkeep.api.rest.schemas.registry import Version

Word = Annotated[str, StringConstraints(max_length=500)]
Words = Annotated[list[Word], Field(max_length=1000)]


class Annotation(Answer):
    """What a repo says about an artifact."""

    artifact: str
    type: str | None = Field(description="Such as `model`.")
    path: str | None = Field(description="A file or folder of the repo, or an address such as `s3://…`.")
    virtual: bool = Field(description="GTO's field: false for what is in Git.")
    labels: list[str]
    description: str = Field(description="Empty if unsaid.")
    custom: Any = Field(description="Whatever else is said (`custom` of GTO, `meta` of DVC); any JSON.")
    source: str = Field(description="The file that says it: `artifacts.yaml`, or a `dvc.yaml`.")
    is_link: bool = Field(description="Whether `path` is an address outside of the repo.")
    checksum: str | None = Field(description="Such as `sha256:…`, where the files say one.")


class AnnotationChange(Sent):
    """What is to be said about an artifact. A field that is left out stays as it is; null removes it."""

    type: Word | None = None
    path: SentMessage | None = Field(
        None, description="A file or folder of the repo, from its root, or an address such as `s3://…`."
    )
    virtual: bool | None = None
    labels: Words | None = Field(None, description="In place of the present ones.")
    add_labels: Words = Field([], description="Beside the present ones.")
    remove_labels: Words = Field([], description="Of the present ones.")
    description: SentMessage | None = None
    custom: Any = Field(None, description="Any JSON of at most 64 KiB, in place of the present one.")
    branch: SentName | None = Field(None, description="The default branch if left out.")
    message: SentMessage | None = Field(None, description="Of the commit.")
    must_exist: bool = Field(
        False, description="Refuses a path that is not in the repo; `virtual` becomes false."
    )
    allow_same_path: bool = Field(
        False, description="Allows the path of another artifact, or one above or below it."
    )


class AnnotationMade(Answer):
    """An annotation, and the commit that made it so."""

    annotation: Annotation
    commit: Commit | None = Field(description="Null where the file said so already: nothing was committed.")


class AnnotationRemoval(Sent):
    """How an annotation is removed."""

    branch: SentName | None = Field(None, description="The default branch if left out.")
    message: SentMessage | None = Field(None, description="Of the commit.")


class AnnotationRemoved(Answer):
    """That an annotation was removed."""

    commit: Commit


class VersionFile(Answer):
    """A file of a version."""

    path: str
    size: int | None
    oid: str | None = Field(description="In Git LFS; null for a file that Git keeps.")
    sha256: str | None = Field(
        description="Of its content; null for symbolic links, and for large files of Git that were not hashed yet."
    )
    id: str = Field(description="Git's id; that of the pointer for an LFS file.")


class VersionDetail(Version):
    """A version with all that belongs to it."""

    commit_detail: Commit
    files: list[VersionFile] = Field(description="At most 1000.")
    files_truncated: bool = Field(description="Whether there are more files than these.")
    files_path: str | None = Field(
        description="Where the files lie: the artifact's path or directory. Empty for the whole repo, where no path "
        "is known; null where none of them is in the repo, such as those of an address."
    )
    annotation: Annotation | None = Field(description="What the repo said about the artifact at this commit.")
    code_commit: str | None = Field(description="The commit of the code that made it, if somebody said.")
    run: str | None = Field(description="The run that made it, likewise.")
    signature: TagSignature | None = Field(description="Of the tag; null where it cannot be verified now.")
