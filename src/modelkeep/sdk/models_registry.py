"""What the hub answers about the registry, as frozen dataclasses. Field names are those of the REST API's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from modelkeep.sdk.models import Commit
from modelkeep.sdk.wire import Record


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model in a repo: its latest version (None without one) and which version holds each stage.

    Attributes:
        repo: The full name of the repo that it lives in.
        artifact: Its name.
        latest: Its greatest active version.
        stages: The holder of each stage.
        versions: How many it has; None where the hub did not say.
        type: What its declaration says it is, such as ``model``.
        path: Where its files are in the repo, or a URL.
        description: One line or more.
        labels: To find it by.
        is_registered: Whether it has ever had a version.
        is_deprecated: Whether it is no longer to be used.
        updated_at: When its registry last changed.
        latest_at: When its latest version was registered.
    """

    repo: str
    artifact: str
    latest: str | None
    stages: dict[str, str]
    versions: int | None = None
    type: str = ""
    path: str = ""
    description: str = ""
    labels: tuple[str, ...] = ()
    is_registered: bool = True
    is_deprecated: bool = False
    updated_at: datetime | None = None
    latest_at: datetime | None = None

    @classmethod
    def read(cls, record: Record, repo: str | None = None) -> Artifact:
        """Reads it from an answer; ``repo`` where the answer is about one repo."""
        return cls(
            repo=repo or record.text("repo"),
            artifact=record.text("artifact"),
            latest=record.optional_text("latest"),
            stages=record.text_map("stages"),
            versions=record.optional_integer("versions"),
            type=record.text("type", ""),
            path=record.text("path", ""),
            description=record.text("description", ""),
            labels=record.texts("labels"),
            is_registered=record.boolean("is_registered", default=True),
            is_deprecated=record.boolean("is_deprecated"),
            updated_at=record.optional_time("updated_at"),
            latest_at=record.optional_time("latest_at"),
        )


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version of an artifact. ``warnings`` is what the hub remarks when it was just registered."""

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
    warnings: tuple[str, ...] = ()

    @classmethod
    def read(cls, record: Record) -> Version:
        """Reads it from an answer."""
        return cls(**_version_fields(record))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class VersionFile:
    """A file of a version. ``sha256`` is of its content; None where the hub has not computed it."""

    path: str
    size: int | None
    oid: str | None
    sha256: str | None
    id: str

    @classmethod
    def read(cls, record: Record) -> VersionFile:
        """Reads it from an answer."""
        return cls(
            path=record.text("path"),
            size=record.optional_integer("size"),
            oid=record.optional_text("oid"),
            sha256=record.optional_text("sha256"),
            id=record.text("id", ""),
        )


@dataclass(frozen=True, slots=True)
class TagSignature:
    """Who signed a tag: ``status`` is none, good, bad or unknown_key."""

    status: str
    signer: str | None = None
    fingerprint: str | None = None

    @classmethod
    def read(cls, record: Record) -> TagSignature:
        """Reads it from an answer."""
        return cls(
            record.text("status", "none"), record.optional_text("signer"), record.optional_text("fingerprint")
        )


@dataclass(frozen=True, slots=True)
class Annotation:
    """What the repo says about an artifact: an entry of ``artifacts.yaml`` or of a ``dvc.yaml``.

    Attributes:
        artifact: Its name.
        type: Such as ``model``.
        path: In the repo, or a URL (``is_link`` then).
        virtual: Whether the files are not in Git; GTO's field.
        labels: Words to find it by.
        description: One line or more.
        custom: Whatever else the entry has.
        source: The file that declares it.
        is_link: Whether ``path`` leads out of the repo.
        checksum: Of what a link leads to, where the declaration says it.
    """

    artifact: str
    type: str | None = None
    path: str | None = None
    virtual: bool | None = None
    labels: tuple[str, ...] = ()
    description: str | None = None
    custom: object = None
    source: str = ""
    is_link: bool = False
    checksum: str | None = None

    @classmethod
    def read(cls, record: Record) -> Annotation:
        """Reads it from an answer."""
        return cls(
            artifact=record.text("artifact"),
            type=record.optional_text("type"),
            path=record.optional_text("path"),
            virtual=record.boolean("virtual") if "virtual" in record else None,
            labels=record.texts("labels"),
            description=record.optional_text("description"),
            custom=record.value("custom"),
            source=record.text("source", ""),
            is_link=record.boolean("is_link"),
            checksum=record.optional_text("checksum"),
        )


@dataclass(frozen=True, slots=True)
class VersionDetail(Version):
    """A version with all that belongs to it.

    Attributes:
        files: Its files, at most a thousand; ``files_truncated`` says whether there are more.
        files_truncated: See ``files``.
        annotation: What the repo said about the artifact at the version's commit.
        code_commit: The commit of the code that made it, if that was given.
        run: The training run that made it, if that was given.
        signature: Of the version's tag.
        files_path: Where the files lie in the repo; empty for all of it, None where none of them is there.
        commit_detail: The version's commit.
    """

    files: tuple[VersionFile, ...] = ()
    files_truncated: bool = False
    annotation: Annotation | None = None
    code_commit: str | None = None
    run: str | None = None
    signature: TagSignature = field(default_factory=lambda: TagSignature("none"))
    files_path: str | None = None
    commit_detail: Commit | None = None

    @classmethod
    def read(cls, record: Record) -> VersionDetail:
        """Reads it from an answer."""
        annotation = record.optional_record("annotation")
        signature = record.optional_record("signature")
        commit = record.optional_record("commit_detail")
        return cls(
            **_version_fields(record),  # type: ignore[arg-type]
            files=tuple(map(VersionFile.read, record.records("files"))),
            files_truncated=record.boolean("files_truncated"),
            annotation=Annotation.read(annotation) if annotation else None,
            code_commit=record.optional_text("code_commit"),
            run=record.optional_text("run"),
            signature=TagSignature.read(signature) if signature else TagSignature("none"),
            files_path=record.optional_text("files_path"),
            commit_detail=Commit.read(commit) if commit else None,
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """Who holds a stage: a version (None for a commit without one), since when, by whom.

    ``repo`` is empty where the answer was about one repo.
    """

    artifact: str
    stage: str
    version: str | None
    commit: str
    tag: str
    assigned_at: datetime | None
    author: str
    author_email: str
    repo: str = ""

    @classmethod
    def read(cls, record: Record, repo: str = "") -> Stage:
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
            repo=record.text("repo", repo),
        )


@dataclass(frozen=True, slots=True)
class RegistryEvent:
    """What a registry tag records.

    ``event`` is registration, deregistration, assignment, unassignment or deprecation; ``at`` is the tag's time.
    """

    repo: str
    artifact: str
    event: str
    version: str | None
    stage: str | None
    tag: str
    commit: str
    at: datetime | None
    author: str
    author_email: str
    message: str

    @classmethod
    def read(cls, record: Record, repo: str = "") -> RegistryEvent:
        """Reads it from an answer."""
        return cls(
            repo=record.text("repo", repo),
            artifact=record.text("artifact"),
            event=record.text("event"),
            version=record.optional_text("version"),
            stage=record.optional_text("stage"),
            tag=record.text("tag", ""),
            commit=record.text("commit", ""),
            at=record.optional_time("at"),
            author=record.text("author", ""),
            author_email=record.text("author_email", ""),
            message=record.text("message", ""),
        )


@dataclass(frozen=True, slots=True)
class Tenure:
    """A time during which one version held a stage; ``until`` is None while it does.

    ``assigned_by`` is earlier than ``since`` where the version came back because another one left.
    """

    version: str | None
    commit: str
    since: datetime | None
    until: datetime | None
    assigned_by: RegistryEvent | None = None
    left_by: RegistryEvent | None = None

    @classmethod
    def read(cls, record: Record) -> Tenure:
        """Reads it from an answer."""
        assigned, left = record.optional_record("assigned_by"), record.optional_record("left_by")
        return cls(
            version=record.optional_text("version"),
            commit=record.text("commit", ""),
            since=record.optional_time("from"),
            until=record.optional_time("until"),
            assigned_by=RegistryEvent.read(assigned) if assigned else None,
            left_by=RegistryEvent.read(left) if left else None,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """Who held a stage before and after; a version, or a commit without one, or None for nobody."""

    repo: str
    artifact: str
    stage: str
    before: str | None
    after: str | None
    events: tuple[RegistryEvent, ...] = ()

    @classmethod
    def read(cls, record: Record) -> Change:
        """Reads it from an answer."""
        return cls(
            repo=record.text("repo", ""),
            artifact=record.text("artifact"),
            stage=record.text("stage"),
            before=record.optional_text("before"),
            after=record.optional_text("after"),
            events=tuple(map(RegistryEvent.read, record.records("events"))),
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """A tag or a file that the registry cannot read, why, and what to do about it.

    ``breaks_gto`` says whether ``gto`` gives up on the whole repo because of it.
    """

    tag: str | None
    file: str | None
    code: str
    reason: str
    remedy: str
    line: int | None = None
    breaks_gto: bool = False

    @classmethod
    def read(cls, record: Record) -> Problem:
        """Reads it from an answer."""
        return cls(
            tag=record.optional_text("tag"),
            file=record.optional_text("file"),
            code=record.text("code", ""),
            reason=record.text("reason", ""),
            remedy=record.text("remedy", ""),
            line=record.optional_integer("line"),
            breaks_gto=record.boolean("breaks_gto"),
        )


def _version_fields(record: Record) -> Mapping[str, object]:
    return {
        "artifact": record.text("artifact"),
        "version": record.text("version"),
        "commit": record.text("commit"),
        "tag": record.text("tag", ""),
        "is_latest": record.boolean("is_latest"),
        "is_active": record.boolean("is_active", default=True),
        "stages": record.texts("stages"),
        "registered_at": record.optional_time("registered_at"),
        "author": record.text("author", ""),
        "author_email": record.text("author_email", ""),
        "message": record.text("message", ""),
        "warnings": record.texts("warnings"),
    }
