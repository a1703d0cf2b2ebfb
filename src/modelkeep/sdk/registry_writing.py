"""Writing to the registry of a repo: versions, stages, annotations. Everything becomes a tag or a commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from modelkeep.sdk.handle import Handle, given
from modelkeep.sdk.http import Json
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.models import Commit
from modelkeep.sdk.models_policy import DryRun, Evidence
from modelkeep.sdk.models_registry import Annotation, RegistryEvent, Stage, Version

Bump: TypeAlias = Literal["major", "minor", "patch", "release"]
Verdict: TypeAlias = Literal["passed", "failed", "pending"]


class _Unset:
    """Says that an argument was not given, where None means to remove something."""

    def __repr__(self) -> str:
        return "…"


UNSET = _Unset()


@dataclass(frozen=True, slots=True)
class Annotated:
    """An annotation, and the commit that changed it; None where the file said so already."""

    annotation: Annotation
    commit: Commit | None


class RegistryWriting(Handle):
    """The part of :class:`modelkeep.sdk.repo.RepoHandle` that registers, promotes and annotates.

    Each call is one annotated tag or one commit in the caller's name, or nothing at all. Two callers at a time do not
    disturb each other: one is first, the other gets the next number or :class:`modelkeep.sdk.errors.Conflict`.
    """

    def register(
        self,
        artifact: str,
        *,
        version: str | None = None,
        bump: Bump | None = None,
        prerelease: str | None = None,
        revision: str | None = None,
        message: str | None = None,
        code_commit: str | None = None,
        run: str | None = None,
    ) -> Version:
        """Registers a revision as a version, by an annotated tag in the user's name.

        Args:
            artifact: Its name; the first version makes it.
            version: ``v1.2.3``; left out, the hub counts on from the latest one, ``bump`` saying which part.
            bump: ``major``, ``minor`` or ``patch``; ``release`` finishes a pre-release (v1.1.0-rc.2 becomes v1.1.0).
            prerelease: A label such as ``rc``: v1.3.0-rc.1, then v1.3.0-rc.2.
            revision: What to register; the default branch if None.
            message: Of the tag.
            code_commit: The commit of the code that made it.
            run: The training run that made it, such as its URL.
        """
        body = given(
            version=version,
            bump=bump,
            prerelease=prerelease,
            revision=revision,
            message=message,
            code_commit=code_commit,
            run=run,
        )
        return Version.read(self._send("POST", "artifacts", artifact, "versions", body=body))

    def deregister(self, artifact: str, version: str, *, message: str | None = None) -> RegistryEvent:
        """Withdraws a version: it stays in the history and counts no longer."""
        body = given(message=message)
        answer = self._send("DELETE", "artifacts", artifact, "versions", version, body=body)
        return RegistryEvent.read(answer, self.name)

    def deprecate(self, artifact: str, *, message: str | None = None) -> RegistryEvent:
        """Says that an artifact is no longer to be used. Registering a version again revives it."""
        answer = self._send("POST", "artifacts", artifact, "deprecation", body=given(message=message))
        return RegistryEvent.read(answer, self.name)

    def promote(
        self,
        artifact: str,
        stage: str,
        *,
        version: str | None = None,
        revision: str | None = None,
        message: str | None = None,
    ) -> Stage:
        """Gives a stage to a version, or to a revision, which is registered first if it has no version.

        Args:
            artifact: Its name.
            stage: Such as ``prod``.
            version: ``v1.2.3`` or ``latest``.
            revision: Instead of a version.
            message: Of the tag.

        Raises:
            NotPermitted: The policy says no; the codes begin with ``policy_``.
        """
        body = _target(artifact, version, revision, message)
        return Stage.read(self._send("PUT", "artifacts", artifact, "stages", stage, body=body), self.name)

    def try_promote(
        self, artifact: str, stage: str, *, version: str | None = None, revision: str | None = None
    ) -> DryRun:
        """What :meth:`promote` would do, and which conditions of the policy block it. Changes nothing."""
        body = {**_target(artifact, version, revision, None), "dry_run": True}
        return DryRun.read(self._send("PUT", "artifacts", artifact, "stages", stage, body=body))

    def rollback(self, artifact: str, stage: str, *, message: str | None = None) -> Stage:
        """Gives a stage back to the version that held it before, by a new assignment."""
        segments = ("artifacts", artifact, "stages", stage, "rollback")
        return Stage.read(self._send("POST", *segments, body=given(message=message)), self.name)

    def unassign(
        self, artifact: str, stage: str, *, version: str | None = None, message: str | None = None
    ) -> Stage | None:
        """Takes a stage away from the version that holds it, or from ``version``.

        Returns:
            Who holds it then: the version that held it before comes back, unless it was taken out too. None for nobody.
        """
        body = given(version=version, message=message)
        holder = self._send("DELETE", "artifacts", artifact, "stages", stage, body=body).optional_record(
            "holder"
        )
        return Stage.read(holder, self.name) if holder else None

    def annotate(
        self,
        artifact: str,
        *,
        type: str | _Unset | None = UNSET,
        path: str | _Unset | None = UNSET,
        labels: Sequence[str] | _Unset | None = UNSET,
        add_labels: Sequence[str] = (),
        remove_labels: Sequence[str] = (),
        description: str | _Unset | None = UNSET,
        custom: Json | _Unset = UNSET,
        branch: str | None = None,
        message: str | None = None,
        must_exist: bool = False,
        allow_same_path: bool = False,
    ) -> Annotated:
        """Says what an artifact is, by a commit to the file that declares it. Its comments and order stay.

        What is not given stays as it is; None removes it.

        Args:
            artifact: Its name.
            type: Such as ``model``.
            path: In the repo, or a URL such as ``s3://…``.
            labels: In place of the present ones.
            add_labels: Beside the present ones.
            remove_labels: Of the present ones.
            description: One line or more.
            custom: Any JSON.
            branch: The default branch if None.
            message: Of the commit.
            must_exist: Whether a ``path`` that is not in the repo is refused.
            allow_same_path: Whether the path may be that of another artifact, or above or below it.
        """
        fields: dict[str, Json | _Unset] = {
            "type": type,
            "path": path,
            "labels": [*labels] if isinstance(labels, Sequence) else labels,
            "description": description,
            "custom": custom,
        }
        body: dict[str, Json] = {
            name: value for name, value in fields.items() if not isinstance(value, _Unset)
        }
        body |= given(branch=branch, message=message)
        if add_labels:
            body["add_labels"] = [*add_labels]
        if remove_labels:
            body["remove_labels"] = [*remove_labels]
        if must_exist:
            body["must_exist"] = True
        if allow_same_path:
            body["allow_same_path"] = True
        answer = self._send("PATCH", "artifacts", artifact, "annotation", body=body)
        commit = answer.optional_record("commit")
        return Annotated(
            Annotation.read(answer.record("annotation")), Commit.read(commit) if commit else None
        )

    def remove_annotation(
        self, artifact: str, *, branch: str | None = None, message: str | None = None
    ) -> Commit:
        """Removes what the repo says about an artifact, by a commit. Its versions stay."""
        body = given(branch=branch, message=message)
        return Commit.read(
            self._send("DELETE", "artifacts", artifact, "annotation", body=body).record("commit")
        )

    def record_evidence(
        self,
        artifact: str,
        version: str,
        name: str,
        verdict: Verdict,
        *,
        summary: str | None = None,
        url: str | None = None,
    ) -> Evidence:
        """Records a verdict about a version that was found elsewhere, in place of an earlier one of the same name."""
        segments = ("artifacts", artifact, "versions", version, "checks", name)
        return Evidence.read(
            self._send("PUT", *segments, body=given(verdict=verdict, summary=summary, url=url))
        )

    def evidence(self, artifact: str, version: str) -> Listing[Evidence]:
        """The verdicts that were recorded about a version."""
        return self._list(
            Evidence.read,
            "artifacts",
            artifact,
            "versions",
            version,
            "checks",
            columns=("name", "verdict", "summary", "recorded_by", "recorded_at"),
        )


def _target(artifact: str, version: str | None, revision: str | None, message: str | None) -> dict[str, Json]:
    if version == "latest":
        version, revision = None, f"{artifact}@latest"
    return given(version=version, revision=revision, message=message)
