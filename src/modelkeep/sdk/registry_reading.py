"""Reading the registry of a repo."""

from __future__ import annotations

from modelkeep.sdk.handle import Handle, When, when
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.models_registry import (
    Annotation,
    Artifact,
    Change,
    Problem,
    RegistryEvent,
    Stage,
    Tenure,
    Version,
    VersionDetail,
)

ARTIFACT_COLUMNS = ("artifact", "latest", "stages", "type", "labels", "description")
VERSION_COLUMNS = ("version", "stages", "registered_at", "author", "message", "commit")
STAGE_COLUMNS = ("artifact", "stage", "version", "assigned_at", "author", "commit")
EVENT_COLUMNS = ("at", "artifact", "event", "version", "stage", "author", "message")


def history_filters(
    artifact: str | None,
    stage: str | None,
    version: str | None,
    event: str | None,
    author: str | None,
    since: When | None,
    until: When | None,
    *,
    is_ascending: bool,
) -> dict[str, str | bool | None]:
    """The query of a history, of one repo or of all."""
    return {
        "artifact": artifact,
        "stage": stage,
        "version": version,
        "event": event,
        "author": author,
        "since": when(since),
        "until": when(until),
        "ascending": is_ascending or None,
    }


class RegistryReading(Handle):
    """The part of :class:`modelkeep.sdk.repo.RepoHandle` that reads versions, stages and their history.

    Where a method takes ``at`` it answers for that point in time, as the tags tell it; see
    :data:`modelkeep.sdk.handle.When`.
    """

    def artifacts(self, *, at: When | None = None) -> Listing[Artifact]:
        """The artifacts, with their latest version and their stages."""
        return self._list(
            lambda record: Artifact.read(record, self.name),
            "artifacts",
            params={"at": when(at)},
            columns=ARTIFACT_COLUMNS,
        )

    def versions(self, artifact: str, *, at: When | None = None) -> Listing[Version]:
        """The versions of an artifact, the greatest first; those that were withdrawn too."""
        segments = ("artifacts", artifact, "versions")
        return self._list(Version.read, *segments, params={"at": when(at)}, columns=VERSION_COLUMNS)

    def version(self, artifact: str, version: str = "latest") -> VersionDetail:
        """One version with its files, metadata and origin; ``v1.2.3`` or ``latest``.

        Raises:
            NotFound: There is no such version.
        """
        return VersionDetail.read(self._get("artifacts", artifact, "versions", version))

    def stages(self, artifact: str, *, at: When | None = None) -> Listing[Stage]:
        """The stages of an artifact and who holds them."""
        return self._list(
            lambda record: Stage.read(record, self.name),
            "artifacts",
            artifact,
            "stages",
            params={"at": when(at)},
            columns=STAGE_COLUMNS,
        )

    def stage(self, artifact: str, stage: str, *, at: When | None = None) -> Stage:
        """Who holds a stage.

        Raises:
            NotFound: Nobody does (code ``no_stage``), or there is no such artifact.
        """
        return Stage.read(
            self._get("artifacts", artifact, "stages", stage, params={"at": when(at)}), self.name
        )

    def timeline(self, artifact: str, stage: str) -> Listing[Tenure]:
        """Who held a stage from when to when, the latest first."""
        return self._list(
            Tenure.read,
            "artifacts",
            artifact,
            "stages",
            stage,
            "history",
            columns=("version", "since", "until", "commit"),
        )

    def history(
        self,
        artifact: str | None = None,
        *,
        stage: str | None = None,
        version: str | None = None,
        event: str | None = None,
        author: str | None = None,
        since: When | None = None,
        until: When | None = None,
        is_ascending: bool = False,
    ) -> Listing[RegistryEvent]:
        """What happened in the registry, the latest first.

        Args:
            artifact: Only of this one.
            stage: Only in this stage.
            version: Only about this version.
            event: Only ``registration``, ``deregistration``, ``assignment``, ``unassignment`` or ``deprecation``.
            author: Only by this person.
            since: Not before.
            until: Not after.
            is_ascending: The earliest first.
        """
        params = history_filters(
            artifact, stage, version, event, author, since, until, is_ascending=is_ascending
        )
        return self._list(
            lambda record: RegistryEvent.read(record, self.name),
            "history",
            params=params,
            columns=EVENT_COLUMNS,
        )

    def diff(self, since: When, until: When | None = None, *, stage: str | None = None) -> Listing[Change]:
        """What changed in the stages of this repo between two points in time; ``until`` is now if left out."""
        namespace, repo = self._segments[1:]
        params = {
            "namespace": namespace,
            "repo": repo,
            "from": when(since),
            "to": when(until),
            "stage": stage,
        }
        return Listing(
            self._connection,
            "/api/v1/registry/diff",
            Change.read,
            params,
            columns=("artifact", "stage", "before", "after"),
        )

    def annotations(self, *, revision: str | None = None) -> Listing[Annotation]:
        """What the repo says about its artifacts, at a revision."""
        return self._list(
            Annotation.read,
            "annotations",
            params={"revision": revision},
            columns=("artifact", "type", "path", "labels", "description"),
        )

    def annotation(self, artifact: str, *, revision: str | None = None) -> Annotation:
        """What the repo says about an artifact, at a revision.

        Raises:
            NotFound: It says nothing about it.
        """
        params = {"revision": revision}
        return Annotation.read(self._get("artifacts", artifact, "annotation", params=params))

    def problems(self) -> Listing[Problem]:
        """Tags and files that the registry cannot read, with the reason and what to do."""
        return self._list(Problem.read, "doctor", columns=("tag", "file", "reason", "remedy"))

    def gto_show(self, name: str | None = None) -> str:
        """What ``gto show [NAME] --json`` prints in a fresh clone, to the letter."""
        return self._gto("show", name=name)

    def gto_history(self, name: str | None = None, *, is_ascending: bool = False) -> str:
        """What ``gto history [NAME] --json`` prints in a fresh clone, to the letter."""
        return self._gto("history", name=name, ascending=is_ascending or None)

    def gto_stages(self) -> str:
        """What ``gto stages --json`` prints in a fresh clone, to the letter."""
        return self._gto("stages")

    def gto_check_ref(self, ref: str) -> str:
        """What ``gto check-ref REF --json`` prints in a fresh clone, to the letter; empty for any other ref."""
        return self._gto("check-ref", ref=ref)

    def _gto(self, what: str, **params: str | bool | None) -> str:
        return self._connection.send("GET", self._path("gto", what), params=params).decode("utf-8", "replace")
